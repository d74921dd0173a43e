"""Claims become coupons: one multi-row INSERT in one transaction, read back before it commits.

Safe to repeat with the same claims: what is stored already counts as stored. A claim that can't be
written as a row, or that the database refuses, is singled out by halving the batch and comes back
with a reason; it never takes the others along. `INSERT IGNORE` has no place here: it would hide a
place taken twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import F
from django.db.models.functions import Greatest

from coupons import timestamps
from coupons.campaigns import slots
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.limits import slot_id
from coupons.claims.values import AdmittedClaim, Reason
from coupons.database import availability, error_codes
from coupons.errors import StaleClaims
from coupons.models import Campaign, Coupon, Tally


class ReadBackDiffers(IntegrityError):
    """The database accepted the rows and shows others."""


class BeyondStock(IntegrityError):
    """A slot is still there, and is being removed: its place lies above a lowered stock."""


@dataclass(slots=True)
class Verdict:
    """What became of a batch: rows made now, rows that stood there before, and refusals."""

    stored: list[AdmittedClaim] = field(default_factory=list)
    repeated: list[AdmittedClaim] = field(default_factory=list)
    refused: dict[AdmittedClaim, Reason] = field(default_factory=dict)

    def add(self, other: "Verdict") -> None:
        self.stored += other.stored
        self.repeated += other.repeated
        self.refused |= other.refused


def store_batch(
    campaign: CampaignSnapshot,
    claims: Sequence[AdmittedClaim],
    *,
    epoch: str | None,
    given: int = 0,
) -> Verdict:
    """Store a batch that was taken from the queue under that epoch, and note that so many places
    were `given` by then (0: not to be noted).

    Raises StaleClaims, DatabaseAway; then nothing of the unreported part is decided.
    """
    ordered = sorted(claims, key=lambda claim: claim.place)  # one order for all: no deadlocks
    with availability.require_database():
        return _store(campaign, ordered, epoch, given)


def _store(
    campaign: CampaignSnapshot, claims: list[AdmittedClaim], epoch: str | None, given: int
) -> Verdict:
    if not claims:
        return Verdict()
    try:
        insert_rows(campaign, claims, epoch, given)
        return Verdict(stored=claims)
    except DatabaseError as error:
        if error_codes.refuses_row(error):
            return _sift(campaign, claims, epoch, given)
        if error_codes.is_away(error) or len(claims) == 1:
            raise
        return _probe(campaign, claims, epoch, given, error)
    except _NO_ROW:
        return _sift(campaign, claims, epoch, given)


# What making a row of a claim may raise, here or in the driver: a date that no calendar has, a
# number too large for a column.
_NO_ROW = (ValueError, OverflowError, TypeError)


def _sift(
    campaign: CampaignSnapshot, claims: list[AdmittedClaim], epoch: str | None, given: int
) -> Verdict:
    """A batch that did not go in whole: leave out what is stored or can't be a row, halve the
    rest."""
    rows = [(claim, _row_if_any(campaign, claim)) for claim in claims]
    written = [claim for claim, row in rows if row]
    standing = _standing(campaign, written) if written else set()
    known = [claim for claim, row in rows if row and _essence(row) in standing]
    verdict = Verdict(repeated=known)
    verdict.refused |= {claim: Reason.UNWRITABLE for claim, row in rows if not row}
    rest = [claim for claim in written if claim not in known]
    if len(rest) == 1 == len(claims):
        verdict.refused[rest[0]] = _why_refused(campaign, rest[0])
        return verdict
    for half in _halves(rest):
        verdict.add(_store(campaign, half, epoch, given))
    return verdict


def _probe(
    campaign: CampaignSnapshot,
    claims: list[AdmittedClaim],
    epoch: str | None,
    given: int,
    error: DatabaseError,
) -> Verdict:
    """A batch that failed with an error which names no row. If parts of it go in, the others are
    the reason; if none does, the tables are, say, and the claims have to wait: raises the error."""
    verdict, failed = Verdict(), []
    for half in _halves(claims):
        try:
            verdict.add(_store(campaign, half, epoch, given))
        except DatabaseError as again:
            if error_codes.is_away(again):
                raise
            failed.append(half)
    if len(failed) > 1:
        raise error
    for half in failed:
        verdict.add(_single_out(campaign, half, epoch, given))
    return verdict


def _single_out(
    campaign: CampaignSnapshot, claims: list[AdmittedClaim], epoch: str | None, given: int
) -> Verdict:
    """Store one by one what does not go in together, next to a part that did."""
    verdict = Verdict()
    for claim in claims:
        try:
            verdict.add(_store(campaign, [claim], epoch, given))
        except DatabaseError as error:
            if error_codes.is_away(error):
                raise
            verdict.refused[claim] = Reason.REJECTED
    return verdict


def _halves(claims: list[AdmittedClaim]) -> tuple[list[AdmittedClaim], list[AdmittedClaim]]:
    middle = (len(claims) + 1) // 2
    return claims[:middle], claims[middle:]


def _row_if_any(campaign: CampaignSnapshot, claim: AdmittedClaim) -> "Row | None":
    try:
        return _row(campaign, claim)
    except _NO_ROW:
        return None


def _why_refused(campaign: CampaignSnapshot, claim: AdmittedClaim) -> Reason:
    try:
        return _reason(campaign, claim)
    except _NO_ROW:
        return Reason.UNWRITABLE


def _reason(campaign: CampaignSnapshot, claim: AdmittedClaim) -> Reason:
    if Coupon.objects.filter(slot_id=slot_id(campaign.id, claim.place)).exists():
        return Reason.PLACE_TAKEN
    if Coupon.objects.filter(user=claim.user, campaign_id=campaign.id, nth=claim.nth).exists():
        return Reason.USER_HOLDS_ANOTHER
    if not slots.is_issuable(campaign.id, claim.place):
        return Reason.BEYOND_STOCK
    code = campaign.code_of(user=claim.user, nth=claim.nth, place=claim.place)
    if Coupon.objects.filter(code=code).exists():
        return Reason.CODE_TAKEN
    return Reason.REJECTED


def insert_rows(
    campaign: CampaignSnapshot,
    claims: list[AdmittedClaim],
    epoch: str | None = None,
    given: int = 0,
) -> None:
    """All of them or none, in one transaction, counted in the tally.

    `epoch` is None where no Redis gave the places. Raises an error of which `database.refuses_row`
    if the database refuses any of them, StaleClaims.
    """
    rows = [_row(campaign, claim) for claim in claims]
    with transaction.atomic():
        if epoch is not None:
            _hold(campaign, epoch, claims)
        with connection.cursor() as cursor:
            now = timestamps.text_of(timestamps.milliseconds_of(datetime.now(UTC)))
            cursor.executemany(_INSERT, [(*row, now) for row in rows])
        if _standing(campaign, claims) != {_essence(row) for row in rows}:
            raise ReadBackDiffers(f"Campaign {campaign.slug}: the rows differ from what was sent.")
        Tally.objects.filter(campaign_id=campaign.id).update(
            stored=F("stored") + len(claims), highest=Greatest("highest", given)
        )


def _hold(campaign: CampaignSnapshot, epoch: str, claims: list[AdmittedClaim]) -> None:
    """Keep this epoch until the transaction ends: a rebuild waits for us, or we come too late.

    Claims read before a rebuild must not be stored after it: their places may have been given
    again since. Nor is anything stored above a lowered stock, from the commit that lowered it on.
    SQLite has one writer at a time and needs no lock for this.
    """
    lock = " LOCK IN SHARE MODE" if connection.vendor == "mysql" else ""
    with connection.cursor() as cursor:
        cursor.execute(_EPOCH + lock, [campaign.id])
        ours, keep = cursor.fetchone() or (None, None)
    if ours != epoch:
        raise StaleClaims(f"Campaign {campaign.slug}: claims of epoch {epoch!r}, which is over.")
    if keep is not None and any(claim.place > keep for claim in claims):
        raise BeyondStock(f"Campaign {campaign.slug}: its stock was lowered to {keep}.")


_EPOCH = f"SELECT epoch, slots_to_keep FROM {Campaign._meta.db_table} WHERE id = %s"  # noqa: S608
_COLUMNS = (
    "slot_id", "user", "nth", "code", "campaign_id", "place", "admitted_at", "expires_at",
    "request_id", "stored_at",
)  # fmt: skip
_ESSENCE = 4  # the first columns say who holds which place with which code
_INSERT = (
    f"INSERT INTO {Coupon._meta.db_table} ({', '.join(_COLUMNS)})"  # noqa: S608 - names from above
    f" VALUES ({', '.join(['%s'] * len(_COLUMNS))})"
)
Row = tuple[Any, ...]


def _row(campaign: CampaignSnapshot, claim: AdmittedClaim) -> Row:
    """The columns of a claim's coupon, all but the last."""
    exact = str.encode if connection.vendor == "mysql" else str  # as ExactField is stored
    code = campaign.code_of(user=claim.user, nth=claim.nth, place=claim.place)
    return (
        slot_id(campaign.id, claim.place), exact(claim.user), claim.nth, exact(code),
        campaign.id, claim.place,
        timestamps.text_of(claim.admitted_ms),
        timestamps.text_of(campaign.expires_ms(claim.admitted_ms)),
        exact(claim.request) if claim.request else None,
    )  # fmt: skip


def _essence(row: Row) -> Row:
    return row[:_ESSENCE]


def _standing(campaign: CampaignSnapshot, claims: list[AdmittedClaim]) -> set[Row]:
    """The essence of the rows that stand on the places of these claims."""
    slots = ",".join(str(slot_id(campaign.id, claim.place)) for claim in claims)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(_COLUMNS[:_ESSENCE])} FROM {Coupon._meta.db_table}"  # noqa: S608
            f" WHERE slot_id IN ({slots})"  # whole numbers, made here
        )
        return set(cursor.fetchall())
