"""A failing drain is logged with its campaign's slug, is paused, and recovers by itself; only an
absent store ends a round over many campaigns (issue 12, A1 and 21)."""

from typing import Any

import pytest
from django.db import connection, connections

from coupons import store, tasks
from coupons.admission import strategies
from coupons.campaigns import lookup, recorded_states
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.values import Claim
from coupons.errors import CouponError, DatabaseAway, StoreAway
from coupons.issuing import writer
from coupons.models import Campaign
from coupons.readiness import board
from coupons.recovery import failover, reconcile
from coupons.store import keys
from tests.conftest import CampaignMaker, Settings
from tests.coupons.campaigns.sales import (
    ILL,
    SLUGS,
    WELL,
    Broker,
    handle_wakeups,
    live_gauges,
    log_lines,
    stored_campaigns,
)
from tests.harness import damaged_keys

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.stores]


@pytest.mark.parametrize("how", ["queue is a string", "parked is a string"])
def test_a_failing_drain_is_logged_with_its_slug_and_red_on_the_board(
    four_campaigns: dict[str, CampaignSnapshot],
    fake_broker: Broker,
    caplog: pytest.LogCaptureFixture,
    how: str,
) -> None:
    store.store().client.xadd(keys.campaign_keys(ILL).queue, {"no": "claim"})
    damaged_keys.damage_campaign(ILL, how)
    tasks.drain_each(SLUGS)
    assert [
        line for line in log_lines(caplog).splitlines() if "drain of campaign p1 failed" in line
    ]
    assert {line.name for line in board.readiness_board(ILL).reds} >= {"keys", "drain"}
    drain_failed = live_gauges()["coupon_drain_failed"]
    assert drain_failed == {slug: float(slug == ILL) for slug in SLUGS}


def test_a_campaign_that_failed_gets_a_pause_and_is_well_again_after_its_next_drain(
    four_campaigns: dict[str, CampaignSnapshot],
    fake_broker: Broker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    strategies.admit(four_campaigns[ILL], Claim("mina"))
    with monkeypatch.context() as broken:
        broken.setattr(writer, "insert_rows", _fault_of_ours)
        tasks.drain(ILL)
    assert store.store().wakeups.drain_failures([ILL])[ILL] == "a fault of ours"
    assert store.store().client.pttl(keys.campaign_keys(ILL).bell) > 4_000
    fake_broker.clear()
    tasks.sweep()
    assert not any(ILL in message for message in fake_broker)
    store.store().client.delete(keys.campaign_keys(ILL).bell)  # the pause after a failure ends
    tasks.sweep()
    monkeypatch.setattr("django.conf.settings.DRAIN_TAKE_OVER_MS", 1)
    handle_wakeups(fake_broker)
    assert stored_campaigns("mina") == {ILL}
    assert store.store().wakeups.drain_failures([ILL])[ILL] is None


def _fault_of_ours(*_: Any) -> None:
    raise RuntimeError("a fault of ours")


def test_one_claim_that_can_not_be_parked_keeps_no_other_of_its_campaign_waiting(
    four_campaigns: dict[str, CampaignSnapshot], fake_broker: Broker
) -> None:
    store.store().client.xadd(keys.campaign_keys(ILL).queue, {"no": "claim"})
    damaged_keys.damage_campaign(ILL, "parked is a string")
    strategies.admit(four_campaigns[ILL], Claim("mina"))
    tasks.drain_each([ILL, "p2"])
    assert stored_campaigns("mina") == {ILL}
    assert store.store().queue.waiting_counts([ILL]) == {ILL: 1}


def test_a_store_that_is_away_ends_the_round(
    four_campaigns: dict[str, CampaignSnapshot], redis_away: Any, caplog: pytest.LogCaptureFixture
) -> None:
    redis_away()
    with pytest.raises(StoreAway):
        tasks.drain_each(SLUGS)
    assert "drain of campaign p0 is put off" in log_lines(caplog)
    assert "p1" not in log_lines(caplog)


def test_a_database_that_is_away_ends_the_round(
    four_campaigns: dict[str, CampaignSnapshot], mysql_away: Any, settings: Settings
) -> None:
    settings.DRAIN_PATIENCE_S = 0.1
    for sale in four_campaigns.values():
        strategies.admit(sale, Claim("mina"))
    mysql_away()
    with pytest.raises(DatabaseAway):
        tasks.drain_each(SLUGS)
    assert store.store().wakeups.drain_failures(["p0"])["p0"] is None, (
        "this is not the campaign's failure"
    )


def test_a_campaign_whose_row_is_locked_keeps_no_other_waiting(
    four_campaigns: dict[str, CampaignSnapshot], fake_broker: Broker, settings: Settings
) -> None:
    if connection.vendor != "mysql":
        pytest.skip("SQLite locks whole files")
    settings.DRAIN_PATIENCE_S = 0.1
    for sale in four_campaigns.values():
        strategies.admit(sale, Claim("mina"))
    store.store().server.mark_verified("another server")
    with Locked(ILL):
        tasks.drain_each([ILL, *WELL])
        assert stored_campaigns("mina") == set(WELL)
        assert recorded_states.follow_the_clock() == len(SLUGS)
        assert set(Campaign.objects.values_list("slug", flat=True).filter(state="open")) == set(
            WELL
        )
        assert failover.verify_server(), "the others need not wait for it"
        with pytest.raises(CouponError):
            strategies.admit(four_campaigns[ILL], Claim("jun"))
    reconcile.reconcile_campaigns()
    reconcile.reconcile_campaigns()
    assert strategies.admit(four_campaigns[ILL], Claim("jun")).place == 3


class Locked:
    """Another session locks the campaign's row."""

    def __init__(self, slug: str) -> None:
        self.slug = slug
        self.other = connections.create_connection("default")
        self.other.settings_dict = connection.settings_dict

    def __enter__(self) -> None:
        self.other.set_autocommit(False)
        with self.other.cursor() as cursor:
            cursor.execute(
                "SELECT id FROM coupons_campaign WHERE slug = %s FOR UPDATE", [self.slug]
            )

    def __exit__(self, *_: object) -> None:
        self.other.rollback()
        self.other.close()


def test_a_busy_campaign_gets_its_share_of_the_time_and_not_all_of_it(
    four_campaigns: dict[str, CampaignSnapshot], fake_broker: Broker, settings: Settings
) -> None:
    settings.DRAIN_TIME_S, settings.DRAIN_BATCH, settings.DRAIN_ROWS_PER_S = 2, 1, 10
    for user in range(18):
        strategies.admit(four_campaigns["p0"], Claim(f"user-{user}"))
    for slug in SLUGS[1:]:
        strategies.admit(four_campaigns[slug], Claim("mina"))
    fake_broker.clear()
    tasks.drain_each(SLUGS)
    assert stored_campaigns("mina") == set(SLUGS[1:])
    assert fake_broker == [["p0"]]
    assert store.store().queue.waiting_counts(["p0"])["p0"] > 0


def test_a_campaign_whose_signing_key_is_missing_waits_alone_until_it_is_back(
    four_campaigns: dict[str, CampaignSnapshot],
    open_campaign: CampaignMaker,
    fake_broker: Broker,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Without the key there are no codes. Its claims are valid, so they are not parked."""
    whole = settings.COUPON_KEYS
    settings.COUPON_KEYS = {"new": b"n" * 32} | whole
    strategies.admit(open_campaign("signed-anew"), Claim("mina"))
    for sale in four_campaigns.values():
        strategies.admit(sale, Claim("mina"))
    settings.COUPON_KEYS = whole
    lookup.clear_snapshots()
    tasks.drain_each(["signed-anew", *SLUGS])
    assert stored_campaigns("mina") == set(SLUGS)
    assert "drain of campaign signed-anew failed" in log_lines(caplog)
    assert "COUPON_KEYS has no key 'new'" in log_lines(caplog)
    assert {line.name for line in board.readiness_board("signed-anew").reds} >= {
        "coupon_keys",
        "drain",
    }
    tasks.compare_the_stores()
    assert recorded_states.follow_the_clock() == len(SLUGS) + 1
    settings.COUPON_KEYS = {"new": b"n" * 32} | whole
    tasks.drain("signed-anew")
    assert stored_campaigns("mina") == {*SLUGS, "signed-anew"}
