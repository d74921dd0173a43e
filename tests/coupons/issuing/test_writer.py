"""The writer, and the constraints of the coupon table."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.limits import slot_id
from coupons.claims.values import AdmittedClaim, Reason
from coupons.issuing import writer
from coupons.models import Campaign, Coupon, Slot, Tally
from tests.conftest import CampaignMaker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]

AT = 1_795_000_000_123


def admitted_claim(place: int, user: str = "", nth: int = 1) -> AdmittedClaim:
    return AdmittedClaim(user or f"user-{place}", nth, place, AT + place)


def stored_count(campaign: CampaignSnapshot) -> int:
    return Tally.objects.get(campaign_id=campaign.id).stored


def test_a_batch_is_stored_with_code_moment_and_expiry(open_campaign: CampaignMaker) -> None:
    campaign = open_campaign(stock=10, valid_days=30)
    verdict = writer.store_batch(campaign, [admitted_claim(2), admitted_claim(1)], epoch=None)
    assert verdict.stored == [admitted_claim(1), admitted_claim(2)]
    row = Coupon.objects.get(campaign_id=campaign.id, place=2)
    assert row.user == "user-2"
    assert row.code == campaign.code_of(user="user-2", nth=1, place=2)
    assert row.admitted_at.timestamp() == (AT + 2) / 1000
    assert row.expires_at - row.admitted_at == timedelta(days=30)
    assert stored_count(campaign) == 2


def test_storing_the_same_batch_again_changes_nothing(open_campaign: CampaignMaker) -> None:
    campaign = open_campaign(stock=10)
    batch = [admitted_claim(place) for place in range(1, 8)]
    writer.store_batch(campaign, batch, epoch=None)
    again = writer.store_batch(campaign, batch, epoch=None)
    assert (again.stored, len(again.repeated), again.refused) == ([], 7, {})
    assert (Coupon.objects.count(), stored_count(campaign)) == (7, 7)


def test_a_batch_half_of_which_is_stored_stores_the_other_half(
    open_campaign: CampaignMaker,
) -> None:
    campaign = open_campaign(stock=20)
    batch = [admitted_claim(place) for place in range(1, 21)]
    writer.store_batch(campaign, batch[::2], epoch=None)
    verdict = writer.store_batch(campaign, batch, epoch=None)
    assert (len(verdict.stored), len(verdict.repeated)) == (10, 10)
    assert stored_count(campaign) == 20


@pytest.mark.parametrize(
    ("poison", "reason"),
    [
        (admitted_claim(1, "thief"), Reason.PLACE_TAKEN),
        (admitted_claim(50, "user-1"), Reason.USER_HOLDS_ANOTHER),
        (admitted_claim(101), Reason.BEYOND_STOCK),
    ],
)
def test_a_claim_that_can_not_be_stored_is_singled_out_with_its_reason(
    open_campaign: CampaignMaker, poison: AdmittedClaim, reason: Reason
) -> None:
    campaign = open_campaign(stock=100)
    writer.store_batch(campaign, [admitted_claim(1)], epoch=None)
    batch = [admitted_claim(place) for place in range(1, 41)]
    verdict = writer.store_batch(campaign, [*batch[:20], poison, *batch[20:]], epoch=None)
    assert verdict.refused == {poison: reason}
    assert len(verdict.stored) == 39
    assert Coupon.objects.count() == stored_count(campaign) == 40


def test_two_claims_to_one_place_in_one_batch_store_one_and_name_the_other(
    open_campaign: CampaignMaker,
) -> None:
    campaign = open_campaign()
    verdict = writer.store_batch(
        campaign,
        [admitted_claim(1, "mina"), admitted_claim(1, "jun"), admitted_claim(2)],
        epoch=None,
    )
    assert list(verdict.refused.values()) == [Reason.PLACE_TAKEN]
    assert len(verdict.stored) == 2


def test_users_that_look_alike_are_different_users(open_campaign: CampaignMaker) -> None:
    alike = ["Kim", "kim", "ＫＩＭ", "kim ", "kím", "ki\u0301m", "kim\u200b", "김", "kim\x00"]
    campaign = open_campaign(stock=20)
    verdict = writer.store_batch(
        campaign, [admitted_claim(i + 1, user) for i, user in enumerate(alike)], epoch=None
    )
    assert verdict.refused == {}
    assert set(Coupon.objects.values_list("user", flat=True)) == set(alike)
    for user in alike:
        assert Coupon.objects.filter(user=user).count() == 1


# The database's constraints, which no writer can bypass


def coupon_values(campaign: CampaignSnapshot, place: int, **other: Any) -> dict[str, Any]:
    now = timezone.now()
    return {
        "slot_id": slot_id(campaign.id, place), "campaign_id": campaign.id, "place": place,
        "user": f"user-{place}", "nth": 1, "code": f"{place:016d}", "admitted_at": now,
        "stored_at": now, "expires_at": now,
    } | other  # fmt: skip


@pytest.mark.parametrize(
    ("place", "other"),
    [
        (1, {"user": "thief", "code": "A" * 16}),  # a place twice
        (2, {"user": "user-1"}),  # a user twice
        (2, {"code": f"{1:016d}"}),  # a code twice
        (11, {}),  # beyond the stock
        (0, {}),
        (2, {"nth": 0}),
    ],
)
def test_the_database_refuses_what_would_break_a_promise(
    open_campaign: CampaignMaker, place: int, other: dict[str, Any]
) -> None:
    campaign = open_campaign(stock=10)
    Coupon.objects.create(**coupon_values(campaign, 1))
    with pytest.raises(IntegrityError), transaction.atomic():
        Coupon.objects.create(**coupon_values(campaign, place, **other))
    assert Coupon.objects.count() == 1


def test_the_database_refuses_a_place_on_another_places_slot(
    open_campaign: CampaignMaker,
) -> None:
    campaign = open_campaign(stock=10)
    with pytest.raises(IntegrityError), transaction.atomic():
        Coupon.objects.create(**coupon_values(campaign, 50, slot_id=slot_id(campaign.id, 5)))


def test_a_slot_with_a_coupon_and_a_campaign_with_coupons_can_not_be_deleted(
    open_campaign: CampaignMaker,
) -> None:
    campaign = open_campaign(stock=10)
    writer.store_batch(campaign, [admitted_claim(1)], epoch=None)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {Slot._meta.db_table}")
    with pytest.raises(IntegrityError):
        Campaign.objects.all().delete()


def test_a_user_id_that_does_not_fit_is_refused_and_never_cut_short(
    open_campaign: CampaignMaker,
) -> None:
    campaign = open_campaign(stock=10)
    verdict = writer.store_batch(
        campaign, [admitted_claim(1), admitted_claim(2, "x" * 129), admitted_claim(3)], epoch=None
    )
    if connection.vendor == "sqlite":  # has no lengths; the queue's reader refuses it before
        assert verdict.refused == {}
    else:
        assert verdict.refused == {admitted_claim(2, "x" * 129): Reason.REJECTED}
        assert len(verdict.stored) == 2


def test_negative_control_insert_ignore_hides_a_place_taken_twice(
    open_campaign: CampaignMaker,
) -> None:
    """Why it is banned: the second user was admitted, the statement succeeds, and there is no
    row."""
    campaign = open_campaign(stock=10)
    writer.store_batch(campaign, [admitted_claim(1, "mina")], epoch=None)
    row = writer._row(campaign, admitted_claim(1, "jun"), writer.column_encoder())
    ignore = "INSERT OR IGNORE" if connection.vendor == "sqlite" else "INSERT IGNORE"
    with connection.cursor() as cursor:
        try:
            cursor.execute(
                writer._INSERT.replace("INSERT", ignore, 1),
                (*row, "2026-11-22 12:00:00"),
            )
        except DatabaseError as error:  # pragma: no cover - would be good news
            pytest.fail(f"the statement told of the collision: {error}")
    assert not Coupon.objects.filter(user="jun").exists()
    assert writer.store_batch(campaign, [admitted_claim(1, "jun")], epoch=None).refused == {
        admitted_claim(1, "jun"): Reason.PLACE_TAKEN
    }
