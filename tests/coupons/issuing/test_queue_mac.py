"""QUEUE_MAC: whoever can write to Redis, and has none of our keys, issues no coupon."""

import logging
from typing import Any

import pytest

from config.log_limits import RareLines
from coupons import store
from coupons.admission import strategies
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims import queue_macs
from coupons.claims.values import AdmittedClaim, Claim, Reason
from coupons.errors import NotInstalled
from coupons.grants import granting, waitlist, waitlist_storing
from coupons.issuing import dead_letters
from coupons.issuing.drain import drain
from coupons.models import Campaign, Coupon, WaitlistEntry
from coupons.observability import request_id
from coupons.recovery import rebuild, reconcile
from coupons.store import Grantee, keys
from tests.conftest import CampaignMaker, Settings
from tests.coupons.grants.test_granting import MINA

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]

MODES = ("off", "written", "required")
FORGED = {"u": "bob", "n": 1, "p": 9, "t": 1_795_000_000_000, "r": "x"}


def redis_client() -> Any:
    return store.store().client


def add_entry(fields: Any, slug: str = "sale") -> None:
    """What an attacker does who reaches Redis: one XADD."""
    redis_client().xadd(keys.campaign_keys(slug).queue, fields)


def entries(slug: str = "sale") -> list[dict[bytes, bytes]]:
    return [entry.fields for entry in store.store().queue.waiting_entries(slug)]


def users() -> set[str]:
    return set(Coupon.objects.values_list("user", flat=True))


def admit_with_id(campaign: CampaignSnapshot, user: str, request: str = "abc") -> Any:
    request_id.begin_request(request)
    try:
        return strategies.admit(campaign, Claim(user))
    finally:
        request_id.end_request()


def test_without_the_setting_an_entry_is_what_it_was(open_campaign: CampaignMaker) -> None:
    admission = admit_with_id(open_campaign(), "ann")
    (entry,) = entries()
    wanted = {b"u": b"ann", b"n": b"1", b"p": b"1", b"t": b"%d" % admission.at_ms, b"r": b"abc"}
    assert list(entry.items()) == list(wanted.items())


@pytest.mark.parametrize("mode", ["written", "required"])
def test_an_entry_carries_eight_bytes_more(
    open_campaign: CampaignMaker, settings: Settings, mode: str
) -> None:
    settings.QUEUE_MAC = mode
    campaign = open_campaign()
    admit_with_id(campaign, "ann")
    (entry,) = entries()
    assert list(entry) == [b"u", b"n", b"p", b"t", b"r", b"m"]
    assert entry[b"m"] == queue_macs.sign_claim(campaign.key, "ann", 1, "abc")
    assert len(entry[b"m"]) == 8
    assert drain("sale", consumer="one").stored == 1


@pytest.mark.parametrize("mode", MODES)
def test_one_line_in_redis_is_a_coupon_only_where_no_mac_is_required(
    open_campaign: CampaignMaker, settings: Settings, mode: str
) -> None:
    settings.QUEUE_MAC = mode
    campaign = open_campaign(stock=10)
    admit_with_id(campaign, "ann")
    add_entry(FORGED)
    drain("sale", consumer="one")
    if mode == "required":
        assert users() == {"ann"}
        assert dead_letters.count_by_reason("sale") == {Reason.UNSIGNED: 1}
    else:
        assert users() == {"ann", "bob"}  # the control: the attack works


@pytest.mark.parametrize(
    ("mode", "change"),
    [
        ("off", {"u": "bob"}),  # the control
        ("written", {"u": "bob"}),
        *(("required", change) for change in ({"u": "bob"}, {"n": 2}, {"r": "y"}, {"m": b"1" * 8})),
    ],
)
def test_a_changed_entry_is_forged(
    open_campaign: CampaignMaker, settings: Settings, mode: str, change: dict[str, Any]
) -> None:
    settings.QUEUE_MAC = "required"
    campaign = open_campaign(stock=10, per_user=2)
    admit_with_id(campaign, "ann")
    (entry,) = entries()
    redis_client().delete(keys.campaign_keys("sale").queue)
    settings.QUEUE_MAC = mode
    add_entry({name.decode(): value for name, value in entry.items()} | change)
    done = drain("sale", consumer="one")
    assert (done.stored, done.parked) == ((1, 0) if mode == "off" else (0, 1))
    if mode != "off":
        assert dead_letters.count_by_reason("sale") == {Reason.FORGED: 1}


def test_an_entry_of_another_campaign_is_forged(
    open_campaign: CampaignMaker, settings: Settings
) -> None:
    settings.QUEUE_MAC = "required"
    sale, _ = open_campaign(), open_campaign("other")
    admit_with_id(sale, "ann")
    add_entry(entries()[0], "other")
    assert drain("other", consumer="one").parked == 1
    assert dead_letters.count_by_reason("other") == {Reason.FORGED: 1}


def test_a_definition_in_redis_that_names_another_campaign_is_not_believed(
    open_campaign: CampaignMaker, settings: Settings
) -> None:
    """A claim of one campaign, stored as another one's: both drains and both epochs agree."""
    settings.QUEUE_MAC = "required"
    sale, other = open_campaign(), open_campaign("other")
    admit_with_id(sale, "ann")
    gates = [keys.campaign_keys(slug).gate for slug in ("sale", "other")]
    facts, epoch = redis_client().hmget(gates[1], "facts", "epoch")
    facts = facts.replace(b'"slug":"other"', b'"slug":"sale"')
    redis_client().hset(gates[0], mapping={"facts": facts, "epoch": epoch})
    with pytest.raises(Exception, match="over"):
        drain("sale", consumer="one")
    assert not Coupon.objects.filter(campaign_id=other.id).exists()


def test_a_copied_entry_is_no_second_coupon(
    open_campaign: CampaignMaker, settings: Settings
) -> None:
    settings.QUEUE_MAC = "required"
    campaign = open_campaign(stock=10)
    admit_with_id(campaign, "ann")
    (entry,) = entries()
    for copy in (entry, entry, entry | {b"p": b"7"}):
        add_entry(copy)
    drain("sale", consumer="one")
    add_entry(entry)
    drain("sale", consumer="one")
    assert Coupon.objects.count() == 1


def test_what_was_parked_stays_unsigned_until_the_setting_lets_it_pass(
    open_campaign: CampaignMaker, settings: Settings
) -> None:
    """The operator's click puts it back, and it is parked again."""
    campaign = open_campaign()
    admit_with_id(campaign, "ann")
    settings.QUEUE_MAC = "required"  # too early: web processes wrote none yet
    drain("sale", consumer="one")
    assert dead_letters.replay_parked("sale", actor="Mina") == 1
    assert drain("sale", consumer="one").parked == 1
    assert not Coupon.objects.exists()
    settings.QUEUE_MAC = "written"
    assert dead_letters.replay_parked("sale", actor="Mina") == 1
    assert drain("sale", consumer="one").stored == 1


def test_a_flood_of_forged_entries_is_one_line_in_the_log(
    open_campaign: CampaignMaker, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.QUEUE_MAC = "required"
    open_campaign(stock=50)
    for _ in range(20):
        add_entry(FORGED)
    limit = RareLines()
    caplog.handler.addFilter(limit)
    try:
        assert drain("sale", consumer="one").parked == 20
    finally:
        caplog.handler.removeFilter(limit)
    lines = [record for record in caplog.records if "was parked" in record.getMessage()]
    assert 0 < len(lines) < 5
    assert {record.levelno for record in lines} == {logging.ERROR}


@pytest.mark.parametrize("mode", MODES)
def test_grants_are_stored_in_every_mode(
    open_campaign: CampaignMaker, settings: Settings, mode: str
) -> None:
    settings.QUEUE_MAC = mode
    open_campaign(stock=2)
    granting.grant_places("sale", [Grantee("ann", 1, "one"), Grantee("bob", 1, "")], actor=MINA)
    assert [b"m" in entry for entry in entries()] == [mode != "off"] * 2
    assert drain("sale", consumer="one").stored == 2


@pytest.mark.parametrize("mode", MODES)
def test_the_waitlist_is_joined_through_our_service_only(
    open_campaign: CampaignMaker, settings: Settings, mode: str
) -> None:
    settings.QUEUE_MAC = mode
    campaign = open_campaign(stock=1, waitlist_limit=10)
    admit_with_id(campaign, "ann")
    waitlist.join_waitlist(campaign, "jun")
    joined = keys.campaign_keys("sale").joined
    assert [b"m" in fields for _, fields in redis_client().xrange(joined)] == [mode != "off"]
    redis_client().xadd(joined, {"u": "bob", "n": 2, "t": 1_795_000_000_000})
    redis_client().xadd(joined, {"u": "mina", "n": 3, "t": 1_795_000_000_000, "m": b"12345678"})
    waitlist_storing.store_joined("sale")
    wanted = {"off": {"jun", "bob", "mina"}, "written": {"jun", "bob"}, "required": {"jun"}}
    assert set(WaitlistEntry.objects.values_list("user", flat=True)) == wanted[mode]
    assert redis_client().xlen(joined) == 0


@pytest.mark.parametrize("mode", MODES)
def test_admissions_that_processes_published_keep_their_mac(
    open_campaign: CampaignMaker, settings: Settings, mode: str
) -> None:
    settings.QUEUE_MAC = mode
    campaign = open_campaign(stock=10)
    admit_with_id(campaign, "ann")
    redis_client().flushall()
    with pytest.raises(NotInstalled):
        strategies.admit(campaign, Claim("somebody"))
    rebuild.rebuild_campaign("sale", actor="Mina")
    assert drain("sale", consumer="one").stored == 1
    assert users() == {"ann"}


@pytest.mark.parametrize("mode", MODES)
def test_a_claimant_written_into_redis_is_put_back_unsigned(
    open_campaign: CampaignMaker, settings: Settings, mode: str
) -> None:
    """Reconcile believes Redis that this user was told a place; that alone is no coupon."""
    settings.QUEUE_MAC = mode
    open_campaign(stock=10)
    names = keys.campaign_keys("sale")
    redis_client().hset(names.claimants, "bob", (1).to_bytes(4) + (1_795_000_000_000).to_bytes(6))
    redis_client().hset(names.gate, "next", 1)
    reconcile.compare_campaign("sale", repair=True)
    done = drain("sale", consumer="one")
    assert (done.stored, done.parked) == ((0, 1) if mode == "required" else (1, 0))


def test_a_direct_campaign_needs_none(open_campaign: CampaignMaker, settings: Settings) -> None:
    settings.QUEUE_MAC = "required"
    campaign = open_campaign(strategy=Campaign.Strategy.DIRECT)
    assert strategies.admit(campaign, Claim("ann")).place == 1
    assert users() == {"ann"}


def test_no_two_claims_share_a_message(open_campaign: CampaignMaker, settings: Settings) -> None:
    settings.QUEUE_MAC = "required"
    key = open_campaign().key
    claims = [("ab", 1, "c"), ("a", 1, "bc"), ("1 ab", 1, "c"), ("ab", 11, "c"), ("ab", 1, "")]
    macs = {queue_macs.sign_claim(key, *claim) for claim in claims}
    macs |= {queue_macs.sign_waiter(key, user) for user in ("ab", "claim 1 2 abc")}
    assert len(macs) == len(claims) + 2
    assert key.queue not in (key.code, key.receipt)


def test_the_mac_is_no_part_of_a_claims_identity() -> None:
    assert AdmittedClaim("ann", 1, 1, 1, "", b"12345678") == AdmittedClaim("ann", 1, 1, 1)
