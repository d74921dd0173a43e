"""The report's figures in words and pictures, in the reader's language: for page and file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from coupons.audit import labels
from coupons.audit.durations import duration_text
from coupons.audit.outcome_labels import outcome_label
from coupons.claims.timestamps import local_text, moment_of
from coupons.models import AuditActor, CampaignEvent, CouponState
from coupons.proof import svg_charts
from coupons.proof.report import Figures, faults_of
from coupons.proof.report_demand import MOST_SECONDS
from coupons.proof.svg_charts import Line, Mark

_BARS, _AFTERWARDS_S = 60, 5  # of the chart of who asked: most bars; it ends so long after
NOTHING: Mapping[int, dict[str, Any]] = MappingProxyType({})
CHECKS: dict[str, tuple[Promise, Promise]] = {
    "beyond_stock": (
        gettext_lazy("No coupon beyond the stock"),
        gettext_lazy("coupons on places beyond the stock"),
    ),
    "same_user": (
        gettext_lazy("No user with more coupons than allowed"),
        gettext_lazy("coupons of users who had that one already"),
    ),
    "place_twice": (
        gettext_lazy("No place given twice"),
        gettext_lazy("coupons that stand on another's place, or on none of their own"),
    ),
    "holes": (
        gettext_lazy("No place without a coupon"),
        gettext_lazy("places that were given and have no holder"),
    ),
    "inversions": (
        gettext_lazy("Places in the order of admission"),
        gettext_lazy("places that were admitted earlier than a place before them"),
    ),
    "not_told": (
        gettext_lazy("Every coupon was admitted by Redis"),
        gettext_lazy("coupons whose user was not told of this place"),
    ),
    "counts": (
        gettext_lazy("Counts of granted, returned and stored coupons agree"),
        gettext_lazy("counts that contradict each other"),
    ),
    "receipts": (
        gettext_lazy("Receipts are those under the published root"),
        gettext_lazy("places whose receipts are not those published"),
    ),
}


def words_of(figures: Figures, whole: Mapping[int, dict[str, Any]] = NOTHING) -> dict[str, Any]:
    """The template's context. `whole`: `report_incidents.whole_data`, for who may see it."""
    faults = faults_of(figures)
    return {
        "figures": figures,
        "computed": _time(figures["computed_ms"]),
        "window": [_time(figures["campaign"][name]) for name in ("opens_ms", "closes_ms")],
        "faults": faults,
        "verdict": _verdict(figures, faults),
        "checks": [_check_words(name, figures["findings"][name]) for name in CHECKS],
        "stock_rows": _stock_rows(figures["counts"]),
        "time_rows": _time_rows(figures),
        "demand_rows": _demand_rows(figures["demand"]),
        "incidents": [
            (
                number,
                _after(figures, one["at_ms"]),
                _time(one["at_ms"]),
                _who(one),
                _what(one, whole),
            )
            for number, one in enumerate(figures["incidents"], 1)
        ],
        "curve": _curve(figures),
        "demand_bars": demand_bars(figures["demand"], shown_until_s(figures)),
        "demand_title": demand_title_of(figures),
        "latency_bars": _latency_bars(figures["demand"]["latency"]),
        "time_line": _time_line(figures),
    }


def _verdict(figures: Figures, faults: list[str]) -> str:
    if faults:
        return _("{0} of {1} checks found a fault.").format(len(faults), len(CHECKS))
    unchecked = [one for one in figures["findings"].values() if not one["is_checked"]]
    if unchecked:
        text = _("No fault found; {0} of {1} checks could not be made.")
        return text.format(len(unchecked), len(CHECKS))
    return _("All {} checks passed: no fault found.").format(len(CHECKS))


def _check_words(name: str, found: dict[str, Any]) -> dict[str, Any]:
    title, fault = CHECKS[name]
    if not found["is_checked"]:
        return {"title": title, "mark": "–", "state": "open", "text": _unchecked(name)}
    if not found["count"]:
        return {"title": title, "mark": "✓", "state": "good", "text": ""}
    where = found.get("ranges") or ", ".join(map(str, found["places"]))
    names = ", ".join(found.get("names", ()))
    text = f"{_number(found['count'])} {fault}"
    details = where or names
    more = "" if not where or found["count"] <= len(found["places"]) or "ranges" in found else ", …"
    return {
        "title": title, "mark": "✗", "state": "bad",
        "text": f"{text}: {details}{more}" if details else text,
    }  # fmt: skip


def _unchecked(name: str) -> str:
    if name == "receipts":
        return _("no root is published yet")
    return _("Redis does not have this campaign (any more), or never decided about it")


def _stock_rows(counts: dict[str, Any]) -> list[tuple[str, str]]:
    named = [
        (_("stock"), "stock"), (_("granted"), "granted"), (_("admitted"), "admitted"),
        (_("stored"), "stored"), (_("given up"), "given_up"), (_("returned"), "returned"),
        (_("given on"), "given_on"), (_("too many"), "over"), (_("left over"), "under"),
        (_("waiting"), "waiting"), (_("parked"), "parked"),
    ]  # fmt: skip
    rows = [(label, _number(counts[name])) for label, name in named]
    revoked = counts.get("states", {}).get(CouponState.REVOKED.value, 0)
    return [*rows[:4], (_("revoked"), _number(revoked)), *rows[4:]]


def _time_rows(figures: Figures) -> list[tuple[str, str]]:
    times, storing = figures["times"], figures["times"]["storing"]
    rows = [
        (_("sold out"), sold_out_text(times["sold_out_ms"], times.get("sold_out_again_ms"))),
        (_("last one admitted"), _after_text(times["last_admitted_ms"])),
        (_("all stored"), _after_text(times["all_stored_ms"])),
    ]
    for name in ("p50", "p95", "p99", "p100"):
        label = _("from admission to storage, {}").format(_percent(name))
        rows.append((label, "–" if storing[name] is None else f"{_number(storing[name])} ms"))
    return rows


def _demand_rows(demand: dict[str, Any]) -> list[tuple[str, str]]:
    latency = demand["latency"]
    rows = [
        (_("asked"), _number(demand["asked"])), (_("refused"), _number(demand["refused"])),
        (_("turned away"), _number(demand["turned_away"])),
    ]  # fmt: skip
    for name, count in sorted(demand["totals"].items()):
        rows.append((outcome_label(name), _number(count)))
    for name in ("p50", "p95", "p99"):
        value = latency[name]
        bound = latency["bounds_ms"][-1]
        slow = f"> {bound} ms" if sum(latency["counts"]) else "–"
        text = slow if value is None else f"≤ {value} ms"
        rows.append((_("time to answer, {}").format(_percent(name)), text))
    return rows


def _curve(figures: Figures) -> SafeString:
    curve = figures["curve"]
    lines = [
        Line(_("admitted"), _running(curve["admitted"])),
        Line(_("stored"), _running(curve["stored"]), "6 4"),
    ]
    end_ms = curve["step_ms"] * len(curve["admitted"])
    ends = (_("opening"), f"+{duration_text(end_ms)}")
    return _safe(svg_charts.draw_lines(_("Admitted and stored, from the opening on"), lines, ends))


def _running(values: list[int]) -> list[float]:
    total, sums = 0, []
    for value in values:
        total += value
        sums.append(float(total))
    return sums


def shown_until_s(figures: Figures) -> int:
    """Seconds after the opening until which the chart of who asked goes on: the last sell-out."""
    times = figures["times"]
    sold_out_ms = times.get("sold_out_again_ms") or times["sold_out_ms"] or 0
    return sold_out_ms // 1000 + _AFTERWARDS_S


def demand_title_of(figures: Figures) -> str:
    demand, ran_s = figures["demand"], 0
    if len(demand["seconds"]) >= MOST_SECONDS:
        ran_s = (figures["times"]["last_admitted_ms"] or 0) // 1000
    return demand_title(demand, shown_until_s(figures), ran_s)


@dataclass(frozen=True, slots=True)
class _Span:
    """Seconds after the opening that the chart of who asked shows, `step` of them in a bar."""

    first: int
    end: int
    step: int


def _shown_span(demand: dict[str, Any], until_s: int) -> _Span:
    known = [second for second, _counts in demand["seconds"]]
    end = min(max(known), max(min(known) + _BARS - 1, until_s)) + 1
    return _Span(min(known), end, -(-(end - min(known)) // _BARS))


def demand_bars(demand: dict[str, Any], until_s: int = 0) -> SafeString | None:
    """The first minute in which somebody asked, or until `until_s` after the opening, as far as it
    is known second by second; a bar is of several seconds then. None: nobody asked."""
    seconds = dict(demand["seconds"])
    if not seconds:
        return None
    span = _shown_span(demand, until_s)
    begins = range(span.first, span.end, span.step)
    shown = [
        [seconds[second] for second in range(begin, min(begin + span.step, span.end))
         if second in seconds]
        for begin in begins
    ]  # fmt: skip
    asked = [float(sum(sum(counts.values()) for counts in bar)) for bar in shown]
    won = [float(sum(counts.get("admitted", 0) for counts in bar)) for bar in shown]
    axis = [f"{begin:+d}" for begin in begins]
    title, names = _("Asked, by second after the opening"), (_("asked"), _("admitted"))
    return _safe(svg_charts.draw_bars(title, "asked", asked, won, names, axis))


def demand_title(demand: dict[str, Any], until_s: int, ran_s: int = 0) -> str:
    """What the chart of `demand_bars` shows, and of how much, if it ends before the asking did.
    `ran_s`: how long after the opening it went on for sure, where not all seconds are listed."""
    if not demand["seconds"]:
        return ""
    span = _shown_span(demand, until_s)
    title = (
        _("Asked, by second after the opening") if span.step == 1
        else _("Asked, by time after the opening, in seconds")
    )  # fmt: skip
    whole = max(ran_s, *(second + 1 for second, _counts in demand["seconds"]))
    if whole <= span.end:
        return title
    shown, whole_text = duration_text(1000 * span.end), duration_text(1000 * whole)
    return _("{title} (the first {shown} of {whole})").format(
        title=title, shown=shown, whole=whole_text
    )


def _latency_bars(latency: dict[str, Any]) -> SafeString | None:
    if not sum(latency["counts"]):
        return None
    counts = [float(count) for count in latency["counts"]]
    bounds = [f"≤{bound}" for bound in latency["bounds_ms"]]
    axis = [*bounds, f">{latency['bounds_ms'][-1]}"]
    names = (_("answers"), "")
    title = _("Answers by their time, in milliseconds")
    return _safe(svg_charts.draw_bars(title, "latency", counts, [0.0] * len(counts), names, axis))


def _time_line(figures: Figures) -> SafeString:
    moments = [one["at_ms"] for one in figures["incidents"]]
    begin = min([figures["campaign"]["opens_ms"], *moments])
    end = max([figures["campaign"]["closes_ms"], *moments, begin + 1])
    marks = [
        Mark(str(number), (at_ms - begin) / (end - begin))
        for number, at_ms in enumerate(moments, 1)
    ]
    ends = (_time(begin), _time(end))
    return _safe(svg_charts.draw_time_line(_("What happened, in its order"), marks, ends))


def _what(incident: dict[str, Any], whole: Mapping[int, dict[str, Any]]) -> str:
    if incident["kind"] in _COUPON_TEXTS:
        return _COUPON_TEXTS[incident["kind"]](incident["data"]["count"])
    data = whole.get(incident.get("event", 0), incident["data"])
    return labels.event_text(CampaignEvent(kind=incident["kind"], data=data))


def _revoked(count: int) -> str:
    return ngettext("{} coupon revoked", "{} coupons revoked", count).format(_number(count))


def _given_back(count: int) -> str:
    text = ngettext("{} coupon given back", "{} coupons given back", count)
    return text.format(_number(count))


def _undone(count: int) -> str:
    text = ngettext("{} revocation undone", "{} revocations undone", count)
    return text.format(_number(count))


_COUPON_TEXTS: dict[str, Callable[[int], str]] = {
    "coupons_revoked": _revoked,
    "coupons_given_back": _given_back,
    "revocations_undone": _undone,
}


def _who(incident: dict[str, Any]) -> str:
    """A report of an earlier release knows the clock alone."""
    if incident["is_clock"]:
        return _("system")
    if incident.get("by") == AuditActor.USER:
        return _("user")
    return _("merchant's key") if incident.get("by") == AuditActor.KEY else _("operator")


def _after(figures: Figures, at_ms: int) -> str:
    after_ms = at_ms - figures["campaign"]["opens_ms"]
    return f"+{duration_text(after_ms)}" if after_ms >= 0 else f"−{duration_text(-after_ms)}"


def sold_out_text(first_ms: int | None, again_ms: int | None) -> str:
    """Both times, if a raised stock has sold out again."""
    if first_ms is None or again_ms is None:
        return _after_text(first_ms)
    return _("first {first} after the opening, again {again} after it").format(
        first=duration_text(first_ms), again=duration_text(again_ms)
    )


def _after_text(ms: int | None) -> str:
    return "–" if ms is None else _("{} after the opening").format(duration_text(ms))


def _percent(name: str) -> str:
    return _("longest") if name == "p100" else f"{name[1:]} %"


def _time(ms: int) -> str:
    return local_text(moment_of(ms))


def _number(count: int | None) -> str:
    return "–" if count is None else number_format(count, force_grouping=True)


def _safe(svg: str) -> SafeString:
    """Drawn by `svg_charts`, which escapes every text."""
    return mark_safe(svg)  # noqa: S308
