"""The per-process cache of campaign snapshots: its sources, its lifetime, its size."""

import threading
import time
from datetime import timedelta
from typing import Any

import orjson
import pytest

from coupons.campaigns import lifecycle, lookup, snapshot
from coupons.claims import campaign_keys
from coupons.errors import DatabaseAway, UnknownCampaign
from coupons.models import Campaign
from coupons.store import keys, store
from tests.conftest import CampaignMaker, Person
from tests.harness.another_process import another_process


def rewrite_snapshot(**changes: Any) -> None:
    """Change the stored snapshot as if another version had installed it. None removes a name."""
    gate = keys.campaign_keys("sale").gate
    said = orjson.loads(store().campaigns.stored_snapshot("sale")[0] or b"") | changes
    kept = {name: value for name, value in said.items() if changes.get(name, "") is not None}
    store().client.hset(gate, "facts", orjson.dumps(kept))
    lookup.clear_snapshots()


def test_what_redis_holds_is_what_the_row_says_without_its_secret(
    open_campaign: CampaignMaker,
) -> None:
    sale = open_campaign(valid_days=3, audience="gold", per_user=2)
    raw, _ = store().campaigns.stored_snapshot("sale")
    assert raw is not None
    assert snapshot.parse_snapshot(raw) == snapshot.snapshot_of(Campaign.objects.get()) == sale
    for secret in (sale.key.code, sale.key.receipt):
        assert secret not in raw
        assert secret.hex().encode() not in raw
    assert "key" not in orjson.loads(raw)
    assert repr(sale.key.code) not in repr(sale)


def test_they_are_remembered_for_a_while_and_then_asked_for_again(
    open_campaign: CampaignMaker, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.FACTS_TTL_S = 60
    open_campaign(stock=3)
    assert lookup.find_snapshot("sale").stock == 3
    gate, said = (
        keys.campaign_keys("sale").gate,
        orjson.loads(store().campaigns.stored_snapshot("sale")[0] or b""),
    )
    store().client.hset(gate, "facts", orjson.dumps(said | {"stock": 4}))  # by another process
    assert lookup.find_snapshot("sale").stock == 3
    later_s = time.monotonic() + 61
    monkeypatch.setattr(time, "monotonic", lambda: later_s)
    assert lookup.find_snapshot("sale").stock == 4


def test_that_there_is_no_such_campaign_is_remembered_no_longer(
    draft: Any, settings: Any, django_assert_num_queries: Any
) -> None:
    settings.FACTS_TTL_S = 60
    draft("sale")
    with pytest.raises(UnknownCampaign):
        lookup.find_snapshot("sale")
    with django_assert_num_queries(0), pytest.raises(UnknownCampaign):
        lookup.find_snapshot("sale")
    lifecycle.schedule_campaign("sale", actor="Mina")
    assert lookup.find_snapshot("sale").slug == "sale"  # at once in the process that scheduled it


def test_while_redis_is_away_what_is_known_goes_on_being_known(
    open_campaign: CampaignMaker, settings: Any, redis_away: Any, mysql_away: Any
) -> None:
    settings.FACTS_TTL_S = 0
    sale = open_campaign()
    assert lookup.find_snapshot("sale") == sale
    redis_away()
    assert lookup.find_snapshot("sale") == sale  # from MySQL
    mysql_away()
    assert lookup.find_snapshot("sale") == sale  # from memory
    lookup.clear_snapshots()
    with pytest.raises(DatabaseAway):
        lookup.find_snapshot("sale")


def test_made_up_slugs_do_not_fill_the_memory(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "MOST_CACHED", 5)
    for number in range(12):
        with pytest.raises(UnknownCampaign):
            lookup.find_snapshot(f"made-up-{number}")
    for impossible in ("UPPER", "x" * 65, "-x", "x\n", ""):
        with pytest.raises(UnknownCampaign):
            lookup.find_snapshot(impossible)
    assert len(lookup.snapshot_caches.current.unknown) <= 5


def test_made_up_slugs_push_no_campaign_out_and_cost_one_query_in_all(
    open_campaign: CampaignMaker,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: Any,
    settings: Any,
) -> None:
    settings.FACTS_TTL_S = 60  # "in all": within this time, which is a second for users
    monkeypatch.setattr(lookup, "MOST_CACHED", 5)
    open_campaign()
    lookup.find_snapshot("sale")
    with django_assert_num_queries(1):
        for number in range(50):
            with pytest.raises(UnknownCampaign):
                lookup.find_snapshot(f"made-up-{number}")
    assert "sale" in lookup.snapshot_caches.current.snapshots


def test_13_made_up_slugs_do_not_wait_for_a_list_that_does_not_come(db: None) -> None:
    """Another thread loads the list from a hanging database; this thread must not wait for it."""
    ended: list[type[BaseException]] = []

    def find_made_up_slug() -> None:
        try:
            lookup.find_snapshot("made-up")
        except (DatabaseAway, UnknownCampaign) as error:
            ended.append(type(error))

    asking = threading.Thread(target=find_made_up_slug, daemon=True)
    with lookup.snapshot_caches.current.slug_list.reading:
        asking.start()
        asking.join(timeout=60)
        assert ended == [DatabaseAway]
    asking.join(timeout=60)


def test_while_redis_is_away_a_campaign_made_a_moment_ago_is_known(
    open_campaign: CampaignMaker, redis_away: Any
) -> None:
    """And not 404 because of a list of names that was read before."""
    open_campaign()
    with pytest.raises(UnknownCampaign):
        lookup.find_snapshot("made-up")
    with another_process():
        fresh = open_campaign("fresh")
    redis_away()
    assert lookup.find_snapshot("fresh") == fresh
    with pytest.raises(UnknownCampaign):
        lookup.find_snapshot("made-up")


def test_a_newer_version_of_this_code_may_install_a_campaign_with_more_to_say(
    open_campaign: CampaignMaker, django_assert_num_queries: Any
) -> None:
    sale = open_campaign()
    rewrite_snapshot(colour="green")
    with django_assert_num_queries(0):
        assert lookup.find_snapshot("sale") == sale
        assert Person("jun").claims().status_code == 202


def test_what_an_older_version_left_out_is_read_from_the_row(open_campaign: CampaignMaker) -> None:
    sale = open_campaign(audience="gold")
    rewrite_snapshot(audience=None)
    assert lookup.find_snapshot("sale") == sale
    assert Person("jun").claims().json()["code"] == "not_eligible"


def test_each_campaign_keeps_the_key_it_was_made_with(
    open_campaign: CampaignMaker, settings: Any
) -> None:
    old, new = b"o" * 32, b"n" * 32
    settings.COUPON_KEYS = {"old": old}
    open_campaign("spring")
    told = Person("jun").claims("spring").json()
    settings.COUPON_KEYS = {"new": new, "old": old}
    lookup.clear_snapshots()
    assert Person("jun").claims("spring").json() == told
    assert open_campaign("summer").key == campaign_keys.campaign_key("new", new, "summer")


def test_a_coupon_is_valid_for_its_days_or_to_the_fixed_end(open_campaign: CampaignMaker) -> None:
    by_days = open_campaign("days", valid_days=2)
    assert by_days.expires_ms(1_000) == 1_000 + 2 * 86_400_000
    row = Campaign.objects.get(slug="days")
    end = row.closes_at + timedelta(hours=1)
    fixed = open_campaign("end", valid_days=None, valid_until=end)
    assert fixed.expires_ms(1_000) == by_days.closes_ms + 3_600_000


def test_a_gate_of_a_release_before_a_member_existed_is_read_with_its_default(
    open_campaign: CampaignMaker,
) -> None:
    """Otherwise every claim of a campaign installed before an update would need MySQL."""
    sale = open_campaign(waitlist_limit=5)
    document = orjson.loads(snapshot.serialise_snapshot(sale))
    del document["waitlist_limit"]
    older = snapshot.parse_snapshot(orjson.dumps(document))
    assert older is not None
    assert (sale.waitlist_limit, older.waitlist_limit) == (5, 0)
    del document["stock"]
    assert snapshot.parse_snapshot(orjson.dumps(document)) is None
