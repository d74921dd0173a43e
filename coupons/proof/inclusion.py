"""The hashes that lead from one coupon to the published root."""

import logging
from dataclasses import dataclass

from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.database import availability
from coupons.errors import NotInProof, NotProvedYet, ProofDiffers
from coupons.models import CampaignProof
from coupons.proof import build, check, closed_campaign, leaves, merkle

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Inclusion:
    """`path`: the neighbours from the leaf upwards. The leaf's index is its place - 1."""

    place: int
    size: int
    root: bytes
    path: list[bytes]


def find_inclusion(known: CampaignSnapshot, place: int) -> Inclusion:
    """The path of a place that has a coupon, from the rows of one block. Raises NotProvedYet,
    NotInProof (stored after the publication), ProofDiffers, DatabaseAway."""
    with availability.require_database():
        proof = CampaignProof.objects.filter(campaign_id=known.id, root__isnull=False).first()
    if proof is None:
        raise NotProvedYet("The root of this campaign is not published yet.")
    if place > proof.size or any(begin <= place <= end for begin, end in proof.holes):
        raise NotInProof("This coupon was stored after the root had been published.")
    block, index = divmod(place - 1, build.BLOCK)
    hashes, nodes = _block_hashes(known, proof, block), build.nodes_of(proof)
    if merkle.tree_root(hashes) != nodes[block]:
        logger.error("campaign %s: rows of block %s differ from its proof", known.slug, block)
        raise ProofDiffers("The stored coupons differ from the published root. We are told.")
    path = merkle.inclusion_path(index, hashes) + merkle.inclusion_path(block, nodes)
    return Inclusion(place, proof.size, bytes(proof.root or b""), path)


def _block_hashes(known: CampaignSnapshot, proof: CampaignProof, block: int) -> list[bytes]:
    first = block * build.BLOCK + 1
    last = min(first + build.BLOCK - 1, proof.size)
    receipts = closed_campaign.read_receipts(known, first, last)
    check.hide_later(receipts, first, proof.holes)
    return [leaves.leaf_hash(each, receipt) for each, receipt in enumerate(receipts, first)]
