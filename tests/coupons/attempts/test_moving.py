"""After a sale the notes are in MySQL and no longer in Redis; a crash counts nothing twice."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from coupons import tasks
from coupons.attempts import moving
from coupons.attempts.finding import FoundRefusals, find_refusals
from coupons.campaigns import lifecycle
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.errors import StoreAway
from coupons.models import Campaign, RefusalBucket, RefusalTotal
from coupons.observability.refusal_notes import hand_on_notes, note_refusal
from coupons.store import keys, store
from coupons.store.refusals import RefusalCalls
from tests.conftest import CampaignMaker

pytestmark = pytest.mark.django_db(transaction=True)

USERS = [f"user-{number}" for number in range(60)]


def never() -> bool:
    return False


def note_all(slug: str = "sale", *, from_ms: int = 1_000) -> None:
    for number, user in enumerate(USERS):
        for _ in range(1 + number % 3):
            note_refusal(slug, user, 1, "sold_out", from_ms + number)
    hand_on_notes()


def found_of(user: str, campaign: CampaignSnapshot, *, always: bool = True) -> FoundRefusals:
    return find_refusals(
        campaign_id=campaign.id, slug=campaign.slug, key_id=campaign.key_id, user=user,
        always_stored=always,
    )  # fmt: skip


def all_found(campaign: CampaignSnapshot, *, always: bool = True) -> list[tuple[int, int]]:
    """First moment and count of each user."""
    found = [found_of(user, campaign, always=always).refusals for user in USERS]
    return [(one.first_ms, one.count) for (one,) in found]


def keys_left(slug: str = "sale") -> list[bytes]:
    return list(store().client.scan_iter(match=f"coupon:{{{slug}}}:refusals*", count=1000))


@pytest.fixture
def closed(open_campaign: CampaignMaker) -> CampaignSnapshot:
    sale = open_campaign()
    note_all()
    lifecycle.close_campaign("sale", actor="Mina")
    return sale


def test_after_the_sale_everything_is_in_mysql_and_nothing_in_redis(
    closed: CampaignSnapshot,
) -> None:
    before = all_found(closed)
    moving.move_refusals(until=never)
    assert keys_left() == []
    assert all_found(closed) == all_found(closed, always=False) == before
    found = found_of("nobody", closed)
    assert (found.made, found.kept, found.is_complete) == (120, 120, True)


def test_an_open_sale_is_left_alone_until_it_is_quiet(open_campaign: CampaignMaker) -> None:
    sale = open_campaign()
    note_all()
    moving.move_refusals(until=never)
    assert not RefusalTotal.objects.exists()
    counts = keys.campaign_keys("sale").refusals
    store().client.hincrby(counts, "last", -moving.QUIET_MS - 1)
    moving.move_refusals(until=never)
    assert RefusalBucket.objects.exists()
    assert keys_left() == [counts.encode()]  # the sale goes on: its counts do, too
    note_all(from_ms=5_000)
    assert [count for _, count in all_found(sale)] == [2 * (1 + number % 3) for number in range(60)]
    assert [count for _, count in all_found(sale, always=False)] == [
        2 * (1 + number % 3) for number in range(60)
    ]


def test_a_second_move_has_nothing_to_do(closed: CampaignSnapshot, monkeypatch: Any) -> None:
    moving.move_refusals(until=never)
    monkeypatch.setattr(RefusalCalls, "read_entries", None)
    moving.move_refusals(until=never)


def test_what_comes_after_the_move_is_added_an_hour_later(closed: CampaignSnapshot) -> None:
    moving.move_refusals(until=never)
    note_refusal("sale", "user-0", 1, "closed")
    hand_on_notes()
    moving.move_refusals(until=never)
    assert keys_left()
    hour_ago = timezone.now() - timedelta(milliseconds=moving.AGAIN_MS + 1)
    RefusalTotal.objects.update(moved_at=hour_ago)
    moving.move_refusals(until=never)
    assert not keys_left()
    assert [one.outcome for one in found_of("user-0", closed).refusals] == ["sold_out", "closed"]
    assert found_of("user-0", closed).made == 121


def test_a_move_that_is_stopped_goes_on_where_it_was(closed: CampaignSnapshot) -> None:
    before, turns = all_found(closed), iter(range(10_000))
    moving.move_refusals(until=lambda: next(turns) > 40)
    assert 0 < RefusalBucket.objects.count() < 60
    assert not RefusalTotal.objects.get().counts
    assert all_found(closed) == before
    moving.move_refusals(until=never)
    assert (keys_left(), all_found(closed)) == ([], before)


def test_a_crash_between_the_stores_counts_nothing_twice(
    closed: CampaignSnapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = all_found(closed)

    def crash(*_: Any) -> None:
        raise StoreAway("gone")

    with monkeypatch.context() as patched:
        patched.setattr(RefusalCalls, "drop_entries", crash)
        with pytest.raises(StoreAway):
            moving.move_refusals(until=never)
    assert RefusalBucket.objects.exists()
    assert all_found(closed) == before  # both stores have them now
    moving.move_refusals(until=never)
    assert (keys_left(), all_found(closed)) == ([], before)


def test_an_entry_that_changes_while_it_is_moved_stays(
    closed: CampaignSnapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_entries = moving._store_entries

    def note_meanwhile(*arguments: Any) -> None:
        store_entries(*arguments)
        note_all()

    with monkeypatch.context() as patched:
        patched.setattr(moving, "_store_entries", note_meanwhile)
        turns = iter(range(10_000))
        moving.move_refusals(until=lambda: next(turns) > 20)
    times = found_of("nobody", closed).made // 120
    assert times > 1
    assert [count for _, count in all_found(closed)] == [
        times * (1 + number % 3) for number in range(60)
    ]


def test_one_campaigns_damaged_key_keeps_no_other_from_moving(
    open_campaign: CampaignMaker,
) -> None:
    for slug in ("bad", "good"):
        open_campaign(slug)
        note_all(slug)
        lifecycle.close_campaign(slug, actor="Mina")
    store().client.delete(keys.refusal_bucket("bad", 7))
    store().client.set(keys.refusal_bucket("bad", 7), "no hash")
    moving.move_refusals(until=never)
    assert (bool(keys_left("bad")), keys_left("good")) == (True, [])


def test_old_rows_are_deleted(closed: CampaignSnapshot) -> None:
    moving.move_refusals(until=never)
    long_ago = timezone.now() - moving.KEPT
    Campaign.objects.update(opens_at=long_ago - timedelta(2), closes_at=long_ago)
    moving.move_refusals(until=never)
    assert not RefusalBucket.objects.exists()
    assert not RefusalTotal.objects.exists()


def test_the_task_moves(closed: CampaignSnapshot) -> None:
    tasks.move_refusals()
    assert keys_left() == []


def test_a_rehearsals_notes_can_be_deleted(open_campaign: CampaignMaker) -> None:
    open_campaign()
    note_all()
    store().refusals.delete_refusals("sale")
    assert keys_left() == []
