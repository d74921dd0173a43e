"""Checks of the campaign itself: its state, its copy in Redis, its slots, its keys, its warm-up."""

from datetime import timedelta

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from coupons.audit import labels, log
from coupons.campaigns import deciding_clock, opening_hold, slots, snapshot, update
from coupons.claims import coupon_codes
from coupons.claims.timestamps import clock_text
from coupons.models import Campaign, CampaignEvent, EventKind
from coupons.models.bounds import EARLIEST
from coupons.readiness.result import Light, Line, amber, green, red
from coupons.store import Definition, store

State = Campaign.State
WARM_UP_S = 600  # before the opening
WARM_UP_LATE_S = 60  # the guard runs every ten seconds; a warm-up later than this is amber

# Fields that may differ between the database and Redis, with their names for operators.
_PARTS = {
    "epoch": gettext_noop("epoch"),
    "stock": gettext_noop("stock"),
    "opens_ms": gettext_noop("opens at"),
    "closes_ms": gettext_noop("closes at"),
    "paused": gettext_noop("paused"),
    "longest": gettext_noop("longest queue"),
    "facts": gettext_noop("terms"),
    "filter_bits": gettext_noop("filter"),
}


def state_line(campaign: Campaign, by_clock: Campaign.State, *, is_ahead: bool) -> Line:
    """`by_clock` is its effective state, recorded or not; `is_ahead`: the opening is in the
    future."""
    if by_clock != State.CLOSED and campaign.held:
        return _held_line(campaign, is_ahead=is_ahead)
    if by_clock == State.DRAFT:
        do = _("Schedule it: a draft admits no claims.")
        return amber("state", _("It is a draft."), do)
    if by_clock == State.PAUSED:
        do = _("Resume it before the opening.") if is_ahead else _("Resume it.")
        return amber("state", _("It is paused."), do)
    if by_clock == State.CLOSED:
        return red("state", _("It is over."), _("Make a new campaign."))
    return green("state", _("It is {state}.").format(state=by_clock.label))


def _held_line(campaign: Campaign, *, is_ahead: bool) -> Line:
    """After the opening time correcting opens nothing (`opening_hold.release_opening`)."""
    if is_ahead:
        do = _(
            "Correct what is red, or override it with a reason: manage.py readiness {} "
            "--override REASON"
        )
        on_page = _("Correct what is red, or let it be overridden, with a reason.")
    else:
        do = _(
            "Override it with a reason: manage.py readiness {} --override REASON. "
            "Correcting what is red opens it no more."
        )
        on_page = _("Let it be overridden, with a reason. Correcting what is red opens it no more.")
    seen = _("Held back: the board was red shortly before the opening.")
    return Line("state", Light.AMBER, seen, do.format(campaign.slug), on_page)


def in_both_stores(campaign: Campaign) -> Line:
    """Whether the definitions in the database and in Redis agree. Raises StoreAway."""
    name = "both_stores"
    if campaign.state == State.DRAFT:
        return amber(name, _("Redis does not know drafts."), _("Schedule it."))
    in_redis = store().campaigns.installed_definition(campaign.slug)
    if in_redis is None:
        return red(
            name,
            _("Redis does not know this campaign: it is closed for repair."),
            f"manage.py rebuild {campaign.slug}",
        )
    differing = _differing(update.redis_definition(campaign), in_redis)
    if differing:
        parts = ", ".join(_(_PARTS[part]) for part in differing)
        return red(
            name,
            _("The database and Redis say different things about: {parts}.").format(parts=parts),
            _("Make the last change again; it is copied to Redis with every change."),
        )
    return green(name, _("The database and Redis say the same."))


def _differing(in_database: Definition, in_redis: Definition) -> list[str]:
    """Names of the fields that differ. The snapshots are compared parsed; the filter in Redis may
    be larger, since it has whole bytes."""
    alike = {
        "facts": snapshot.parse_snapshot(in_database.facts)
        == snapshot.parse_snapshot(in_redis.facts),
        "filter_bits": in_database.filter_bits <= in_redis.filter_bits,
    }
    return [
        part
        for part in _PARTS
        if not alike.get(part, getattr(in_database, part) == getattr(in_redis, part))
    ]


def all_slots(campaign: Campaign) -> Line:
    """Whether there is a slot for each coupon of the stock. Raises DatabaseAway."""
    count = slots.count_slots(campaign)
    counts = {"count": f"{count:,}", "stock": f"{campaign.stock:,}"}
    if campaign.state == State.DRAFT:
        return green("slots", _("They are made when it is scheduled."))
    if count < campaign.stock:
        return red(
            "slots",
            ngettext(
                "{count} slot for a stock of {stock}: the rest could not be stored.",
                "{count} slots for a stock of {stock}: the rest could not be stored.",
                count,
            ).format(**counts),
            _("Save the stock again: its slots are made first."),
        )
    if count > campaign.stock:  # nothing is stored on them
        return amber(
            "slots",
            _("{count} slots for a stock of {stock}: it is being changed, or that was interrupted.")
            .format(**counts),
            _("If it is not being changed now, save the stock again: that removes the rest."),
        )  # fmt: skip
    seen = ngettext(
        "{count} slot for a stock of {stock}.", "{count} slots for a stock of {stock}.", count
    )
    return green("slots", seen.format(**counts))


def unserved_waitlist(campaign: Campaign) -> Line:
    """Of a campaign that has one (`Campaign.has_unserved_waitlist`)."""
    return amber(
        "waitlist",
        _("Users may join the waitlist, and no user on it will ever get a coupon."),
        _("Make another campaign whose stock that comes back goes to the waitlist.")
        if campaign.state != State.DRAFT
        else _("Let stock that comes back go to the waitlist, or set the longest waitlist to 0."),
    )


def signing_keys(campaign: Campaign) -> Line:
    name = "coupon_keys"
    if campaign.key_id not in settings.COUPON_KEYS:
        return red(
            name,
            _("COUPON_KEYS has no key {key!r}, with which this campaign signs.").format(
                key=campaign.key_id
            ),
            _("Put that key back into COUPON_KEYS of every host, and restart."),
        )
    key = snapshot.campaign_key_of(campaign.key_id, campaign.slug)
    code = coupon_codes.coupon_code(key, "readiness", 1, 1)
    if coupon_codes.normalise_code(coupon_codes.grouped_code(code)) != code:
        return red(
            name, _("A code made with it does not read back."), _("Report this to the developers.")
        )
    return green(name, _("Key {key!r} signs codes and receipts.").format(key=campaign.key_id))


def warm_up(campaign: Campaign) -> Line:
    name, event = "warm_up", warmed_up(campaign)
    if event is not None:
        note = labels.event_details(event)
        return green(name, _("Ran at {at}: {note}").format(at=clock_text(event.at), note=note))
    planned = log.planned_at(campaign)
    now = deciding_clock.now_if_redis_is_away(campaign.strategy)
    if planned is None or campaign.state not in opening_hold.AHEAD or campaign.opens_at <= now:
        return green(name, _("None is due."))
    due = max(planned, campaign.opens_at - timedelta(seconds=WARM_UP_S))
    if now < due + timedelta(seconds=WARM_UP_LATE_S):
        return green(name, _("Due at {at}.").format(at=clock_text(due)))
    seen = _("It was due at {at} and has not run: is beat running, and a worker?")
    return amber(
        name, seen.format(at=clock_text(due)), f"manage.py readiness {campaign.slug} --warm-up"
    )


def warmed_up(campaign: Campaign) -> CampaignEvent | None:
    """The event of the warm-up for the opening as it is planned now; None if it has not run."""
    opens_at = max(campaign.opens_at, EARLIEST)  # an old row may have the calendar's first day
    since = opens_at - timedelta(seconds=WARM_UP_S + WARM_UP_LATE_S)
    return campaign.events.filter(kind=EventKind.WARMED_UP, at__gte=since).first()
