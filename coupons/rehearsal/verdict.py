"""The verdict of a rehearsal: a line for each thing that only a crowd shows, and the red lines of
the readiness board. Each red line names the mistake and what to do."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from coupons.readiness.result import Light, Line, amber, green, red
from coupons.rehearsal.figures import Stored
from coupons.rehearsal.tally import NO_ANSWER, TOLD, Tally

P99_AMBER_MS, P99_RED_MS = 1_000, 3_000
RATE_AMBER = 0.9  # of the planned rate
STORING_AMBER_S = 10.0
EARLY_S = 2.0  # hosts that keep time by NTP differ by milliseconds
LANGUAGES = ("en", "ko")
# A crowd may be refused for these reasons: they are answers, and right.
_RIGHT = TOLD | {"sold_out"}
_TURNED_AWAY = frozenset({"too_many_requests", "http_429"})


@dataclass(frozen=True, slots=True)
class RunFigures:
    """All that a verdict is made of. `yielded_s`: seconds in which the crowd asked slowly, for a
    live campaign. `storing_s`: from the last answer until all was stored;
    None: not within the time. `trouble`: why the crowd could not ask at all."""

    people: int
    per_second: int
    audience: str
    segments: tuple[str, ...]
    stock: int
    tally: Tally
    stored: Stored | None = None
    yielded_s: float = 0.0
    storing_s: float | None = None
    trouble: str = ""
    board: list[Line] = field(default_factory=list)

    @property
    def answered_per_second(self) -> float:
        """From the first person to the last answer. Never more than planned: that of a few is
        shorter than their turns."""
        span_s = self.tally.span_s
        return min(self.tally.answered / span_s, self.per_second) if span_s else 0.0


def verdict_lines(measured: RunFigures) -> list[Line]:
    """In the current language. A red line of the board that the crowd has shown is not repeated."""
    lines = [line for check in _CHECKS for line in check(measured)]
    names = {line.name for line in lines if line.light is Light.RED}
    board = (line for line in measured.board if line.light is Light.RED)
    return [*lines, *(line for line in board if line.name not in names)]


def texts_by_language(make: Any) -> list[dict[str, Any]]:
    """Lines as JSON, with their texts in each language: `make()` is called once for each."""
    by_language: dict[str, list[Line]] = {}
    for language in LANGUAGES:
        with translation.override(language):
            by_language[language] = make()
    return [
        {
            "name": lines[0].name,
            "light": str(lines[0].light),
            "seen": {name: line.seen for name, line in zip(LANGUAGES, lines, strict=True)},
            "do": {name: line.do for name, line in zip(LANGUAGES, lines, strict=True)},
        }
        for lines in zip(*by_language.values(), strict=False)
    ]


def _crowd(measured: RunFigures) -> Iterator[Line]:
    tally = measured.tally
    if measured.trouble:
        yield red("crowd", measured.trouble, _("Correct this, then rehearse again."))
    elif tally.asked < measured.people:
        seen = _("Only {asked:,} of {people:,} people asked: the rehearsal ended before.")
        do = _("Rehearse with fewer people, or with more a second.")
        text = seen.format(asked=tally.asked, people=measured.people)
        yield (amber if tally.answered else red)("crowd", text, do)
    else:
        yield green("crowd", _("{people:,} people asked.").format(people=tally.asked))


def _tokens(measured: RunFigures) -> Iterator[Line]:
    tally = measured.tally
    refused = tally.outcomes["bad_token"] + tally.outcomes["no_token"]
    if refused:
        seen = _("{refused:,} of {asked:,} tokens were refused: {why}").format(
            refused=refused, asked=tally.asked, why=tally.details.get("bad_token", "")
        )
        do = _(
            "The site's hosts don't have the key that signed them, or their clocks differ: compare"
            " JWT_HS256_SECRET (or JWT_JWKS_FILE), JWT_ISSUER and JWT_AUDIENCE of every host with"
            " the shop's, then restart the web hosts."
        )
        yield red("tokens", seen, do)
    elif tally.answered:
        yield green("tokens", _("The site believes the tokens."))


def _segment(measured: RunFigures) -> Iterator[Line]:
    refused, audience = measured.tally.outcomes["not_eligible"], measured.audience
    if refused:
        carried = ", ".join(measured.segments) or _("none")
        seen = _(
            "{refused:,} people were not eligible: the campaign is for the segment {audience!r},"
            " and the shop's tokens carry: {carried}."
        ).format(refused=refused, audience=audience, carried=carried)
        do = _(
            "Correct the campaign's audience; or, if the shop does put this segment into tokens,"
            " add it to SHOP_SEGMENTS."
        )
        yield red("segment", seen, do)
    elif audience:
        yield green("segment", _("Tokens carry the segment {!r}.").format(audience))


def _answers(measured: RunFigures) -> Iterator[Line]:
    tally = measured.tally
    known = {*_RIGHT, "bad_token", "no_token", "not_eligible"}
    wrong = {code: count for code, count in tally.outcomes.items() if count and code not in known}
    if not wrong:
        if tally.answered:
            yield green("answers", _("Everybody got an answer: a place, or sold out."))
        return
    parts = ", ".join(
        f"{count:,} × {code}" + (f" ({tally.details[code]})" if code in tally.details else "")
        for code, count in sorted(wrong.items(), key=lambda pair: -pair[1])
    )
    yield red("answers", _("Wrong answers: {parts}").format(parts=parts), _what_to_do(wrong))


def _what_to_do(wrong: dict[str, int]) -> str:
    worst = max(wrong, key=lambda code: wrong[code])
    if worst == NO_ANSWER:
        return _(
            "Is a web host down, or an address of WARM_UP_URLS wrong? systemctl status coupon-api"
        )
    if worst in _TURNED_AWAY:
        return _(
            "Rehearse against the web hosts' own addresses (WARM_UP_URLS): the front bounds what"
            " one address may ask."
        )
    if worst == "unknown_campaign":
        return _("The web hosts use another Redis or database than this one: compare settings.")
    if worst == "database_away":
        return _(
            "The database refuses connections or does not answer: raise max_connections, or take"
            " fewer threads; see the line about connections."
        )
    if worst.startswith("store_"):
        return _(
            "Redis refuses or does not answer: is its disk or memory full, or"
            " REDIS_MAX_CONNECTIONS too small? redis-cli INFO persistence"
        )
    return _("Take more API hosts (manage.py plan_capacity), then rehearse again.")


def _rate(measured: RunFigures) -> Iterator[Line]:
    if not measured.tally.answered:
        return
    rate, planned = measured.answered_per_second, measured.per_second
    values = {"rate": round(rate), "planned": planned, "seconds": round(measured.yielded_s)}
    seen = _("{rate:,} answers a second; {planned:,} were planned.").format(**values)
    if measured.yielded_s > 0.5:
        more = _("For {seconds} s it asked slowly, beside a live campaign.").format(**values)
        yield amber("rate", f"{seen} {more}", _("Rehearse again when nothing is open."))
    elif rate < RATE_AMBER * planned:
        do = _("Let the crowd ask from more hosts (Locust), or take more API hosts.")
        yield amber("rate", seen, do)
    else:
        yield green("rate", seen)


def _latency(measured: RunFigures) -> Iterator[Line]:
    if not measured.tally.answered:
        return
    p50, p99 = (measured.tally.percentile_ms(share) for share in (0.5, 0.99))
    seen = _("Half of the answers within {p50:,} ms, 99 % within {p99:,} ms.").format(
        p50=round(p50), p99=round(p99)
    )
    do = _("Take more API hosts (manage.py plan_capacity), or fewer people a second.")
    if p99 > P99_RED_MS:
        yield red("latency", seen, do)
    else:
        yield amber("latency", seen, do) if p99 > P99_AMBER_MS else green("latency", seen)


def _told_stored(measured: RunFigures) -> Iterator[Line]:
    stored, tally = measured.stored, measured.tally
    if stored is None or not (tally.told or stored.rows):
        return
    told, rows = tally.told, stored.rows
    values = {"told": told, "stored": rows, "waiting": stored.waiting, "parked": stored.parked}
    if stored.parked > 0:
        do = _("See the parked claims' reasons in a worker's log: journalctl -u coupon-worker")
        yield red("told_stored", _("{parked:,} claims could not be stored.").format(**values), do)
    elif rows < told:
        seen = _("{told:,} people were told a place, {stored:,} are stored.").format(**values)
        do = _(
            "Does a worker run, and does it reach the database? systemctl status coupon-worker;"
            " journalctl -u coupon-worker -n 200"
        )
        yield red("told_stored", seen, do)
    elif tally.lost:
        seen = _("{told:,} told, {stored:,} stored; some answers were lost.").format(**values)
        yield amber("told_stored", seen, _("See the line about answers."))
    elif rows != told or stored.digest != f"{tally.digest:064x}":
        seen = _("What people were told differs from what is stored: {told:,}, {stored:,}.")
        do = _("Report this to the developers, with the logs of this time.")
        yield red("told_stored", seen.format(**values), do)
    else:
        yield green(
            "told_stored", _("Told {told:,}, stored {stored:,}: the same.").format(**values)
        )


def _storing_time(measured: RunFigures) -> Iterator[Line]:
    seconds = measured.storing_s
    if seconds is None or not measured.tally.told:
        return
    seen = _("All was stored {seconds:.1f} s after the last answer.").format(seconds=seconds)
    do = _("Take more consumer hosts, or a larger database class (manage.py plan_capacity).")
    slow = seconds > STORING_AMBER_S
    yield amber("storing_time", seen, do) if slow else green("storing_time", seen)


def _worker_clock(measured: RunFigures) -> Iterator[Line]:
    """A row's `stored_at` is of the worker's clock, `admitted_at` of Redis' or MySQL's."""
    early_s = -measured.stored.least_age_s if measured.stored else 0.0
    if early_s < EARLY_S:
        return
    seen = _("Coupons were stored {seconds:,.0f} s before they were admitted.")
    do = _(
        "The clock of the host that stores them is behind: chronyc tracking, systemctl restart"
        " chrony"
    )
    yield red("host_clocks", seen.format(seconds=early_s), do)


_CHECKS = (
    _crowd, _tokens, _segment, _answers, _rate, _latency, _told_stored, _storing_time,
    _worker_clock,
)  # fmt: skip
