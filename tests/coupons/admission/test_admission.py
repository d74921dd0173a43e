"""Admission in Redis: one atomic step, by Redis' own clock; closed if a part of its data is
missing."""

import time
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from coupons import store
from coupons.admission import strategies
from coupons.campaigns import lifecycle
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.values import Admission, Claim, Outcome
from coupons.errors import NotInstalled, QueueFull, StoreAway, StoreError
from coupons.store import keys
from tests.conftest import CampaignMaker, Settings

pytestmark = pytest.mark.django_db


def outcome_of(campaign: CampaignSnapshot, user: str, nth: int = 1) -> Outcome:
    return strategies.admit(campaign, Claim(user, nth)).outcome


def test_places_are_given_in_order_without_gaps_until_the_stock_is_gone(
    open_campaign: CampaignMaker,
) -> None:
    campaign = open_campaign(stock=3)
    asked = [strategies.admit(campaign, Claim(f"user-{i}")) for i in range(5)]
    assert [a.place for a in asked] == [1, 2, 3, 0, 0]
    assert [a.outcome for a in asked[3:]] == [Outcome.SOLD_OUT, Outcome.SOLD_OUT]


def test_the_same_user_keeps_place_and_moment_also_after_sell_out_pause_and_close(
    open_campaign: CampaignMaker,
) -> None:
    campaign = open_campaign(stock=1)
    first = strategies.admit(campaign, Claim("mina"))
    assert outcome_of(campaign, "jun") is Outcome.SOLD_OUT
    for change in (lifecycle.pause_campaign, lifecycle.resume_campaign, lifecycle.close_campaign):
        change("sale", actor="Mina")
        again = strategies.admit(campaign, Claim("mina"))
        assert again.outcome is Outcome.ALREADY_CLAIMED
        assert (again.place, again.at_ms) == (first.place, first.at_ms)


def test_a_user_may_have_n_coupons_each_asked_for_by_its_number(
    open_campaign: CampaignMaker,
) -> None:
    campaign = open_campaign(per_user=3)
    assert [strategies.admit(campaign, Claim("mina", n)).place for n in (1, 2, 3, 2)] == [
        1,
        2,
        3,
        2,
    ]
    # "1:mina" is another user than mina asking for her first
    assert strategies.admit(campaign, Claim("1:mina")).place == 4


def test_only_the_named_audience_is_eligible(open_campaign: CampaignMaker) -> None:
    campaign = open_campaign(audience="vip")
    assert outcome_of(campaign, "jun") is Outcome.NOT_ELIGIBLE
    admitted = strategies.admit(campaign, Claim("mina"), segments=("vip", "new"))
    assert admitted.outcome is Outcome.ADMITTED


def test_a_paused_campaign_refuses_and_goes_on_afterwards(open_campaign: CampaignMaker) -> None:
    campaign = open_campaign()
    lifecycle.pause_campaign("sale", actor="Mina")
    assert outcome_of(campaign, "jun") is Outcome.PAUSED
    lifecycle.resume_campaign("sale", actor="Mina")
    assert outcome_of(campaign, "jun") is Outcome.ADMITTED


def set_window(slug: str, *, opens_ms: int, closes_ms: int) -> None:
    """Set the window in the gate to these milliseconds."""
    gate = keys.campaign_keys(slug).gate
    store.store().client.hset(gate, mapping={"opens": opens_ms, "closes": closes_ms})


def test_it_opens_and_closes_to_the_millisecond_of_redis_clock(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tried again where this process stood still for a whole window, as on a busy machine."""
    campaigns = [open_campaign(f"sale-{attempt}", stock=5_000) for attempt in range(20)]
    monkeypatch.setattr(time, "time", lambda: 0.0)  # the web host's own clock is not used
    seen: set[Outcome] = set()
    for campaign in campaigns:  # one each: that a window is over is remembered for a moment
        opens = store.store().server.now_ms() + 60
        set_window(campaign.slug, opens_ms=opens, closes_ms=opens + 60)
        for answer in admit_until_closed(campaign, prefix="user"):
            expected = (
                Outcome.NOT_OPEN if answer.at_ms < opens
                else Outcome.ADMITTED if answer.at_ms < opens + 60
                else Outcome.CLOSED
            )  # fmt: skip
            assert answer.outcome is expected
            seen.add(answer.outcome)
        if len(seen) == 3:
            break
    assert seen == {Outcome.NOT_OPEN, Outcome.ADMITTED, Outcome.CLOSED}


def admit_until_closed(campaign: CampaignSnapshot, *, prefix: str) -> Iterator[Admission]:
    for number in count():
        answer = strategies.admit(campaign, Claim(f"{prefix}-{number}"))
        yield answer
        if answer.outcome is Outcome.CLOSED:
            return


def test_a_full_queue_takes_no_place(open_campaign: CampaignMaker, settings: Settings) -> None:
    settings.LONGEST_QUEUE = 2
    campaign = open_campaign()
    assert [outcome_of(campaign, user) for user in ("a", "b")] == [Outcome.ADMITTED] * 2
    with pytest.raises(QueueFull):
        outcome_of(campaign, "c")
    assert store.store().campaigns.gate("sale").admitted == 2
    assert outcome_of(campaign, "a") is Outcome.ALREADY_CLAIMED


def test_a_redis_without_its_data_closes_the_campaign_and_never_restarts_it(
    open_campaign: CampaignMaker,
) -> None:
    campaign = open_campaign(stock=1)
    outcome_of(campaign, "mina")
    store.store().client.flushall()
    for user in ("mina", "jun"):
        with pytest.raises(NotInstalled):
            outcome_of(campaign, user)
    with pytest.raises(NotInstalled):
        lifecycle.change_stock("sale", stock=5, actor="Mina")


def test_a_server_without_the_script_gets_it_again(open_campaign: CampaignMaker) -> None:
    campaign = open_campaign()
    store.store().client.script_flush()
    assert outcome_of(campaign, "mina") is Outcome.ADMITTED


@pytest.mark.parametrize("key", ["queue", "gate"])
def test_a_broken_key_is_a_failure_and_takes_no_place(
    open_campaign: CampaignMaker, key: str
) -> None:
    campaign = open_campaign()
    name = getattr(keys.campaign_keys("sale"), key)
    client = store.store().client
    kept = client.hgetall(keys.campaign_keys("sale").gate)
    client.set(name, "rubbish")
    with pytest.raises(StoreError):
        outcome_of(campaign, "mina")
    if key == "queue":
        assert client.hgetall(keys.campaign_keys("sale").gate) == kept


def test_a_full_memory_is_a_failure_and_takes_no_place(open_campaign: CampaignMaker) -> None:
    campaign = open_campaign()
    client = store.store().client
    client.config_set("maxmemory", 1)
    try:
        with pytest.raises(StoreAway):
            outcome_of(campaign, "mina")
        assert client.hget(keys.campaign_keys("sale").gate, "next") == b"0"
    finally:
        client.config_set("maxmemory", 0)


ODD_USERS = ["{other}", "a\x00b", "a\r\nSET x 1", "a:b:c", "\x06\x16", "한국", "🙂", " a", "a "]


def test_odd_user_ids_are_different_users_and_touch_no_other_key(
    open_campaign: CampaignMaker,
) -> None:
    campaign = open_campaign(stock=100)
    client = store.store().client
    places = [strategies.admit(campaign, Claim(user)).place for user in ODD_USERS]
    assert places == list(range(1, len(ODD_USERS) + 1))
    allowed = (b"coupon:{sale}:", b"coupon:installed", b"coupon:server", b"cq:")
    names: Any = client.keys()
    assert all(name.startswith(allowed) for name in names)
