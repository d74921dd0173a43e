"""Refusals are noted on the claim's road and found again, of every kind, with their moments."""

import random
from typing import Any

import pytest

from coupons.admission import refusal_cache, strategies
from coupons.attempts import keeping, room
from coupons.attempts.finding import FoundRefusals, find_refusals
from coupons.campaigns import lifecycle, lookup
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims import packed_refusals
from coupons.claims.packed_refusals import BUCKET_ENTRIES, Decider, user_digest
from coupons.claims.values import Claim
from coupons.models import Campaign
from coupons.observability import refusal_notes
from coupons.observability.refusal_notes import hand_on_notes, note_refusal
from coupons.store import keys, store
from tests.conftest import CampaignMaker, Person, Settings
from tests.harness.store_override import forget_store

pytestmark = pytest.mark.django_db


def found_of(user: str, campaign: CampaignSnapshot) -> FoundRefusals:
    hand_on_notes()
    return find_refusals(
        campaign_id=campaign.id, slug=campaign.slug, key_id=campaign.key_id, user=user
    )


def outcomes_of(user: str, campaign: CampaignSnapshot) -> list[tuple[str, int]]:
    return [(one.outcome, one.count) for one in found_of(user, campaign).refusals]


def test_a_sold_out_refusal_has_its_margin_and_request(
    open_campaign: CampaignMaker, strategy: str
) -> None:
    sale = open_campaign(stock=1, strategy=strategy)
    Person("ann").claims()
    answer = Person("bob").client.post(
        "/api/v1/campaigns/sale/claims",
        content_type="application/json",
        headers={"X-Request-Id": "bobs-request-1"},
    )
    (refusal,) = found_of("bob", sale).refusals
    assert (refusal.outcome, refusal.decider, refusal.count) == ("sold_out", Decider.STOCK, 1)
    assert refusal.request == "bobs-request-1"
    told = answer.json()
    assert refusal.last_place_ms is not None
    assert told["answered_at"].endswith(f"{refusal.first_ms % 1000:03}Z")
    assert told["last_place_at"].endswith(f"{refusal.last_place_ms % 1000:03}Z")
    assert refusal.late_first_ms == refusal.first_ms - refusal.last_place_ms
    assert refusal.places_given == (1 if strategy == "queued" else None)
    assert not found_of("ann", sale).refusals


def test_a_real_crowd_whose_every_attempt_is_found(open_campaign: CampaignMaker) -> None:
    """Each user's number of attempts is drawn; the refusal cache refuses most of them."""
    sale = open_campaign(stock=20)
    dice = random.Random(4)
    asked = {f"user-{number}": dice.randint(1, 4) for number in range(400)}
    claims = [user for user, times in asked.items() for _ in range(times)]
    dice.shuffle(claims)
    admitted, refused = set(), dict.fromkeys(asked, 0)
    for user in claims:
        if strategies.admit(sale, Claim(user)).place:
            admitted.add(user)
        else:
            refused[user] += 1
    hand_on_notes()
    for user, times in refused.items():
        assert outcomes_of(user, sale) == ([("sold_out", times)] if times else [])
    found = found_of("nobody", sale)
    assert (found.made, found.kept, found.is_complete) == (sum(refused.values()),) * 2 + (True,)
    before = sorted(
        refusal.users_before or 0
        for user in asked
        for refusal in found_of(user, sale).refusals
    )  # fmt: skip
    assert before == list(range(len(asked) - len(admitted)))


def test_every_kind_of_refusal_is_noted(
    open_campaign: CampaignMaker, settings: Settings, redis_away: Any
) -> None:
    sale = open_campaign(audience="vip")
    Person("ann").claims()
    settings.CLAIMS_PER_USER_PER_S = 1
    vip = Person("ann", segments=("vip",))
    while vip.claims().status_code != 429:
        pass
    settings.CLAIMS_PER_USER_PER_S = 0
    lifecycle.pause_campaign("sale", actor="Mina")
    Person("bob", segments=("vip",)).claims()
    hand_on_notes()
    lifecycle.resume_campaign("sale", actor="Mina")
    store().client.hset(keys.campaign_keys("sale").gate, "longest", 0)
    Person("jun", segments=("vip",)).claims()
    assert [one.outcome for one in found_of("ann", sale).refusals] == [
        "not_eligible", "too_many_requests",
    ]  # fmt: skip
    assert outcomes_of("bob", sale) == [("paused", 1)]
    assert outcomes_of("jun", sale) == [("queue_full", 1)]


def test_early_and_late_claims_are_noted(draft: Any) -> None:
    draft("sale")
    lifecycle.schedule_campaign("sale", actor="Mina")
    gate, sale = keys.campaign_keys("sale").gate, lookup.find_snapshot("sale")
    now_ms = store().server.now_ms()
    store().client.hset(gate, "opens", now_ms + 60_000)
    strategies.admit(sale, Claim("ann"))
    store().client.hset(gate, mapping={"opens": now_ms - 2, "closes": now_ms - 1})
    refusal_cache.clear_refusals()  # set by hand: this process would remember for 50 ms
    strategies.admit(sale, Claim("ann"))
    assert sorted(outcomes_of("ann", sale)) == [("closed", 1), ("not_open", 1)]


def test_a_made_up_campaign_gets_no_buffer(
    open_campaign: CampaignMaker, settings: Settings
) -> None:
    open_campaign()
    settings.CLAIMS_PER_USER_PER_S = 1
    while Person("ann").claims("made-up").status_code != 429:
        pass
    assert not refusal_notes._buffer.current.notes


def test_while_redis_is_away_claims_go_on_and_notes_wait(
    open_campaign: CampaignMaker, redis_away: Any, monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
) -> None:  # fmt: skip
    sale = open_campaign(strategy="direct", stock=1)
    url = settings.REDIS_URL
    redis_away()
    assert Person("ann").claims().status_code == 201
    assert Person("bob").claims().status_code == 409
    hand_on_notes()
    assert len(refusal_notes._buffer.current.notes["sale"]) == 1
    monkeypatch.setattr(refusal_notes, "MOST_NOTES", 1)
    assert Person("bob").claims().status_code == 409
    assert refusal_notes._buffer.current.lost["sale"] == 1
    settings.REDIS_URL = url
    forget_store()
    from_away = found_of("bob", sale)
    assert (from_away.made, from_away.kept, from_away.is_complete) == (2, 1, False)


def test_a_bots_million_is_one_entry_and_pushes_nobody_out(open_campaign: CampaignMaker) -> None:
    sale = open_campaign()
    note_refusal("sale", "ann", 1, "sold_out", 1_000)
    for number in range(3_000):
        note_refusal("sale", "bot", 1, "sold_out", 2_000 + number)
    (bots,) = found_of("bot", sale).refusals
    assert (bots.count, bots.first_ms, bots.last_ms) == (3_000, 2_000, 4_999)
    assert outcomes_of("ann", sale) == [("sold_out", 1)]
    assert store().refusals.read_note_counts(["sale"])["sale"].entries == 2


def test_above_the_rate_a_sample_is_kept_and_told(
    open_campaign: CampaignMaker, settings: Settings
) -> None:
    settings.REFUSALS_NOTED_PER_S = 20
    sale = open_campaign()
    for number in range(100):
        note_refusal("sale", f"user-{number}", 1, "sold_out")
    found = found_of("nobody", sale)
    assert (found.made, found.kept, found.is_complete) == (100, 10, False)


def test_a_buckets_entries_are_bounded(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = open_campaign()
    monkeypatch.setattr(
        packed_refusals, "user_digest",
        lambda key, user: (0, user_digest(key, user)[1]),
    )  # fmt: skip
    for number in range(BUCKET_ENTRIES + 50):
        note_refusal("sale", f"user-{number}", 1, "sold_out")
    found = found_of("nobody", sale)
    assert (found.made, found.kept) == (BUCKET_ENTRIES + 50, BUCKET_ENTRIES)
    assert store().client.hlen(keys.refusal_bucket("sale", 0)) == BUCKET_ENTRIES
    assert store().client.object("encoding", keys.refusal_bucket("sale", 0)) == b"listpack"


@pytest.mark.parametrize("bound", [100, 1_000_000])
def test_a_process_without_the_bound_would_grow(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch, bound: int
) -> None:
    """The second bound is the control."""
    monkeypatch.setattr(refusal_notes, "MOST_NOTES", bound)
    monkeypatch.setattr(refusal_notes, "EVERY_S", 60)
    open_campaign()
    for number in range(3_000):
        note_refusal("sale", f"user-{number}", 1, "sold_out")
    buffer = refusal_notes._buffer.current
    assert len(buffer.notes["sale"]) == min(bound, 3_000)
    assert buffer.lost["sale"] == max(0, 3_000 - bound)


def test_a_full_redis_gets_no_notes(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = open_campaign()
    info = {"maxmemory": 100, "used_memory": 61}
    monkeypatch.setattr(type(store().server), "read_info", lambda self: info)
    room._room.make_anew()
    note_refusal("sale", "ann", 1, "sold_out")
    found = found_of("ann", sale)
    assert (found.refusals, found.made, found.kept) == ((), 1, 0)


def test_one_campaigns_crowd_costs_another_no_note(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusal_notes, "MOST_NOTES", 10)
    open_campaign("loud")
    quiet = open_campaign("quiet")
    store().client.set(keys.campaign_keys("loud").refusals, "no hash")
    for number in range(100):
        note_refusal("loud", f"user-{number}", 1, "sold_out")
    note_refusal("quiet", "ann", 1, "sold_out")
    found = found_of("ann", quiet)
    assert (len(found.refusals), found.is_complete) == (1, True)
    assert not found_of("user-1", quiet).refusals


def test_no_user_id_is_in_redis(open_campaign: CampaignMaker) -> None:
    sale = open_campaign(stock=1)
    strategies.admit(sale, Claim("ann"))
    strategies.admit(sale, Claim("a-name-to-be-found"))
    hand_on_notes()
    client = store().client
    for name in client.scan_iter(match="coupon:{sale}:refusals*", count=1000):
        kept: Any = client.hgetall(name)
        assert not any(b"a-name" in part for pair in kept.items() for part in pair)


def test_a_claim_that_was_shed_is_noted_for_its_users_token(open_campaign: CampaignMaker) -> None:
    sale = open_campaign()
    header = Person("ann").client.defaults["HTTP_AUTHORIZATION"]
    refusal_notes.note_shed("sale", header)
    for header_of_none in ("Bearer nonsense", "", "Basic YTpi"):
        refusal_notes.note_shed("sale", header_of_none)
    refusal_notes.note_shed("made-up", header)
    of_bob = str(Person("bob").client.defaults["HTTP_AUTHORIZATION"])
    refusal_notes.note_shed("sale", of_bob.replace(" ", "  "))
    for user in ("ann", "bob"):
        (refusal,) = found_of(user, sale).refusals
        assert (refusal.outcome, refusal.decider) == ("overloaded", Decider.LOAD)


def test_long_after_its_end_a_campaign_is_noted_no_more(open_campaign: CampaignMaker) -> None:
    sale = open_campaign()
    late = Campaign.objects.get()
    late_ms = store().server.now_ms() - keeping.NOTED_AFTER_CLOSE_MS - 1
    store().client.hset(keys.campaign_keys("sale").gate, "facts", b"{}")
    late.closes_at = late.closes_at.fromtimestamp(late_ms / 1000, tz=late.closes_at.tzinfo)
    late.opens_at = late.closes_at - (late.closes_at - late.opens_at) / 1000
    Campaign.objects.filter(pk=late.pk).update(
        closes_at=late.closes_at, opens_at=late.closes_at.replace(year=2020)
    )
    lookup.clear_snapshots()
    note_refusal("sale", "ann", 1, "closed")
    assert not found_of("ann", sale).refusals
