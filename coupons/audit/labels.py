"""Translated labels of readiness checks, and translated texts of history events."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from coupons.audit.durations import duration_text
from coupons.claims.timestamps import short_text
from coupons.claims.values import Reason
from coupons.models import (
    ApprovalRequest,
    Campaign,
    CampaignEvent,
    EventKind,
    UndoableVerb,
    VoidReason,
)

Data = dict[str, Any]

# Check of the readiness board → its label.
LABELS: dict[str, Promise] = {
    "state": gettext_lazy("state"),
    "coupon_keys": gettext_lazy("coupon keys"),
    "both_stores": gettext_lazy("both stores"),
    "keys": gettext_lazy("keys in Redis"),
    "drain": gettext_lazy("storing"),
    "slots": gettext_lazy("slots"),
    "redis": gettext_lazy("Redis"),
    "clock": gettext_lazy("clock"),
    "host_clocks": gettext_lazy("host clocks"),
    "memory": gettext_lazy("memory"),
    "eviction": gettext_lazy("eviction"),
    "persistence": gettext_lazy("persistence"),
    "replicas": gettext_lazy("replicas"),
    "broker": gettext_lazy("broker"),
    "canary": gettext_lazy("canary"),
    "beat": gettext_lazy("beat"),
    "mysql": gettext_lazy("database"),
    "durable": gettext_lazy("durability"),
    "time_zone": gettext_lazy("database's time zone"),
    "connections": gettext_lazy("connections"),
    "token_keys": gettext_lazy("token keys"),
    "disk": gettext_lazy("disk"),
    "certificate": gettext_lazy("certificate"),
    "waitlist": gettext_lazy("waitlist"),
    "warm_up": gettext_lazy("warm-up"),
    "rehearsed": gettext_lazy("rehearsed"),
    # Of a dress rehearsal's verdict.
    "crowd": gettext_lazy("the crowd"),
    "tokens": gettext_lazy("tokens"),
    "segment": gettext_lazy("segment"),
    "answers": gettext_lazy("answers"),
    "rate": gettext_lazy("rate"),
    "latency": gettext_lazy("latency"),
    "told_stored": gettext_lazy("told = stored"),
    "storing_time": gettext_lazy("time to store"),
}

# A line's light, as an adjective.
LIGHTS: dict[str, Promise] = {
    "green": gettext_lazy("green"),
    "amber": gettext_lazy("amber"),
    "red": gettext_lazy("red"),
}

REASONS: dict[str, Promise] = {
    Reason.UNREADABLE: gettext_lazy("not written by our admission"),
    Reason.PLACE_TAKEN: gettext_lazy("another user holds this place"),
    Reason.USER_HOLDS_ANOTHER: gettext_lazy("the user holds another place"),
    Reason.CODE_TAKEN: gettext_lazy("another coupon has this code"),
    Reason.BEYOND_STOCK: gettext_lazy("the place lies beyond the stock"),
    Reason.REJECTED: gettext_lazy("the database refused the row"),
    Reason.UNWRITABLE: gettext_lazy("no row can be made of it"),
    Reason.UNSIGNED: gettext_lazy("it has no MAC, so our service may not have been asked for it"),
    Reason.FORGED: gettext_lazy("its MAC is wrong: our service was not asked for it"),
}


def reason_label(reason: str) -> str:
    """Why a claim was parked, in words; unchanged if this release does not know the reason."""
    return str(REASONS.get(reason, reason))


def check_label(name: str) -> str:
    return str(LABELS.get(name, name))


def event_text(event: CampaignEvent) -> str:
    """An event as one line: its kind, and its details if it has any."""
    kind, data = _kind_of(event), event.data or {}
    if kind is EventKind.STOCK_SET:
        return _stock_set(data)
    details = event_details(event)
    return f"{kind.label}: {details}" if details else str(kind.label)


def event_details(event: CampaignEvent) -> str:
    """An event's details; empty: none. Text typed by an operator is returned unchanged."""
    if event.kind == EventKind.RELEASED:
        return _("nothing is red any more")
    describe = _DETAILS.get(_kind_of(event))
    try:
        return describe(event.data) if describe and event.data else ""
    except (TypeError, LookupError, AttributeError, ValueError):
        # Data that this release does not write.
        return json.dumps(event.data, ensure_ascii=False)


def _kind_of(event: CampaignEvent) -> EventKind:
    """OTHER for a kind of a later release, as after a rollback."""
    return EventKind(event.kind) if event.kind in EventKind.values else EventKind.OTHER


def _stock_set(data: Data) -> str:
    """Of an earlier release only the new stock is known; of an interrupted change that is done
    again they are alike."""
    stock = _grouped(data.get("stock", "?"))
    if "was" not in data:
        return _("stock set to %s") % stock
    return _("stock %(was)s → %(stock)s") % {"was": _grouped(data["was"]), "stock": stock}


def _grouped(value: object) -> str:
    return number_format(value, force_grouping=True) if isinstance(value, int) else str(value)


def _moved(data: Data) -> str:
    """`opens at 2026-05-01 12:00 KST → 2026-05-01 12:05 KST`."""
    parts = []
    for name, (was, now) in data["moved"].items():
        label = str(Campaign._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
        parts.append(f"{label} {_moment(was)} → {_moment(now)}")
    return "; ".join(parts)


def _moment(iso: str | None) -> str:
    return "–" if iso is None else short_text(datetime.fromisoformat(iso))


def _red_checks(data: Data) -> str:
    return _("red: {}").format(_checks(data))


def _checks(data: Data) -> str:
    return ", ".join(map(check_label, data.get("checks", ())))


def held_reason(event: CampaignEvent) -> str:
    """What held the opening back, as it was then: the board says what is red now."""
    return _("Red when it was held back: {}.").format(_checks(event.data or {}))


def _warm_up(data: Data) -> str:
    parts = [_("the database answered in {} ms").format(data.get("database_ms", "?"))]
    if "scripts" in data:
        count = data["scripts"]
        text = ngettext("{} script is in Redis", "{} scripts are in Redis", _plural_count(count))
        parts.append(text.format(count))
    hosts = [_("{} answered {} of {}").format(*host) for host in data.get("hosts", ())]
    return "; ".join(parts + hosts)


def _rebuild(data: Data) -> str:
    names = ("claimants", "highest", "epoch")
    return ngettext(
        "{} claimant; numbers go on above {}; epoch {}",
        "{} claimants; numbers go on above {}; epoch {}",
        _plural_count(data.get("claimants")),
    ).format(*(data.get(name, "?") for name in names))


def _checked(data: Data) -> str:
    """`claimants`: those that Redis may have lacked, and that were written again."""
    count, *others = (data.get(name, "?") for name in ("claimants", "highest", "epoch"))
    if count == 0:
        return _("Redis lacked no claimant; numbers go on above {}; epoch {}").format(*others)
    return ngettext(
        "{} claimant written again; numbers go on above {}; epoch {}",
        "{} claimants written again; numbers go on above {}; epoch {}",
        _plural_count(count),
    ).format(count, *others)


def _plural_count(value: object) -> int:
    """For `ngettext`: data that this release did not write may hold anything."""
    return value if isinstance(value, int) else 0


def _replayed(data: Data) -> str:
    reason = reason_label(data.get("reason", ""))
    return f"{data.get('count', '?')}" + (f" ({reason})" if reason else "")


def _given_up(data: Data) -> str:
    return f"{_place(data)}: {data.get('why', '')}"


def _count(data: Data) -> str:
    return str(data.get("count", "?"))


def _place(data: Data) -> str:
    return f"{data.get('place', '?')} {data.get('user', '?')!r}"


def _proved(data: Data) -> str:
    names = ("places", "coupons", "root")
    return _("{} places, {} coupons, root {}").format(*(data.get(name, "?") for name in names))


def _proof_differs(data: Data) -> str:
    return _("places {}").format(data.get("places", "?"))


_VERBS: dict[str, Promise] = {
    **{verb.value: verb.label for verb in UndoableVerb},
    **{verb.value: verb.label for verb in ApprovalRequest.Verb},
}


# Reasons for a pause that an operator chooses with one click.
OTHER_REASON = "other"  # has to be typed
PAUSE_REASONS: dict[str, Promise] = {
    "load": gettext_lazy("load"),
    "mistake": gettext_lazy("a mistake in the campaign"),
    OTHER_REASON: gettext_lazy("another reason"),
}


def pause_reason(reason: str) -> str:
    """A chosen reason in words; one that was typed is unchanged."""
    return str(PAUSE_REASONS.get(reason, reason))


def void_reason(reason: str) -> str:
    """Why a request is void, in words; a reason that was typed is unchanged."""
    return str(VoidReason(reason).label) if reason in VoidReason.values else reason


def verb_label(verb: str) -> str:
    """A verb that was undone or asked for, in words; unchanged if this release does not know it."""
    return str(_VERBS.get(verb, verb))


def _verb(data: Data) -> str:
    """The verb, and the reason that a person gave."""
    verb, reason = verb_label(data.get("verb", "?")), str(data.get("reason", ""))
    return f"{verb}: {reason}" if reason else verb


def _undone(data: Data) -> str:
    """With the stock before and after, where an earlier release has not left it out."""
    verb, reason = verb_label(data.get("verb", "?")), str(data.get("reason", ""))
    if "was" in data:
        verb = f"{verb} {_grouped(data['was'])} → {_grouped(data.get('stock', '?'))}"
    return f"{verb}: {reason}" if reason else verb


def _decided(data: Data) -> str:
    asked = _("asked by {}").format(data.get("asked_by", "?"))
    data = data | {"reason": void_reason(str(data.get("reason", "")))}
    alone = _("by the same person, as APPROVE_ALONE allows") if data.get("is_alone") else ""
    return "; ".join(filter(None, (_verb(data), asked, alone)))


def _rehearsal_began(data: Data) -> str:
    names = ("people", "per_second")
    return _("{} people, {} a second").format(*(data.get(name, "?") for name in names))


def _rehearsed(data: Data) -> str:
    if not data.get("light"):
        return _("stopped, without a verdict")
    text = _("{} at {} a second").format(
        str(LIGHTS.get(data["light"], data["light"])), data.get("per_second", "?")
    )
    return f"{text}: {', '.join(map(check_label, data['checks']))}" if data.get("checks") else text


def _sold_out(data: Data) -> str:
    after, stock = duration_text(data["after_ms"]), data.get("stock", "?")
    if data.get("is_exact", True):
        return _("{} after the opening, stock {}").format(after, stock)
    return _("about {} after the opening, stock {}").format(after, stock)


_DETAILS: dict[EventKind, Callable[[Data], str]] = {
    EventKind.CREATED: lambda data: _("as a copy of {}").format(data["copied_from"]),
    EventKind.RESCHEDULED: lambda data: _moved(data) if "moved" in data else "",
    EventKind.HELD: _red_checks,
    EventKind.OVERRIDDEN: lambda data: str(data.get("reason", "")),
    EventKind.WARMED_UP: _warm_up,
    EventKind.REBUILT: _rebuild,
    EventKind.CHECKED: _checked,
    EventKind.CLAIMS_REPLAYED: _replayed,
    EventKind.CLAIM_GIVEN_UP: _given_up,
    EventKind.RECEIPT_HONOURED: _place,
    EventKind.GRANTED: _count,
    EventKind.GIVEN_ON: _count,
    EventKind.PROVED: _proved,
    EventKind.PROOF_DIFFERS: _proof_differs,
    EventKind.UNDONE: _undone,
    EventKind.APPROVAL_ASKED: _verb,
    EventKind.APPROVED: _decided,
    EventKind.APPROVAL_REFUSED: _decided,
    EventKind.PAUSED: lambda data: pause_reason(data.get("reason", "")),
    EventKind.REHEARSAL_BEGAN: _rehearsal_began,
    EventKind.REHEARSED: _rehearsed,
    EventKind.SOLD_OUT: _sold_out,
    EventKind.OTHER: lambda data: str(data.get("text", "")),
}
