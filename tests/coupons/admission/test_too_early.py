"""Who comes too early is refused without Redis, but only while the campaign is certainly not open
by Redis' clock: nobody is refused who asked after the opening, and a holder keeps the place."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coupons.admission import refusal_cache, strategies
from coupons.audit.actors import Actor
from coupons.campaigns import lifecycle
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims import holder_filter
from coupons.claims.values import Admission, Claim, Outcome
from coupons.errors import NotInstalled
from coupons.grants import granting
from coupons.models import ActorKind
from coupons.store import Grantee, store
from tests.conftest import CampaignMaker, Person
from tests.coupons.admission.opening_race import race_over_opening, set_gate
from tests.coupons.campaigns.sales import Broker
from tests.harness.another_process import another_process
from tests.harness.wrong_clock import WrongClock

pytestmark = pytest.mark.django_db

HOUR_MS = 3_600_000
MINA = Actor(ActorKind.OPERATOR, "Mina")


def count_decisions() -> int:
    """How many claims Redis has decided."""
    stats = store().client.info("commandstats")
    return int(stats.get("cmdstat_evalsha", {"calls": 0})["calls"])


def early_campaign(open_campaign: CampaignMaker, slug: str = "sale") -> CampaignSnapshot:
    return open_campaign(
        slug,
        opens_at=timezone.now() + timedelta(hours=1),
        closes_at=timezone.now() + timedelta(hours=2),
    )


def outcomes_of(campaign: CampaignSnapshot, *users: str) -> set[Outcome]:
    return {strategies.admit(campaign, Claim(user)).outcome for user in users}


def strangers(times: int, prefix: str = "early") -> list[str]:
    return [f"{prefix}-{number}" for number in range(times)]


def grant_to(user: str) -> None:
    with another_process():
        granting.grant_places("sale", [Grantee(user, 1, "support")], actor=MINA)


def end_entries() -> None:
    entries = refusal_cache._cache.current.entries
    for slug, entry in entries.items():
        entries[slug] = replace(entry, until_s=0.0)


def let_entry_expire() -> None:
    time.sleep(refusal_cache.EARLY_TTL_S + 0.02)


@pytest.fixture
def lasting(monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry does not end by itself, as slow as this machine may be."""
    monkeypatch.setattr(refusal_cache, "EARLY_TTL_S", 60.0)


@pytest.mark.usefixtures("lasting")
def test_a_crowd_before_the_opening_needs_nothing_of_redis(open_campaign: CampaignMaker) -> None:
    campaign = early_campaign(open_campaign)
    assert outcomes_of(campaign, "first") == {Outcome.NOT_OPEN}
    before = count_decisions()
    assert outcomes_of(campaign, *strangers(500)) == {Outcome.NOT_OPEN}
    assert count_decisions() == before


@pytest.mark.usefixtures("lasting")
def test_the_remembered_answer_is_that_of_redis(open_campaign: CampaignMaker) -> None:
    early_campaign(open_campaign)
    asked, remembered = (Person(name).claims() for name in ("jun", "ann"))
    assert asked.status_code == remembered.status_code == 409
    assert list(asked.headers) == list(remembered.headers)
    same, other = (answer.json() for answer in (asked, remembered))
    assert {name: same[name] for name in same if name not in ("answered_at", "retry_after_s")} == {
        name: other[name] for name in other if name not in ("answered_at", "retry_after_s")
    }
    assert same["answered_at"] <= other["answered_at"] < same["opens_at"]
    assert 0 <= same["retry_after_s"] - other["retry_after_s"] <= 10


@pytest.mark.usefixtures("lasting")
def test_who_was_granted_a_place_before_the_opening_gets_it(open_campaign: CampaignMaker) -> None:
    campaign = early_campaign(open_campaign)
    grant_to("bob")
    assert outcomes_of(campaign, "first") == {Outcome.NOT_OPEN}
    before = count_decisions()
    assert outcomes_of(campaign, *strangers(200)) == {Outcome.NOT_OPEN}
    assert count_decisions() - before < 50  # the filter's false positives
    assert outcomes_of(campaign, "bob") == {Outcome.ALREADY_CLAIMED}


@pytest.mark.usefixtures("lasting")
def test_without_the_filter_a_holder_would_be_refused(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of the test above."""
    campaign = early_campaign(open_campaign)
    grant_to("bob")
    monkeypatch.setattr(holder_filter, "may_hold", lambda *_: False)
    assert outcomes_of(campaign, "first", "bob") == {Outcome.NOT_OPEN}


@pytest.mark.usefixtures("fake_broker")
def test_nobody_who_asks_after_the_opening_is_refused(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long entries live; a host whose wall clock jumps is no exception."""
    jumps = count()
    monkeypatch.setattr(time, "time", lambda: 1e9 * (next(jumps) % 3))
    for number, lifetime_s in enumerate((0.05, 60.0)):
        monkeypatch.setattr(refusal_cache, "EARLY_TTL_S", lifetime_s)
        campaign = early_campaign(open_campaign, f"sale-{number}")
        assert race_over_opening(campaign) == []


@pytest.mark.usefixtures("fake_broker", "lasting")
def test_an_entry_that_outlives_the_opening_would_refuse_them(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of the test above."""
    monkeypatch.setattr(refusal_cache, "_opens_s", lambda decision, asked_s: float("inf"))
    assert race_over_opening(early_campaign(open_campaign))


@pytest.mark.usefixtures("lasting")
@pytest.mark.parametrize("is_protected", [True, False])
def test_an_answer_that_was_long_under_way_is_not_remembered_for_too_long(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch, is_protected: bool
) -> None:
    """Redis' decision is as old as the request. Counted from the answer, it would be remembered
    beyond the opening (control)."""
    monkeypatch.setattr(refusal_cache, "EARLY_TTL_S", 6000.0)
    campaign = early_campaign(open_campaign)
    set_gate(opens=store().server.now_ms() + 600_000)
    asked_s = time.monotonic() - 400  # the thread got no time for so long
    decision = store().admission.admit(
        "sale", user="jun", nth=1, per_user=1, filter_blocks=campaign.filter_blocks
    )
    refusal = Admission(Outcome.NOT_OPEN, 0, decision.at_ms)
    if not is_protected:
        asked_s = time.monotonic()
    refusal_cache.cache_refusal(campaign, refusal, decision, asked_s=asked_s)
    in_250_s = time.monotonic() + 250  # after the opening, for what was asked 400 s ago
    cached = refusal_cache.cached_refusal(campaign, Claim("late"), in_250_s)
    assert (cached is None) is is_protected


def test_another_processs_changes_are_noticed(
    open_campaign: CampaignMaker, fake_broker: Broker
) -> None:
    campaign = early_campaign(open_campaign)
    now_ms = store().server.now_ms()
    for fields, outcome in (
        ({"opens": now_ms - 1}, Outcome.ADMITTED),
        ({"opens": now_ms + HOUR_MS}, Outcome.NOT_OPEN),
        ({"paused": 1}, Outcome.PAUSED),
        ({"paused": 0}, Outcome.NOT_OPEN),
        ({"closes": now_ms - 1}, Outcome.CLOSED),
    ):
        outcomes_of(campaign, "jun")
        set_gate("sale", **fields)
        let_entry_expire()
        assert outcomes_of(campaign, f"late-{outcome}-{now_ms}") == {outcome}
        now_ms += 1


def test_this_processs_changes_are_noticed_at_once(
    open_campaign: CampaignMaker, fake_broker: Broker
) -> None:
    campaign = early_campaign(open_campaign)
    outcomes_of(campaign, "jun")
    lifecycle.pause_campaign("sale", actor="Mina")
    assert outcomes_of(campaign, "ann") == {Outcome.PAUSED}


def test_a_lost_redis_is_noticed(open_campaign: CampaignMaker) -> None:
    campaign = early_campaign(open_campaign)
    outcomes_of(campaign, "jun")
    store().client.flushall()
    let_entry_expire()
    with pytest.raises(NotInstalled):
        outcomes_of(campaign, "ann")


@pytest.mark.usefixtures("lasting")
def test_a_loaded_filter_is_not_loaded_again_for_every_new_holder(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two megabytes, for a million coupons, as often as bulk grants change it; until then Redis is
    asked."""
    campaign = early_campaign(open_campaign)
    grant_to("ann")
    outcomes_of(campaign, "first")
    (entry,) = refusal_cache._cache.current.entries.values()
    monkeypatch.setattr(refusal_cache, "_LOAD_EVERY_S", 60.0)
    monkeypatch.setattr(refusal_cache, "EARLY_TTL_S", 0.0)
    end_entries()
    for user in ("bob", "jun"):
        grant_to(user)
        assert outcomes_of(campaign, "late") == {Outcome.NOT_OPEN}
        assert outcomes_of(campaign, user) == {Outcome.ALREADY_CLAIMED}
    (kept,) = refusal_cache._cache.current.entries.values()
    assert kept.version == entry.version
    monkeypatch.setattr(refusal_cache, "_LOAD_EVERY_S", 0.0)
    outcomes_of(campaign, "late")
    (loaded,) = refusal_cache._cache.current.entries.values()
    assert loaded.version != entry.version


def test_a_filter_that_nobody_asks_for_is_dropped(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes_of(early_campaign(open_campaign, "sale-1"), "jun")
    let_entry_expire()
    monkeypatch.setattr(refusal_cache, "_UNUSED_S", 0.0)
    outcomes_of(early_campaign(open_campaign, "sale-2"), "jun")
    assert set(refusal_cache._cache.current.entries) == {"sale-2"}


# Against Redis' own decisions, drawn.

STEPS = st.one_of(
    st.tuples(st.just("claim"), st.integers(0, 5)),
    st.tuples(st.just("grant"), st.integers(0, 5)),
    st.tuples(st.just("opens"), st.sampled_from([-HOUR_MS, -1, 8, 30, HOUR_MS])),
    st.tuples(st.just("closes"), st.sampled_from([-1, 20, 2 * HOUR_MS])),
    st.tuples(st.just("paused"), st.integers(0, 1)),
    st.tuples(st.just("stock"), st.integers(0, 2)),  # above what was given
    st.tuples(st.just("wait"), st.integers(0, 10)),
)
_sales = count()


@pytest.mark.usefixtures("fake_broker")
@settings(
    max_examples=int(os.environ.get("DRAWN_EARLY", "12")), deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(steps=st.lists(STEPS, min_size=4, max_size=25))
def test_drawn_every_remembered_refusal_is_what_redis_would_have_said(
    steps: list[tuple[str, int]], open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process changes the campaign; after an entry's lifetime both say the same."""
    monkeypatch.setattr(refusal_cache, "EARLY_TTL_S", 0.004)
    monkeypatch.setattr(refusal_cache, "ENTRY_TTL_S", 0.004)
    monkeypatch.setattr(refusal_cache, "_LOAD_EVERY_S", 0.0)
    play_steps(early_campaign(open_campaign, f"drawn-{next(_sales)}"), steps)


@pytest.mark.usefixtures("fake_broker", "lasting")
@pytest.mark.parametrize("change", [("opens", -1), ("closes", -1), ("paused", 1)])
def test_the_comparison_sees_what_is_remembered_for_too_long(
    open_campaign: CampaignMaker, change: tuple[str, int]
) -> None:
    """The negative control of the test above."""
    steps = [("claim", 0), ("claim", 1), change, ("claim", 2)]
    with pytest.raises(AssertionError):
        play_steps(early_campaign(open_campaign), steps)


def play_steps(campaign: CampaignSnapshot, steps: list[tuple[str, int]]) -> None:
    for verb, value in steps:
        if verb == "claim":
            claim_twice(campaign, Claim(f"user-{value}"))
        elif verb == "wait":
            time.sleep(value / 1000)
        else:
            change_elsewhere(campaign, verb, value)
            time.sleep(0.006)


def claim_twice(campaign: CampaignSnapshot, claim: Claim) -> None:
    """Here with what was remembered, and then, for the same user, in another process with nothing
    remembered: the moments around may differ only if the window begins or ends between them."""
    gate = store().campaigns.gate(campaign.slug)
    here = strategies.admit(campaign, claim)
    with another_process():
        there = strategies.admit(campaign, claim)
    now_ms = store().server.now_ms()
    changed = any(gate.now_ms <= at_ms <= now_ms for at_ms in (gate.opens_ms, gate.closes_ms))
    if here.place:
        assert (there.outcome, there.place) == (Outcome.ALREADY_CLAIMED, here.place)
    elif not changed:
        assert there.outcome is here.outcome, (here, there)
    time.sleep(0.006)


def change_elsewhere(campaign: CampaignSnapshot, verb: str, value: int) -> None:
    gate, slug = store().campaigns.gate(campaign.slug), campaign.slug
    if verb == "grant":
        store().grants.grant(
            slug, [Grantee(f"user-{value}", 1, "support")], per_user=1,
            filter_blocks=campaign.filter_blocks,
        )  # fmt: skip
    elif verb == "stock":
        set_gate(slug, stock=gate.admitted + value)
    else:
        set_gate(slug, **{verb: value if verb == "paused" else gate.now_ms + value})


RACE = """
import django; django.setup()
from coupons.campaigns import lookup
from tests.coupons.admission.opening_race import race_over_opening
print(race_over_opening(lookup.find_snapshot("sale"), opens_in_ms=1000))
"""


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_host_whose_clock_is_set_meanwhile_refuses_nobody_who_is_in_time(
    open_campaign: CampaignMaker, child_environment: dict[str, str], tmp_path: Path
) -> None:
    early_campaign(open_campaign)
    clock = WrongClock(tmp_path)
    env = child_environment | clock.env | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    command = [sys.executable, "-c", RACE]
    with ThreadPoolExecutor() as pool:
        race = pool.submit(
            subprocess.run, command, env=env, stdout=subprocess.PIPE, text=True, check=True
        )
        for number in count():
            if race.done():
                break
            clock.shift((-3 * 3600, 0.5, 3 * 3600)[number % 3])
            time.sleep(0.02)
    assert race.result().stdout.strip() == "[]"
