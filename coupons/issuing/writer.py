"""Store claims as coupons: one multi-row INSERT per transaction, read back before the commit.

Idempotent: claims that are stored already count as stored. A claim that can't be written as a row,
or that the database refuses, is isolated by bisecting the batch and returned with a reason; the
others are stored. `INSERT IGNORE` must not be used: it would hide a place that was taken twice.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import F
from django.db.models.functions import Greatest

from coupons.campaigns import slots
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims import timestamps
from coupons.claims.limits import slot_id
from coupons.claims.values import AdmittedClaim, Reason
from coupons.database import availability, error_codes
from coupons.errors import StaleClaims
from coupons.models import Campaign, Coupon, Tally

Row = tuple[Any, ...]
ToColumn = Callable[[str], str | bytes]


class UnwritableRow(Exception):
    """A value can't be converted for its column: a date out of range, a number too large."""


class ReadBackDiffers(IntegrityError):
    """The database accepted the rows, but reading them back gives different ones."""


class BeyondStock(IntegrityError):
    """A claim's place lies above a lowered stock; its slot still exists, but is being removed."""


@dataclass(slots=True)
class Verdict:
    """The result of a batch: claims stored now, claims stored before, and refused claims."""

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
    rows: Mapping[AdmittedClaim, Row] | None = None,
) -> Verdict:
    """Store a batch that was read from the queue under `epoch`, and record that `given` places were
    given by then (0: not recorded). `rows`: of `prepare_rows`; what is missing is computed here.

    Raises StaleClaims, DatabaseAway, DatabaseError: parts of the batch may be stored; store all of
    it again.
    """
    ordered = sorted(claims, key=lambda claim: claim.place)  # the same lock order: no deadlocks
    with availability.require_database():
        return _store(campaign, ordered, epoch, given, rows or {})


def prepare_rows(
    campaign: CampaignSnapshot, claims: Iterable[AdmittedClaim], to_column: ToColumn
) -> dict[AdmittedClaim, Row]:
    """The rows of those claims that can be rows, without asking the database."""
    rows = {claim: _row_or_none(campaign, claim, to_column) for claim in claims}
    return {claim: row for claim, row in rows.items() if row}


def column_encoder() -> ToColumn:
    """How the database keeps an `ExactField`. Asked once for a batch: it takes a third of a row."""
    return str.encode if connection.vendor == "mysql" else str


def _store(
    campaign: CampaignSnapshot,
    claims: list[AdmittedClaim],
    epoch: str | None,
    given: int,
    rows: Mapping[AdmittedClaim, Row] = MappingProxyType({}),
) -> Verdict:
    if not claims:
        return Verdict()
    try:
        insert_rows(campaign, claims, epoch, given, rows)
        return Verdict(stored=claims)
    except DatabaseError as error:
        if error_codes.refuses_row(error):
            return _bisect_refused(campaign, claims, epoch, given)
        if error_codes.is_away(error) or len(claims) == 1:
            raise
        return _bisect_failed(campaign, claims, epoch, given, error)
    except UnwritableRow:
        return _bisect_refused(campaign, claims, epoch, given)


# What the conversion of a value may raise, here or in the driver. Caught only there: elsewhere such
# an error is a bug, which must park no claim.
_CONVERSION_ERRORS = (ValueError, OverflowError)


def _bisect_refused(
    campaign: CampaignSnapshot, claims: list[AdmittedClaim], epoch: str | None, given: int
) -> Verdict:
    """Bisect a batch of which the database refused a row: leave out claims that are stored already
    or can't be a row, and store each half of the rest."""
    to_column = column_encoder()
    rows = [(claim, _row_or_none(campaign, claim, to_column)) for claim in claims]
    writable = [claim for claim, row in rows if row]
    existing = _existing_rows(campaign, writable) if writable else set()
    repeated = [claim for claim, row in rows if row and _identity(row) in existing]
    verdict = Verdict(repeated=repeated)
    verdict.refused |= {claim: Reason.UNWRITABLE for claim, row in rows if not row}
    rest = [claim for claim in writable if claim not in repeated]
    if len(rest) == 1 == len(claims):
        verdict.refused[rest[0]] = _why_refused(campaign, rest[0])
        return verdict
    for half in _halves(rest):
        verdict.add(_store(campaign, half, epoch, given))
    return verdict


def _bisect_failed(
    campaign: CampaignSnapshot,
    claims: list[AdmittedClaim],
    epoch: str | None,
    given: int,
    error: DatabaseError,
) -> Verdict:
    """Bisect a batch that failed with an error that is not about a row. If one half can be stored,
    the fault lies in claims of the other; if neither can, it lies elsewhere (in the tables, say),
    and the claims must wait: raises the error."""
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
        verdict.add(_store_one_by_one(campaign, half, epoch, given))
    return verdict


def _store_one_by_one(
    campaign: CampaignSnapshot, claims: list[AdmittedClaim], epoch: str | None, given: int
) -> Verdict:
    """Store the claims of a failed half one by one, after the other half was stored."""
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


def _row_or_none(
    campaign: CampaignSnapshot, claim: AdmittedClaim, to_column: ToColumn
) -> Row | None:
    try:
        return _row(campaign, claim, to_column)
    except UnwritableRow:
        return None


def _why_refused(campaign: CampaignSnapshot, claim: AdmittedClaim) -> Reason:
    try:
        return _reason(campaign, claim)
    except _CONVERSION_ERRORS:
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
    prepared: Mapping[AdmittedClaim, Row] = MappingProxyType({}),
) -> None:
    """Insert all rows or none, in one transaction, and count them in the tally.

    `epoch` is None for places that were not given by Redis. Raises StaleClaims, UnwritableRow, and
    a DatabaseError for which `error_codes.refuses_row` is true if the database refuses a row.
    """
    to_column = column_encoder()
    rows = [prepared.get(claim) or _row(campaign, claim, to_column) for claim in claims]
    with transaction.atomic():
        if epoch is not None:
            _lock_epoch(campaign, epoch, claims)
        now = timestamps.text_of(timestamps.milliseconds_of(datetime.now(UTC)))
        _insert(rows, now)
        if _existing_rows(campaign, claims) != {_identity(row) for row in rows}:
            raise ReadBackDiffers(f"Campaign {campaign.slug}: the rows differ from what was sent.")
        Tally.objects.filter(campaign_id=campaign.id).update(
            stored=F("stored") + len(claims), highest=Greatest("highest", given)
        )


def _insert(rows: list[Row], stored_at: str) -> None:
    with connection.cursor() as cursor:
        try:
            if connection.vendor == "mysql":
                cursor.execute(_insert_text(rows, stored_at))
            else:
                cursor.executemany(_INSERT, [(*row, stored_at) for row in rows])
        except _CONVERSION_ERRORS as error:
            raise UnwritableRow(f"The driver can't convert a value: {error!r}") from error


def _insert_text(rows: list[Row], stored_at: str) -> str:
    """One statement without parameters, for MySQL: mysqlclient formats and escapes each value by
    itself, which costs as much as the drain's own part of a row. Nothing needs escaping here:
    numbers are digits, bytes X'…', moments are `timestamps.text_of`'s."""
    end = f",'{stored_at}')"
    values = [
        f"({slot:d},X'{user.hex()}',{nth:d},X'{code.hex()}',{campaign:d},{place:d},"
        f"'{admitted_at}','{expires_at}'," + (f"X'{request.hex()}'" if request else "NULL") + end
        for slot, user, nth, code, campaign, place, admitted_at, expires_at, request in rows
    ]
    return _INSERT_INTO + ",".join(values)


def _lock_epoch(campaign: CampaignSnapshot, epoch: str, claims: list[AdmittedClaim]) -> None:
    """Take a shared lock on the epoch (the campaign's row) until the transaction ends. Raises
    StaleClaims if a rebuild has changed it, BeyondStock for a place above a lowered stock.

    Claims read before a rebuild must not be stored after it: their places may have been given
    again since. SQLite has one writer at a time and needs no lock.
    """
    lock = " LOCK IN SHARE MODE" if connection.vendor == "mysql" else ""
    with connection.cursor() as cursor:
        cursor.execute(_EPOCH + lock, [campaign.id])
        current, keep = cursor.fetchone() or (None, None)
    if current != epoch:
        raise StaleClaims(f"Campaign {campaign.slug}: claims of epoch {epoch!r}, which is over.")
    if keep is not None and any(claim.place > keep for claim in claims):
        raise BeyondStock(f"Campaign {campaign.slug}: its stock was lowered to {keep}.")


_EPOCH = f"SELECT epoch, slots_to_keep FROM {Campaign._meta.db_table} WHERE id = %s"  # noqa: S608
_COLUMNS = (
    "slot_id", "user", "nth", "code", "campaign_id", "place", "admitted_at", "expires_at",
    "request_id", "stored_at",
)  # fmt: skip
_IDENTITY_COLUMNS = 4  # the first columns identify a coupon: slot, user, nth, code
_INSERT_INTO = f"INSERT INTO {Coupon._meta.db_table} ({', '.join(_COLUMNS)}) VALUES "  # noqa: S608
_INSERT = f"{_INSERT_INTO} ({', '.join(['%s'] * len(_COLUMNS))})"


def _row(campaign: CampaignSnapshot, claim: AdmittedClaim, to_column: ToColumn) -> Row:
    """The column values of a claim's coupon, without `stored_at`. Raises UnwritableRow."""
    code = campaign.code_of(user=claim.user, nth=claim.nth, place=claim.place)
    expires_ms = campaign.expires_ms(claim.admitted_ms)
    try:
        return (
            slot_id(campaign.id, claim.place), to_column(claim.user), claim.nth, to_column(code),
            campaign.id, claim.place,
            timestamps.text_of(claim.admitted_ms),
            timestamps.text_of(expires_ms),
            to_column(claim.request) if claim.request else None,
        )  # fmt: skip
    except _CONVERSION_ERRORS as error:
        raise UnwritableRow(f"Place {claim.place} of {campaign.slug}: {error!r}") from error


def _identity(row: Row) -> Row:
    return row[:_IDENTITY_COLUMNS]


def _existing_rows(campaign: CampaignSnapshot, claims: list[AdmittedClaim]) -> set[Row]:
    """The identifying columns of the rows on the places of these claims."""
    slots = ",".join(str(slot_id(campaign.id, claim.place)) for claim in claims)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(_COLUMNS[:_IDENTITY_COLUMNS])} FROM {Coupon._meta.db_table}"  # noqa: S608
            f" WHERE slot_id IN ({slots})"  # integers, built above
        )
        return set(cursor.fetchall())
