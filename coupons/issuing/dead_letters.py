"""Parked claims (a dead-letter queue): an operator replays them into the queue or gives them up.

Each step is safe to repeat. If two operators act on one claim at once, the second one gets Refused.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from coupons.audit import log
from coupons.broker import wakeups
from coupons.campaigns import update
from coupons.claims.values import AdmittedClaim
from coupons.database import availability
from coupons.errors import BadInput, Refused
from coupons.issuing import queue
from coupons.models import Campaign, EventKind, GivenUp
from coupons.store import Entry, store

_UNREADABLE = AdmittedClaim("", 0, 0, 0)


def count_by_reason(slug: str) -> Counter[str]:
    """The number of parked claims by reason."""
    return Counter(reason_of(entry) for page in _parked_pages(slug) for entry in page)


def reason_of(entry: Entry) -> str:
    return entry.fields.get(b"reason", b"").decode(errors="replace")


def no_progress(count: int) -> None:
    """The default of `tell`: report nothing."""


def replay_parked(
    slug: str,
    *,
    actor: str,
    reason: str = "",
    ids: Sequence[str] = (),
    tell: Callable[[int], None] = no_progress,
) -> int:
    """Put parked claims back on the queue: those of `ids`, or all with `reason`, or all. Returns
    how many; `tell` gets that count after each page.

    A claim that still can't be stored is parked again, with its new reason. Raises UnknownCampaign,
    IllegalTransition, StoreAway, DatabaseAway.
    """
    campaign = update.queued_campaign(slug)
    pages = [list(ids)] if ids else [_ids_with_reason(page, reason) for page in _parked_pages(slug)]
    count = 0
    for entry_ids in filter(None, pages):
        count += store().queue.replay_parked(slug, entry_ids)
        tell(count)
    if count:
        with availability.require_database():
            log.record_event(campaign, actor, EventKind.CLAIMS_REPLAYED, count=count, reason=reason)
        wakeups.notify_drain(slug)
    return count


def give_up(slug: str, entry_id: str, *, why: str, actor: str) -> GivenUp:
    """Delete a parked claim without issuing a coupon. Its place stays taken, its user keeps getting
    the same answer, and the operator and the reason are recorded.

    Raises BadInput without a reason, Refused if the claim is not parked any more.
    """
    if not why.strip():
        raise BadInput("why", _("a reason is needed"))
    try:
        reason = log.reason_text(why)
    except ValidationError as error:
        raise BadInput("why", " ".join(error.messages)) from None
    campaign = update.queued_campaign(slug)
    with availability.require_database(), transaction.atomic():
        entry = next(iter(store().queue.parked_at(slug, entry_id)), None)
        if entry is None:
            raise Refused(_("This claim is not parked any more."))
        given_up = _record_given_up(campaign, entry, reason, actor)
        log.record_event(
            campaign, actor, EventKind.CLAIM_GIVEN_UP,
            place=given_up.place, user=given_up.user, why=given_up.why,
        )  # fmt: skip
        # Last: if the commit after it fails, the claim is in no store, and reconcile puts it back.
        if not store().queue.forget_parked(slug, entry_id):
            raise Refused(_("This claim is not parked any more."))
    return given_up


def _record_given_up(campaign: Campaign, entry: Entry, why: str, actor: str) -> GivenUp:
    claim = queue.claim_of(entry) or _UNREADABLE
    return GivenUp.objects.create(
        campaign=campaign,
        place=claim.place,
        user=claim.user,
        nth=claim.nth,
        admitted_ms=claim.admitted_ms,
        reason=reason_of(entry),
        entry=entry.id,
        why=why,
        actor=actor,
    )


def _ids_with_reason(entries: list[Entry], reason: str) -> list[str]:
    return [entry.id for entry in entries if reason in ("", reason_of(entry))]


def _parked_pages(slug: str) -> Iterator[list[Entry]]:
    """Pages of the claims parked now; claims parked meanwhile are left out."""
    end = store().queue.newest_parked(slug)
    after = ""
    while end:
        page = store().queue.parked_entries(slug, after=after, until=end, count=queue.PAGE)
        if not page:
            return
        yield page
        after = page[-1].id
