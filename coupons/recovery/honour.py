"""Honour a genuine receipt whose claim was lost: store the coupon that its user was told.

A claim can be lost only in the documented window of loss: Redis admitted it, then lost its most
recent writes before the claim was stored. Its receipt is the proof. If its place was not given to
another user, the coupon can be stored there, with its original code.
"""

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from coupons.audit import log
from coupons.campaigns import slots, snapshot, update
from coupons.claims.limits import slot_id
from coupons.claims.receipt_tokens import Receipt
from coupons.claims.values import AdmittedClaim
from coupons.database import availability
from coupons.errors import NotInstalled, Refused
from coupons.issuing import queue, writer
from coupons.issuing.receipt_status import Fate, genuine_receipt, status_of
from coupons.models import Campaign, Coupon, EventKind, Tally
from coupons.recovery import highest_place
from coupons.store import Claimant, claimant_field, store


def honour_receipt(token: str, *, actor: str) -> Coupon:
    """Store the coupon of a genuine receipt whose claim was lost; return it also if it is stored.

    Its place must be free and within the stock. Numbering continues above it, and Redis gets the
    claimant, so that its user gets the original answer. Raises Refused with the reason,
    NotInstalled, StoreAway, DatabaseAway; then nothing has changed, or a retry does the rest.
    """
    receipt = genuine_receipt(token)
    if receipt is None:
        raise Refused(_("This is not a receipt of ours."))
    given = _given_while_free(receipt)
    with availability.require_database(), transaction.atomic():
        campaign = update.lock_campaign(receipt.campaign)
        status = status_of(snapshot.snapshot_of(campaign), receipt)
        if status.coupon is not None:
            return status.coupon
        if status.fate is not Fate.LOST:
            raise Refused(_("The claim of this receipt is not lost: {}.").format(status.fate))
        if not slots.is_issuable(campaign.pk, receipt.place):
            raise Refused(_("Place {} lies beyond the stock.").format(receipt.place))
        _store(campaign, receipt)
        _write_to_redis(campaign, receipt, given)
        kind = EventKind.RECEIPT_HONOURED
        log.record_event(campaign, actor, kind, place=receipt.place, user=receipt.user)
    return Coupon.objects.select_related("campaign").get(
        slot_id=slot_id(campaign.pk, receipt.place)
    )


def _given_while_free(receipt: Receipt) -> int:
    """The number of places given, read before the check that no other user holds this place: raises
    Refused if one does."""
    campaign = update.queued_campaign(receipt.campaign)
    given = store().campaigns.gate(receipt.campaign).admitted
    own = claimant_field.encode_field(receipt.user, receipt.nth, campaign.per_user)
    claimants = store().recovery.scan_claimants(receipt.campaign)
    for page in claimants:
        if any(one.place == receipt.place and one.field != own for one in page):
            raise Refused(_("Place {} was given to another user since.").format(receipt.place))
    for batch in queue.waiting_batches(receipt.campaign):
        claims = batch.claims.values()
        if any(claim.place == receipt.place and claim.user != receipt.user for claim in claims):
            raise Refused(_("A claim to place {} waits to be stored.").format(receipt.place))
    return given


def _store(campaign: Campaign, receipt: Receipt) -> None:
    known = snapshot.snapshot_of(campaign)
    claim = AdmittedClaim(receipt.user, receipt.nth, receipt.place, receipt.admitted_ms)
    verdict = writer.store_batch(known, [claim], epoch=campaign.epoch)
    for reason in verdict.refused.values():
        raise Refused(_("It can't be stored: {}.").format(reason))
    Tally.objects.filter(campaign=campaign, holes__gt=0, highest__gte=receipt.place).update(
        holes=F("holes") - 1
    )
    highest_place.raise_highest(campaign.pk, receipt.place)


def _write_to_redis(campaign: Campaign, receipt: Receipt, given: int) -> None:
    field = claimant_field.encode_field(receipt.user, receipt.nth, campaign.per_user)
    reply = store().recovery.honour_place(
        campaign.slug,
        Claimant(field, receipt.place, receipt.admitted_ms),
        filter_blocks=campaign.filter_blocks,
        given=given,
    )
    if reply == "not_installed":
        raise NotInstalled(_("{!r} is closed for repair: rebuild it first.").format(campaign.slug))
    if reply != "honoured":
        raise Refused(_("The place or the user has another claim by now. Please look again."))
