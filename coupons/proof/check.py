"""Compute a published tree again from the rows, and find what was changed since."""

from dataclasses import dataclass
from typing import Any

from coupons.audit import log
from coupons.campaigns import snapshot
from coupons.claims.limits import PLACES_PER_CAMPAIGN, slot_id
from coupons.database import availability
from coupons.models import Campaign, CampaignProof, Coupon, EventKind
from coupons.proof import build, closed_campaign, merkle
from coupons.proof.closed_campaign import Receipts

Ranges = list[list[int]]


@dataclass(frozen=True, slots=True)
class Finding:
    """`changed`: ranges of places, whole blocks, whose rows are others than those published.
    `later`: coupons stored after the publication; `added`: those of them for which the history has
    no reason. `root_fits`: the root is that of the stored blocks and of the history's event."""

    changed: Ranges
    later: int
    added: int
    root_fits: bool

    @property
    def is_right(self) -> bool:
        return self.root_fits and not self.changed and not self.added


def check_proof(campaign: Campaign, proof: CampaignProof, *, actor: str) -> Finding:
    """Compare all rows with the published tree. A difference becomes an event of the history; the
    published root stays. `proof` has a root. Raises DatabaseAway."""
    known, later = snapshot.snapshot_of(campaign), _count_later(proof)
    finding = Finding(
        changed=_changed_blocks(known, proof),
        later=later,
        added=max(0, later - _count_explained(campaign, proof)),
        root_fits=is_published_root(proof),
    )
    if not finding.is_right:
        log.record_event(
            campaign, actor, EventKind.PROOF_DIFFERS, places=ranges_text(finding.changed)
        )
    return finding


def hide_later(receipts: Receipts, first: int, holes: Ranges) -> None:
    """Leave out what was stored after the publication on places that had no coupon then."""
    last = first + len(receipts) - 1
    for begin, end in holes:
        for place in range(max(begin, first), min(end, last) + 1):
            receipts[place - first] = None


def ranges_text(ranges: Ranges) -> str:
    """`1-256, 513-600`."""
    return ", ".join(f"{begin}-{end}" for begin, end in ranges)


def _changed_blocks(known: snapshot.CampaignSnapshot, proof: CampaignProof) -> Ranges:
    published, changed = build.nodes_of(proof), list[list[int]]()
    for first in range(1, proof.size + 1, build.STEP):
        last = min(first + build.STEP - 1, proof.size)
        receipts = closed_campaign.read_receipts(known, first, last)
        hide_later(receipts, first, proof.holes)
        for number, root in enumerate(build.block_roots(first, receipts), first // build.BLOCK):
            if number >= len(published) or published[number] != root:
                begin = number * build.BLOCK + 1
                changed.append([begin, min(begin + build.BLOCK - 1, proof.size)])
    return changed


def is_published_root(proof: CampaignProof) -> bool:
    """Against the copy in the history, too: whoever changes one row of two is seen."""
    root = bytes(proof.root or b"")
    with availability.require_database():
        events = proof.campaign.events.filter(kind=EventKind.PROVED)
        told = [(event.data or {}).get("root") for event in events]
    return root == merkle.tree_root(build.nodes_of(proof)) and told == [build.base64_of(root)]


def _count_explained(campaign: Campaign, proof: CampaignProof) -> int:
    """Coupons that the history has since: honoured receipts and grants."""
    with availability.require_database():
        since = campaign.events.filter(at__gte=proof.proved_at)
        honoured = since.filter(kind=EventKind.RECEIPT_HONOURED).count()
        granted = [_count_of(event.data) for event in since.filter(kind=EventKind.GRANTED)]
    return honoured + sum(granted)


def _count_of(data: dict[str, Any] | None) -> int:
    count = (data or {}).get("count")
    return count if isinstance(count, int) else 0


def _count_later(proof: CampaignProof) -> int:
    in_holes = sum(_count_stored(proof, begin, end) for begin, end in proof.holes)
    return in_holes + _count_stored(proof, proof.size + 1, PLACES_PER_CAMPAIGN - 1)


def _count_stored(proof: CampaignProof, first: int, last: int) -> int:
    with availability.require_database():
        return Coupon.objects.filter(
            slot_id__gte=slot_id(proof.campaign_id, first),
            slot_id__lte=slot_id(proof.campaign_id, last),
        ).count()
