"""How many have asked: the claims of all processes, added up in Redis on a thread of their own."""

import threading
from typing import Any

import pytest
from django.test import Client
from prometheus_client import REGISTRY

from coupons.campaigns import claim_counts, live_document
from coupons.observability import hot_counters
from coupons.store import keys, store
from tests.conftest import CampaignMaker, Person
from tests.harness.another_process import another_process

pytestmark = pytest.mark.django_db


def counts_in_redis(slug: str = "sale") -> tuple[int, int]:
    counts = store().live.read_counts(slug)
    return counts.asked, counts.refused


def lost_counts() -> float:
    return REGISTRY.get_sample_value("coupon_public_counts_lost_total") or 0.0


def test_every_answer_is_counted_and_shown(open_campaign: CampaignMaker, strategy: str) -> None:
    open_campaign(strategy=strategy, stock=1)
    for name in ("jun", "jun", "ann", "bob"):
        Person(name).claims()
    hot_counters.count_and_send()
    said = Client().get("/api/v1/campaigns/sale/live").json()
    assert (said["asked"], said["refused"]) == (4, 2)


def test_processes_add_theirs_up(open_campaign: CampaignMaker) -> None:
    open_campaign()
    Person("jun").claims()
    hot_counters.count_and_send()
    with another_process():
        Person("ann").claims()
        hot_counters.count_and_send()
    assert counts_in_redis() == (2, 0)


def test_counts_are_sent_once(open_campaign: CampaignMaker) -> None:
    open_campaign()
    Person("jun").claims()
    for _ in range(3):
        hot_counters.count_and_send()
    assert counts_in_redis() == (1, 0)


def test_a_failure_is_no_answer(open_campaign: CampaignMaker) -> None:
    open_campaign()
    store().client.delete(keys.campaign_keys("sale").gate)
    assert Person("jun").claims().status_code == 503
    hot_counters.count_and_send()
    assert counts_in_redis() == (0, 0)


def test_while_redis_is_away_they_are_dropped_and_counted(
    open_campaign: CampaignMaker, redis_away: Any
) -> None:
    open_campaign(strategy="direct")
    Person("jun").claims()
    redis_away()
    before = lost_counts()
    hot_counters.count_and_send()
    assert lost_counts() - before == 1
    assert not hot_counters._buffer.current.unsent


def test_only_the_writers_thread_sends_them(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request, and the scrape of the metrics, which writes them out, wait for no Redis."""
    monkeypatch.setattr(hot_counters, "EVERY_S", 0.01)
    threads, sent = [], threading.Event()

    def note_thread(counts: hot_counters.Counts) -> None:
        threads.append(threading.current_thread().name)
        sent.set()

    monkeypatch.setattr(hot_counters, "_sink", note_thread)
    open_campaign()
    Person("jun").claims()
    hot_counters.flush_counters()
    assert sent.wait(60)
    assert set(threads) == {"counting"}


def test_a_sink_that_fails_ends_nothing(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hot_counters, "EVERY_S", 0.01)
    calls, twice = [], threading.Event()

    def fail(counts: hot_counters.Counts) -> None:
        calls.append(counts)
        if len(calls) == 2:
            twice.set()
        raise ValueError("a bug")

    monkeypatch.setattr(hot_counters, "_sink", fail)
    open_campaign()
    while not twice.is_set():
        Person("jun").claims()
        twice.wait(0.02)


def test_one_campaigns_damaged_key_keeps_no_other_from_counting(
    open_campaign: CampaignMaker,
) -> None:
    open_campaign()
    store().client.set(keys.campaign_keys("bad").counts, "no hash")
    claim_counts.add_claim_counts({("bad", "admitted"): 1, ("sale", "sold_out"): 2})
    assert counts_in_redis() == (2, 2)


def test_the_document_has_them_a_second_later(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_document, "FRESH_S", 0)
    open_campaign()
    assert live_document.read_live("sale").asked == 0
    claim_counts.add_claim_counts({("sale", "admitted"): 3})
    assert live_document.read_live("sale").asked == 3
