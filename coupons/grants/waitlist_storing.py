"""Write those who joined the waitlist from Redis into MySQL, and back after Redis lost them.

Storing is idempotent, and an entry leaves the stream only after its row is committed, so any number
of processes may store, and each may die at any line. As claims (`issuing.writer`), entries are
stored only under the epoch under which they were read: after a failover the new server's list is
compared with MySQL before it gives a number, and nothing of the old server is stored after that.
"""

import logging

from django.db import IntegrityError, connection, transaction
from django.db.models import Max

from coupons.campaigns import update
from coupons.claims import timestamps
from coupons.database import availability
from coupons.errors import NotInstalled, StaleClaims
from coupons.grants import waitlist_proof
from coupons.models import Campaign, WaitlistEntry, WaitlistState
from coupons.store import store
from coupons.store.waitlist import Waiter

BATCH = 500
_PAGE = 2_000
_ACTIVE = (WaitlistState.WAITING, WaitlistState.OFFERED)

logger = logging.getLogger(__name__)


def store_joined(slug: str) -> int:
    """Store those who joined, until none is left. Returns how many. Raises StaleClaims,
    NotInstalled (closed for repair), StoreAway, DatabaseAway."""
    stored = 0
    while True:
        batch = store().waitlist.read_joined(slug, count=BATCH)
        if not batch.waiters:
            return stored
        if not batch.epoch:
            raise NotInstalled(f"The campaign {slug!r} is closed for repair. Please try again.")
        waiters = waitlist_proof.proven_waiters(slug, batch)
        _store_batch(slug, waiters, batch.epoch)
        if len(waiters) < len(batch.waiters):
            logger.error("entries of the waitlist of %s that we did not write are deleted", slug)
        store().waitlist.delete_joined(slug, list(batch.waiters))
        stored += len(waiters)


def _store_batch(slug: str, waiters: list[Waiter], epoch: str) -> None:
    try:
        _write_batch(slug, waiters, epoch)
    except IntegrityError:  # another process has stored some of them since we looked
        _write_batch(slug, waiters, epoch)


def _write_batch(slug: str, waiters: list[Waiter], epoch: str) -> None:
    with availability.require_database(), transaction.atomic():
        campaign_id = _lock_epoch(slug, epoch)
        rows = WaitlistEntry.objects.filter(
            campaign_id=campaign_id, user__in=[waiter.user for waiter in waiters]
        )
        known = {row.user: row for row in rows}
        new = [waiter for waiter in waiters if waiter.user not in known]
        WaitlistEntry.objects.bulk_create(
            [_new_entry(campaign_id, *waiter) for waiter in {one.user: one for one in new}.values()]
        )
        for waiter in waiters:
            row = known.get(waiter.user)
            if row is not None and waiter.number > row.number and row.state not in _ACTIVE:
                write_entry(campaign_id, *waiter, row)


def _lock_epoch(slug: str, epoch: str) -> int:
    """The campaign's id, with a shared lock on its epoch. Raises StaleClaims."""
    lock = " LOCK IN SHARE MODE" if connection.vendor == "mysql" else ""
    with connection.cursor() as cursor:
        cursor.execute(_EPOCH + lock, [slug])
        campaign_id, current = cursor.fetchone() or (0, None)
    if current != epoch:
        raise StaleClaims(f"Campaign {slug}: its waitlist of epoch {epoch!r}, which is over.")
    return int(campaign_id)


_EPOCH = f"SELECT id, epoch FROM {Campaign._meta.db_table} WHERE slug = %s"  # noqa: S608


def write_entry(
    campaign_id: int, user: str, number: int, asked_ms: int, known: WaitlistEntry | None
) -> None:
    """A new entry, or the user's earlier one with a new number. In the caller's transaction."""
    entry = _new_entry(campaign_id, user, number, asked_ms)
    entry.pk = known.pk if known is not None else None
    entry.save()


def _new_entry(campaign_id: int, user: str, number: int, asked_ms: int) -> WaitlistEntry:
    return WaitlistEntry(
        campaign_id=campaign_id,
        user=user,
        number=number,
        asked_at=timestamps.moment_of(asked_ms),
    )


def restore_waitlist(slug: str) -> None:
    """Make Redis know all who wait in MySQL, and number above them. Raises UnknownCampaign,
    NotInstalled, StoreAway, DatabaseAway."""
    with availability.require_database(), transaction.atomic():
        campaign = update.lock_campaign(slug)
        if store().campaigns.gate(slug).epoch != campaign.epoch:
            raise NotInstalled(f"The campaign {slug!r} is closed for repair. Please try again.")
        entries, last = WaitlistEntry.objects.filter(campaign=campaign), 0
        while True:
            page = entries.filter(number__gt=last, state__in=_ACTIVE).order_by("number")[:_PAGE]
            waiters = [
                Waiter(row.user, row.number, timestamps.milliseconds_of(row.asked_at))
                for row in page
            ]
            if not waiters:
                break
            store().waitlist.restore_waiters(slug, waiters)
            last = waiters[-1].number
        highest = entries.aggregate(last=Max("number"))["last"] or 0
        store().waitlist.finish_restoring(slug, epoch=campaign.epoch, last=highest)
