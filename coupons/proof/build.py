"""Build the tree of a closed campaign, once, in steps that may be interrupted.

The places are hashed in blocks of BLOCK; the root of each block is kept, so that a user's path
needs the rows of one block only. Progress is written by compare-and-set: of two builders one goes
on. The last step writes root, history and webhook in one transaction; nothing replaces a root.
"""

import base64
from collections.abc import Callable
from typing import Any

from django.db import transaction

from coupons.audit import log
from coupons.campaigns import snapshot
from coupons.campaigns.fault_isolation import isolate_campaign
from coupons.database import availability, clock
from coupons.errors import IllegalTransition
from coupons.models import Campaign, CampaignProof, EventKind
from coupons.observability.metrics import Work
from coupons.proof import closed_campaign, leaves, merkle
from coupons.proof.closed_campaign import Receipts
from coupons.recovery import reconcile
from coupons.webhooks import campaign_events

BLOCK = 256  # places; a power of two
STEP = 64 * BLOCK  # places hashed between two looks at the time
ACTOR = "proof"


def never() -> bool:
    """The default of `until`."""
    return False


def prove_campaigns(*, until: Callable[[], bool] = never) -> int:
    """Build what is due: campaigns that closed within the last days and have no root. Returns how
    many were finished. Raises StoreAway, DatabaseAway."""
    with availability.require_database():
        closed = Campaign.objects.filter(
            state=Campaign.State.CLOSED,
            closes_at__gt=clock.read_now() - reconcile.WATCHED_FOR,
            proof__root__isnull=True,
        )
        due = list(closed.order_by("closes_at"))
    finished = 0
    for campaign in due:
        if until():
            break
        with isolate_campaign(campaign.slug, Work.PROOF):
            finished += _is_proved_now(campaign, until)
    return finished


def _is_proved_now(campaign: Campaign, until: Callable[[], bool]) -> bool:
    try:
        return prove_campaign(campaign, actor=ACTOR, until=until).root is not None
    except IllegalTransition:  # its claims are not stored yet: later
        return False


def prove_campaign(
    campaign: Campaign, *, actor: str, until: Callable[[], bool] = never
) -> CampaignProof:
    """The campaign's tree; built now if there is none, or as far as `until()` allows: then its root
    is None, and the next call goes on. Raises IllegalTransition (not closed, or not all stored),
    StoreAway, DatabaseAway."""
    proof = _begun_proof(campaign)
    known = snapshot.snapshot_of(campaign)
    while proof.root is None:
        before = proof.done
        _hash_places(proof, known, until)
        with availability.require_database(), transaction.atomic():
            _save_progress(proof, before, campaign, actor)
            proof = CampaignProof.objects.get(campaign=campaign)
        if until():
            break
    return proof


def _begun_proof(campaign: Campaign) -> CampaignProof:
    with availability.require_database():
        proof = CampaignProof.objects.filter(campaign=campaign).first()
    if proof is not None:
        return proof
    size = closed_campaign.settled_places(campaign)
    with availability.require_database():
        begun = {"version": leaves.VERSION, "size": size, "closed_at": campaign.closes_at}
        return CampaignProof.objects.get_or_create(campaign=campaign, defaults=begun)[0]


def _hash_places(
    proof: CampaignProof, known: snapshot.CampaignSnapshot, until: Callable[[], bool]
) -> None:
    """Hash the next places: all of them, or as many as `until()` allows."""
    nodes = bytearray(proof.nodes)
    while proof.done < proof.size:
        first, last = proof.done + 1, min(proof.done + STEP, proof.size)
        receipts = closed_campaign.read_receipts(known, first, last)
        nodes += b"".join(block_roots(first, receipts))
        add_holes(proof.holes, first, receipts)
        proof.coupons += len(receipts) - receipts.count(None)
        proof.done = last
        if until():
            break
    proof.nodes = bytes(nodes)


def block_roots(first: int, receipts: Receipts) -> list[bytes]:
    """The roots of the blocks of these places; `first` is the first place of a block."""
    hashes = [leaves.leaf_hash(place, receipt) for place, receipt in enumerate(receipts, first)]
    return [
        merkle.tree_root(hashes[start : start + BLOCK]) for start in range(0, len(hashes), BLOCK)
    ]


def nodes_of(proof: CampaignProof) -> list[bytes]:
    """The roots of the blocks, in order."""
    raw, width = bytes(proof.nodes), merkle.HASH_BYTES
    return [raw[start : start + width] for start in range(0, len(raw), width)]


def add_holes(holes: list[list[int]], first: int, receipts: Receipts) -> None:
    """Add the places without a coupon to the ranges."""
    if None not in receipts:
        return
    for place, receipt in enumerate(receipts, first):
        if receipt is not None:
            continue
        if holes and holes[-1][1] == place - 1:
            holes[-1][1] = place
        else:
            holes.append([place, place])


def _save_progress(proof: CampaignProof, before: int, campaign: Campaign, actor: str) -> None:
    """Write what was hashed, and the root if that was all; nothing if another builder was first."""
    changes = {name: getattr(proof, name) for name in ("done", "coupons", "holes", "nodes")}
    is_last = proof.done == proof.size
    if is_last:
        root = merkle.tree_root(nodes_of(proof))
        changes |= {"root": root, "proved_at": clock.read_now()}
    own = CampaignProof.objects.filter(campaign=campaign, done=before, root__isnull=True)
    if own.update(**changes) and is_last:
        counts: dict[str, Any] = {"places": proof.size, "coupons": proof.coupons}
        log.record_event(campaign, actor, EventKind.PROVED, root=base64_of(root), **counts)
        campaign_events.tell_proof(campaign, root=base64_of(root), **counts)


def base64_of(hash: bytes) -> str:
    """A hash as text, as RFC 9162 writes hashes in JSON."""
    return base64.b64encode(hash).decode()
