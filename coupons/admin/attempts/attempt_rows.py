"""The attempts of one user as rows of a table, in the order of time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coupons.admin.formatting import exact_time, grouped_number
from coupons.audit import labels
from coupons.audit.outcome_labels import outcome_label
from coupons.claims.values import Outcome

DECIDERS: dict[str, Promise] = {
    "window": gettext_lazy("the window"),
    "stock": gettext_lazy("the stock"),
    "eligibility": gettext_lazy("who may take part"),
    "limit": gettext_lazy("the limit of requests"),
    "load": gettext_lazy("too much load"),
    "fault": gettext_lazy("a fault of the service"),
}
STUCK = gettext_lazy("admitted, and can't be stored")


# Of a place: who has it and asks again is told of it, which is no refusal, and is not counted.
AT_LEAST_ONCE = "≥ 1"


@dataclass(frozen=True, slots=True)
class Row:
    first: str
    last: str
    count: str
    outcome: str
    decider: str
    place: str
    margin: str
    before: str
    request: str


def attempt_rows(found: dict[str, Any]) -> list[Row]:
    """Places and refusals together."""
    dated = [(one["admitted_at"], _held_row(one, found)) for one in _held(found)]
    dated += [(one["first_at"], _refused_row(one)) for one in found["refusals"]]
    return [row for _at, row in sorted(dated, key=lambda pair: pair[0])]


def kept_text(kept: dict[str, Any]) -> str:
    """How complete the table is."""
    if kept["unknown"]:
        return _("Redis can't be read at the moment: what it holds is missing here.")
    values = {"kept": grouped_number(kept["kept"]), "made": grouped_number(kept["made"])}
    told = _("%(kept)s of %(made)s refusals of this campaign are kept.") % values
    if kept["complete"]:
        return told + " " + _("So a user who is not here never asked, as far as our processes saw.")
    return told + " " + _("So a user who is not here may have asked all the same.")


def _held(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The user's places, with moment and request id where they are known."""
    coupons = {one["nth"]: one for one in found["coupons"]}
    places = found["places"] if isinstance(found["places"], list) else []
    waiting = [one for one in places if one["nth"] not in coupons]
    return [*coupons.values(), *waiting]


def _held_row(one: dict[str, Any], found: dict[str, Any]) -> Row:
    parked = found["parked"] if isinstance(found["parked"], list) else []
    stuck = {claim["place"]: claim["reason"] for claim in parked}
    is_stuck = "coupon" not in one and one["place"] in stuck
    outcome = str(STUCK) if is_stuck else outcome_label(Outcome.ADMITTED)
    if "state" in one:
        outcome = f"{outcome} · {one['state'].label}"
    elif is_stuck:
        outcome = f"{outcome}: {labels.reason_label(stuck[one['place']])}"
    else:
        outcome = f"{outcome} · {_('waits to be stored')}"
    at = _shown(one["admitted_at"])
    place = _("got place %s") % grouped_number(one["place"])
    return Row(
        at,
        "",
        AT_LEAST_ONCE,
        outcome,
        str(DECIDERS["stock"]),
        place,
        "",
        "",
        one.get("request_id") or "",
    )


def _refused_row(one: dict[str, Any]) -> Row:
    given, before, late_ms = (
        one["places_given"], one["users_before"], one["after_last_place_ms"],
    )  # fmt: skip
    return Row(
        first=_shown(one["first_at"]),
        last=_later(_shown(one["first_at"]), _shown(one["last_at"])) if one["count"] > 1 else "",
        count=grouped_number(one["count"]),
        outcome=outcome_label(one["outcome"]),
        decider=str(DECIDERS[one["decided_by"]]),
        place="" if given is None else _("%s given") % grouped_number(given),
        margin="" if late_ms is None else _late(late_ms, _newest_late_ms(one)),
        before="" if before is None else grouped_number(before),
        request=one["request_id"] or "",
    )


def _later(first: str, last: str) -> str:
    """The time of day alone, on the same day."""
    (day, _time, zone), (last_day, time, last_zone) = first.split(), last.split()
    return time if (day, zone) == (last_day, last_zone) else last


def _newest_late_ms(one: dict[str, Any]) -> int | None:
    if one["count"] == 1 or one["last_place_at"] is None:
        return None
    asked, last = (datetime.fromisoformat(one[name]) for name in ("last_at", "last_place_at"))
    return (asked - last) // timedelta(milliseconds=1)


def _late(first_ms: int, newest_ms: int | None) -> str:
    """Of the first attempt, and of the newest, of which the sentence tells."""
    known = [ms for ms in (first_ms, newest_ms) if ms is not None]
    shown = (number_format(Decimal(ms) / 1000, decimal_pos=3) for ms in known)
    return _("%s s too late") % " … ".join(shown)


def _shown(iso: str) -> str:
    return exact_time(datetime.fromisoformat(iso))
