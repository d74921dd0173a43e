"""A forecast: what a verb would do, by a dry run (`dry_runs`), as numbers and as sentences.

The numbers are those of the moment of the dry run. What users do meanwhile changes them.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coupons.audit.durations import duration_text
from coupons.campaigns import confirmations
from coupons.claims.timestamps import local_text, moment_of
from coupons.models import Campaign


@dataclass(frozen=True, slots=True)
class Forecast:
    """Effects: `state` and `stock` of the campaign afterwards, `slots` made (+) or removed (-),
    `messages` to `merchants`, `events` of its history, `coupons` granted or revoked, `claims` put
    back or given up, `refused` lines. As it is now: `hearing` of these merchants have an enabled
    endpoint for such a message, `holders` have a place, `in_checkout` of their coupons are held by
    an order, `waiting` claims are admitted and not stored, `parked` can't be stored, `remaining`
    places can still be given, `stock_now`, `on_waitlist` users wait for stock that comes back
    (`unserved`: the campaign gives none of it to them), and the opening is `early_ms` ahead. A
    window moves to `opens_ms` and `closes_ms`, from `opened_ms` and `closed_ms` (since the Unix
    epoch; 0: no move).

    `refusal`: why it would not be done ("": it would), `refusal_code` its code.
    `tried` of `lines`: a long list is tried for a bounded time.
    """

    verb: str
    slug: str
    refusal: str = ""
    refusal_code: str = ""
    state: str = ""
    stock: int = 0
    slots: int = 0
    messages: int = 0
    merchants: int = 0
    hearing: int = 0
    events: int = 0
    coupons: int = 0
    claims: int = 0
    refused: int = 0
    tried: int = 0
    lines: int = 0
    holders: int = 0
    in_checkout: int = 0
    waiting: int = 0
    parked: int = 0
    remaining: int = 0
    stock_now: int = 0
    early_ms: int = 0
    on_waitlist: int = 0
    unserved: bool = False
    opens_ms: int = 0
    closes_ms: int = 0
    opened_ms: int = 0
    closed_ms: int = 0

    @property
    def effects(self) -> dict[str, Any]:
        """What a run does by itself, to be compared with what it did."""
        return {name: getattr(self, name) for name in _EFFECTS}

    @property
    def sentences(self) -> list[str]:
        """For the person who decides, in their language; the refusal alone if there is one."""
        if self.refusal:
            return [_("It would be refused: {}").format(self.refusal)]
        told = [*_SENTENCES.get(self.verb, _no_sentences)(self)]
        if self.merchants:
            told.append(_merchants(self.hearing))
        if self.tried < self.lines:
            told.append(_("Only the first {} of {} lines were tried.").format(
                f"{self.tried:,}", f"{self.lines:,}"))  # fmt: skip
        return told

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


_EFFECTS = (
    "refusal_code", "state", "stock", "slots", "messages", "merchants", "events", "coupons",
    "claims", "refused",
)  # fmt: skip


def parse_forecast(document: dict[str, Any]) -> Forecast:
    """From `as_json`, also of another release."""
    known = {field.name for field in fields(Forecast)}
    values = {"hearing": document.get("merchants", 0), **document}
    return Forecast(**{name: value for name, value in values.items() if name in known})


def _no_sentences(forecast: Forecast) -> list[str]:
    return []


def _merchants(count: int) -> str:
    if not count:
        return _("No merchant is told: no enabled webhook endpoint is set up for this.")
    return ngettext("{} merchant is told.", "{} merchants are told.", count).format(f"{count:,}")


def holder_sentences(forecast: Forecast) -> list[str]:
    """Who has a coupon, and keeps it."""
    told = []
    if count := forecast.holders:
        text = ngettext(
            "{} coupon is given, and stays valid.", "{} coupons are given, and stay valid.", count
        )
        told.append(text.format(f"{count:,}"))
    if count := forecast.in_checkout:
        text = ngettext("{} is in a checkout.", "{} are in a checkout.", count)
        told.append(text.format(f"{count:,}"))
    if count := forecast.waiting:
        text = ngettext(
            "{} admitted claim waits, and is stored all the same.",
            "{} admitted claims wait, and are stored all the same.",
            count,
        )
        told.append(text.format(f"{count:,}"))
    return told


def _parked(forecast: Forecast) -> list[str]:
    if not (count := forecast.parked):
        return []
    text = ngettext(
        "{} parked claim still needs a decision.", "{} parked claims still need a decision.", count
    )
    return [text.format(f"{count:,}")]


def _pause(forecast: Forecast) -> list[str]:
    told = [_("No claim is admitted until it is resumed.")]
    if forecast.early_ms:
        text = _("Its opening in {} is missed, unless it is resumed by then.")
        told.append(text.format(duration_text(forecast.early_ms)))
    return [*told, *holder_sentences(forecast)]


def _opens(forecast: Forecast) -> list[str]:
    if forecast.state != Campaign.State.OPEN:
        return [_("It opens by the clock, as planned.")]
    early = _early(forecast) if forecast.verb == "open" else []
    if not forecast.remaining:
        return [_("It is open at once, with nothing left to give."), *early]
    text = ngettext(
        "It is open at once, with {} coupon to give.",
        "It is open at once, with {} coupons to give.",
        forecast.remaining,
    )
    return [text.format(f"{forecast.remaining:,}"), *early]


def waitlist_after_raise(count: int) -> list[str]:
    """Of a raised stock, while `count` users wait."""
    if not count:
        return []
    text = ngettext(
        "{} user waits on the waitlist: new stock is open to everybody, and not kept for them.",
        "{} users wait on the waitlist: new stock is open to everybody, and not kept for them.",
        count,
    )
    return [text.format(f"{count:,}")]


def _waitlist_after_close(forecast: Forecast) -> list[str]:
    if not (count := forecast.on_waitlist):
        return []
    text = (
        ngettext(
            "{} user stays on the waitlist, and will never get a coupon.",
            "{} users stay on the waitlist, and will never get a coupon.",
            count,
        )
        if forecast.unserved
        else ngettext(
            "{} user stays on the waitlist, and gets a coupon only if one comes back.",
            "{} users stay on the waitlist, and get a coupon only if one comes back.",
            count,
        )
    )
    return [text.format(f"{count:,}")]


def _early(forecast: Forecast) -> list[str]:
    if not forecast.early_ms:
        return []
    return [_("That is {} earlier than announced.").format(duration_text(forecast.early_ms))]


def _close(forecast: Forecast) -> list[str]:
    text = ngettext(
        "{} coupon of the stock will not be given.",
        "{} coupons of the stock will not be given.",
        forecast.remaining,
    )
    return [
        _("It closes now, and can't be opened again."),
        *([text.format(f"{forecast.remaining:,}")] if forecast.remaining else []),
        *holder_sentences(forecast),
        *_waitlist_after_close(forecast),
        *_parked(forecast),
    ]


def _schedule(forecast: Forecast) -> list[str]:
    told = [_("It becomes public, and its terms are fixed."), *_slots(forecast)]
    return [*told, confirmations.unserved_text()] if forecast.unserved else told


def _stock(forecast: Forecast) -> list[str]:
    text = _("The stock becomes {}; it is {} now.")
    changed = text.format(f"{forecast.stock:,}", f"{forecast.stock_now:,}")
    is_raised = forecast.stock > forecast.stock_now
    waiting = waitlist_after_raise(forecast.on_waitlist) if is_raised else []
    return [changed, *_slots(forecast), *waiting, *holder_sentences(forecast)]


def _window(forecast: Forecast) -> list[str]:
    """`Opens 2026-05-01 20:16:00 KST → 2026-05-01 20:04:30 KST (11 min 30 s earlier).`"""
    moves = [
        (_("Opens {before} → {after} ({by})."), forecast.opened_ms, forecast.opens_ms),
        (_("Closes {before} → {after} ({by})."), forecast.closed_ms, forecast.closes_ms),
    ]
    told = [
        text.format(before=_moment(before), after=_moment(after), by=_moved_by(after - before))
        for text, before, after in moves
        if before != after
    ]
    return [*(told or [_("Its window stays as it is.")]), *holder_sentences(forecast)]


def _moment(ms: int) -> str:
    return local_text(moment_of(ms)).replace(".000 ", " ")


def _moved_by(ms: int) -> str:
    text = _("{} later") if ms > 0 else _("{} earlier")
    return text.format(duration_text(abs(ms)))


def _slots(forecast: Forecast) -> list[str]:
    count = abs(forecast.slots)
    if not count:
        return []
    text = (
        ngettext("{} slot is made first.", "{} slots are made first.", count)
        if forecast.slots > 0
        else ngettext("{} slot is removed.", "{} slots are removed.", count)
    )
    return [text.format(f"{count:,}")]


def _claims(forecast: Forecast) -> list[str]:
    if forecast.verb == "replay":
        text = ngettext(
            "{} claim goes back on the queue.", "{} claims go back on the queue.", forecast.claims
        )
    else:
        text = ngettext(
            "{} claim gets no coupon; its place stays taken.",
            "{} claims get no coupon; their places stay taken.",
            forecast.claims,
        )
    return [text.format(f"{forecast.claims:,}")]


def _coupons(forecast: Forecast) -> list[str]:
    count = forecast.coupons
    if forecast.verb == "grants":
        text = ngettext("{} user gets a coupon.", "{} users get a coupon.", count)
    else:
        text = ngettext(
            "{} coupon is taken from its owner.", "{} coupons are taken from their owners.", count
        )
    told = [text.format(f"{count:,}")]
    if forecast.refused:
        text = ngettext("{} line is refused.", "{} lines are refused.", forecast.refused)
        told.append(text.format(f"{forecast.refused:,}"))
    return told


_SENTENCES: dict[str, Callable[[Forecast], list[str]]] = {
    "schedule": _schedule,
    "open": _opens,
    "pause": _pause,
    "resume": _opens,
    "close": _close,
    "stock": _stock,
    "reschedule": _window,
    "replay": _claims,
    "give_up": _claims,
    "revoke": _coupons,
    "grants": _coupons,
}
