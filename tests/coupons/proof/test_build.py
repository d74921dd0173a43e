"""The tree of a closed campaign: from its rows, once, and what changes afterwards is found."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from coupons.admission import strategies
from coupons.campaigns import lifecycle, snapshot
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.values import Claim
from coupons.errors import IllegalTransition
from coupons.models import (
    Campaign,
    CampaignProof,
    Coupon,
    EventKind,
    Merchant,
    OutboxMessage,
    Slot,
    Tally,
)
from coupons.proof import build, check, leaves, merkle
from tests.coupons.proof.conftest import USERS, Sale, close

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]


def prove(campaign: Campaign) -> CampaignProof:
    return build.prove_campaign(campaign, actor="Mina")


def receipts_of(known: CampaignSnapshot, users: tuple[str, ...] = USERS) -> list[str]:
    """As the users got them: by the answer to asking again."""
    told = []
    for user in users:
        again = strategies.admit(known, Claim(user))
        told.append(known.receipt_of(user=user, nth=1, place=again.place, admitted_ms=again.at_ms))
    return told


def test_the_root_is_that_of_the_receipts_which_the_users_were_told(
    sale: Sale, strategy: str
) -> None:
    known = sale(strategy=strategy)
    told = receipts_of(known)
    proof = prove(close())
    hashes = [leaves.leaf_hash(place, receipt) for place, receipt in enumerate(told, 1)]
    assert proof.root is not None
    assert bytes(proof.root) == merkle.tree_root(hashes)
    assert (proof.size, proof.coupons, proof.holes) == (len(USERS), len(USERS), [])


def test_a_campaign_without_a_coupon_has_the_empty_root(sale: Sale, strategy: str) -> None:
    sale((), strategy=strategy)
    proof = prove(close())
    assert (proof.size, bytes(proof.root or b"")) == (0, merkle.EMPTY_ROOT)


def test_it_is_told_once_in_history_and_webhook(sale: Sale) -> None:
    sale(merchant=Merchant.objects.create(slug="books", name="Books"))
    campaign = close()
    first, second = prove(campaign), prove(campaign)
    assert first.root == second.root
    root = build.base64_of(bytes(first.root or b""))
    event = campaign.events.get(kind=EventKind.PROVED)
    assert event.data == {"root": root, "places": 6, "coupons": 6}
    message = OutboxMessage.objects.get(type="campaign.proved")
    assert message.body["root"] == root
    assert message.body["closed_at"].endswith("Z")


def test_two_roots_can_not_be_stored(sale: Sale) -> None:
    sale()
    proof = prove(close())
    with pytest.raises(IntegrityError), transaction.atomic():
        CampaignProof.objects.create(
            campaign_id=proof.campaign_id, version=1, size=0, closed_at=proof.closed_at
        )
    proof.coupons = 1
    build._save_progress(proof, proof.done, proof.campaign, "Mina")
    assert CampaignProof.objects.get().coupons == 6


def test_it_waits_until_everything_is_stored(sale: Sale) -> None:
    known = sale(("ann",))
    with pytest.raises(IllegalTransition, match="not closed"):
        prove(Campaign.objects.get())
    lifecycle.change_stock("sale", stock=3, actor="Mina")
    strategies.admit(known, Claim("bob"))
    campaign = close()
    with pytest.raises(IllegalTransition, match="wait to be stored"):
        prove(campaign)
    assert build.prove_campaigns() == 0
    Campaign.objects.update(closes_at=campaign.closes_at + timedelta(minutes=2))
    with pytest.raises(IllegalTransition, match="within the last minute"):
        prove(Campaign.objects.get())


def test_the_clock_proves_what_has_closed(sale: Sale, strategy: str) -> None:
    sale(strategy=strategy)
    assert build.prove_campaigns() == 0
    close()
    assert [build.prove_campaigns(), build.prove_campaigns()] == [1, 0]


def test_an_interrupted_build_goes_on(sale: Sale, monkeypatch: pytest.MonkeyPatch) -> None:
    known = sale()
    told = receipts_of(known)
    monkeypatch.setattr(build, "BLOCK", 2)
    monkeypatch.setattr(build, "STEP", 2)
    campaign = close()
    begun = build.prove_campaign(campaign, actor="Mina", until=lambda: True)
    assert (begun.done, begun.root) == (2, None)
    assert prove(campaign).root == merkle.tree_root(
        [leaves.leaf_hash(place, receipt) for place, receipt in enumerate(told, 1)]
    )


def test_two_builders_publish_one_root(sale: Sale) -> None:
    """The second one's last step comes after the first one's."""
    sale()
    campaign = close()
    late = build._begun_proof(campaign)
    prove(campaign)
    build._hash_places(late, snapshot.snapshot_of(campaign), build.never)
    build._save_progress(late, 0, campaign, "Jun")
    assert campaign.events.filter(kind=EventKind.PROVED).count() == 1


# Five ways to change what was published


def swap_places() -> None:
    """Two users exchange their places, at the moments of these places."""
    one, two = Coupon.objects.get(place=2), Coupon.objects.get(place=5)
    Coupon.objects.filter(pk=two.pk).update(user="nobody")
    Coupon.objects.filter(pk=one.pk).update(user=two.user)
    Coupon.objects.filter(pk=two.pk).update(user=one.user)


def add_row() -> None:
    row = Coupon.objects.get(place=6)
    Slot.objects.get_or_create(pk=row.pk + 1)
    row.pk, row.place, row.user, row.code = row.pk + 1, 7, "friend", "0000000000000000"
    row.save(force_insert=True)


def remove_row() -> None:
    Coupon.objects.filter(place=3).delete()


def change_receipt() -> None:
    Coupon.objects.filter(place=4).update(user="friend")


def change_order() -> None:
    """The moments of two places are exchanged."""
    one, two = Coupon.objects.get(place=1), Coupon.objects.get(place=6)
    Coupon.objects.filter(pk=one.pk).update(admitted_at=two.admitted_at + timedelta(seconds=1))
    Coupon.objects.filter(pk=two.pk).update(admitted_at=one.admitted_at)


def change_root() -> None:
    CampaignProof.objects.update(root=bytes(32))


TAMPERED = [swap_places, add_row, remove_row, change_receipt, change_order, change_root]


@pytest.mark.parametrize("tamper", TAMPERED, ids=lambda tamper: str(tamper.__name__))
def test_a_changed_log_is_found_and_the_root_stays(sale: Sale, tamper: Callable[[], None]) -> None:
    sale()
    campaign = close()
    proof = prove(campaign)
    assert check.check_proof(campaign, proof, actor="Mina").is_right  # the control
    assert not campaign.events.filter(kind=EventKind.PROOF_DIFFERS).exists()
    tamper()
    finding = check.check_proof(campaign, CampaignProof.objects.get(), actor="Mina")
    assert not finding.is_right
    assert campaign.events.filter(kind=EventKind.PROOF_DIFFERS).count() == 1
    if tamper is not change_root:
        assert prove(campaign).root == proof.root


def test_a_place_without_a_coupon_is_a_leaf_and_stays_one(sale: Sale) -> None:
    known = sale()
    told: list[str | None] = [*receipts_of(known)]
    row = Coupon.objects.get(place=3)
    Coupon.objects.filter(place=3).delete()
    Tally.objects.update(stored=5, holes=1)
    campaign = close()
    proof = prove(campaign)
    told[2] = None
    hashes = [leaves.leaf_hash(place, receipt) for place, receipt in enumerate(told, 1)]
    assert bytes(proof.root or b"") == merkle.tree_root(hashes)
    assert (proof.size, proof.coupons, proof.holes) == (6, 5, [[3, 3]])
    row.save(force_insert=True)  # its receipt is honoured later
    finding = check.check_proof(campaign, proof, actor="Mina")
    assert (finding.changed, finding.later, finding.added) == ([], 1, 1)
    campaign.events.create(actor="Mina", kind=EventKind.RECEIPT_HONOURED, data={"place": 3})
    assert check.check_proof(campaign, proof, actor="Mina").is_right
