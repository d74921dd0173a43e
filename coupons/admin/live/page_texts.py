"""A reading as the page shows it: texts in the operator's language and numbers for the chart."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coupons.admin.formatting import grouped_number
from coupons.admin.live.agenda import Entry, Happening
from coupons.admin.live.quantities import age_text
from coupons.admin.live.reading import Reading
from coupons.admin.live.seen import ABOVE_MS, TURNED_AWAY, Checks, Seen, counts_by_word, demand_of
from coupons.admin.live.verdict import Verdict, judge_sale
from coupons.audit import labels
from coupons.audit.outcome_labels import OUTCOMES, outcome_label
from coupons.campaigns.demand import DemandSecond
from coupons.claims.timestamps import clock_text, milliseconds_of
from coupons.claims.values import Outcome

KINDS = {
    "placed": gettext_lazy("new coupon"),
    "repeat": gettext_lazy("asked again, has one"),
    "refused": gettext_lazy("refused"),
    "turned": gettext_lazy("turned away"),
    "error": gettext_lazy("error"),
}
HAPPENINGS = {
    Happening.ANNOUNCED: gettext_lazy("is announced"),
    Happening.OPENS: gettext_lazy("opens"),
    Happening.CLOSES: gettext_lazy("closes"),
    Happening.EXPIRES: gettext_lazy("coupons begin to expire (swept within 30 s)"),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """`name`: for the script; `value`: with its unit, a question mark while it is not known."""

    name: str
    label: str
    value: str
    is_large: bool = False
    is_bad: bool = False


def verdict_of(reading: Reading) -> Verdict:
    seen = reading.seen
    if seen.checks is not None:
        seen = replace(seen, checks=_named(seen.checks))
    return judge_sale(seen)


def _named(checks: Checks) -> Checks:
    """With the checks' names in the operator's language."""
    red, amber = (
        tuple(labels.check_label(name) for name in names) for names in (checks.red, checks.amber)
    )
    return replace(checks, red=red, amber=amber)


def figures_of(reading: Reading) -> list[Figure]:
    seen, recent = reading.seen, reading.seen.recent
    known = seen.redis_answers
    turned, errors = (recent.turned_away, recent.errors) if known else (None, None)
    stored = seen.stored if seen.mysql_answers else None
    told = None if seen.admitted is None or stored is None else max(0, seen.admitted - stored)
    return [
        Figure("rate", _("claims a second"), grouped_number(seen.rate), is_large=True),
        Figure("admitted", _("admitted"), grouped_number(seen.admitted), is_large=True),
        Figure("stored", _("stored"), grouped_number(stored), is_large=True),
        Figure("remaining", _("remaining"), grouped_number(_remaining(seen)), is_large=True),
        Figure("waiting", _("waiting"), grouped_number(seen.waiting)),
        Figure("oldest", _("oldest waiting"), _oldest_text(seen)),
        Figure("told", _("told − stored"), grouped_number(told), is_bad=seen.missing > 0),
        Figure("parked", _("parked"), grouped_number(seen.parked), is_bad=bool(seen.parked)),
        Figure("turned", _("turned away (10 s)"), grouped_number(turned), is_bad=bool(turned)),
        Figure("errors", _("errors (10 s)"), grouped_number(errors), is_bad=bool(errors)),
        Figure("p99", _("p99 (10 s)"), _latency_text(seen)),
        Figure("canary", _("canary"), _age_text(seen.canary_ms, known=known)),
        Figure("beat", _("beat"), _age_text(seen.sweep_ms, known=known)),
    ]  # fmt: skip


def _remaining(seen: Seen) -> int | None:
    return None if seen.admitted is None else max(0, seen.stock - seen.admitted)


def _oldest_text(seen: Seen) -> str:
    if seen.waiting is None:
        return "?"
    return "–" if seen.oldest_ms is None else _seconds_text(seen.oldest_ms)


def _seconds_text(ms: int) -> str:
    return _("{seconds} s").format(seconds=f"{ms / 1000:.1f}")


def _latency_text(seen: Seen) -> str:
    if not seen.redis_answers:
        return "?"
    if seen.p99_ms is None:
        return "–"
    return "> 1 s" if seen.p99_ms == ABOVE_MS else f"≤ {seen.p99_ms} ms"


def _age_text(age_ms: int | None, *, known: bool) -> str:
    return age_text(age_ms) if known else "?"


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    kind: str  # a key of KINDS
    kind_label: str
    label: str
    a_minute: str  # of the last minute
    in_all: str  # of the chart's ten minutes


def outcome_rows(reading: Reading) -> list[OutcomeRow]:
    """What became of the claims of the last ten minutes; first who has a place."""
    first_ms = (reading.redis_ms or 0) - 60_000
    minute = counts_by_word(each for each in reading.seconds if each.second_ms >= first_ms)
    return [
        OutcomeRow(
            kind_of(word), str(KINDS[kind_of(word)]), outcome_label(word),
            grouped_number(minute.get(word, 0)), grouped_number(count),
        )
        for word, count in sorted(counts_by_word(reading.seconds).items(), key=_in_order)
    ]  # fmt: skip


def _in_order(pair: tuple[str, int]) -> tuple[int, int, str]:
    word, _count = pair
    ranks = list(OUTCOMES)
    rank = ranks.index(word) if word in OUTCOMES else len(ranks)
    return list(KINDS).index(kind_of(word)), rank, word


_PLACED: dict[str, str] = {Outcome.ADMITTED: "placed", Outcome.ALREADY_CLAIMED: "repeat"}


def kind_of(word: str) -> str:
    if word in _PLACED:
        return _PLACED[word]
    if word in set(Outcome):
        return "refused"
    return "turned" if word in TURNED_AWAY else "error"


def chart_rows(seconds: Sequence[DemandSecond], since_ms: int) -> Iterator[list[int]]:
    """[second, new coupons, repeats, refused, turned away, errors] after `since_ms`; ms by Redis'
    clock. In the order of KINDS."""
    for second in seconds:
        if second.second_ms > since_ms:
            demand = demand_of([second])
            yield [
                second.second_ms, demand.placed, demand.repeats, demand.refused,
                demand.turned_away, demand.errors,
            ]  # fmt: skip


def agenda_rows(entries: Sequence[Entry], pk: int) -> list[dict[str, Any]]:
    return [
        {
            "at": clock_text(entry.at),
            "ms": milliseconds_of(entry.at),
            "slug": entry.slug,
            "what": str(HAPPENINGS[entry.what]),
            "own": entry.pk == pk,
        }
        for entry in entries
    ]
