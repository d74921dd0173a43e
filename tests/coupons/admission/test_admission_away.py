"""Admission when Redis hangs, is away, comes back, or must wait for a replica."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from coupons.admission import strategies
from coupons.claims.values import Claim, Outcome
from coupons.errors import OutcomeUnknown, StoreAway
from coupons.store import Store, keys
from tests.conftest import CampaignMaker, Settings
from tests.coupons.admission.test_admission import outcome_of
from tests.harness import servers
from tests.harness.store_override import use_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[str]:
    with servers.start_redis(tmp_path / "own", extra=("--repl-diskless-sync-delay", "0")) as url:
        yield url


def use_own_store(monkeypatch: pytest.MonkeyPatch, url: str) -> Store:
    own = Store(url, timeout_s=3, max_connections=8)
    use_store(monkeypatch, own)
    return own


def test_a_redis_that_hangs_is_asked_once_and_given_up_in_time(
    own_redis: str, monkeypatch: pytest.MonkeyPatch, open_campaign: CampaignMaker
) -> None:
    own = use_own_store(monkeypatch, own_redis)
    campaign = open_campaign()
    outcome_of(campaign, "mina")
    pid = own.client.info("server")["process_id"]
    own.client.config_resetstat()
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(StoreAway):
            outcome_of(campaign, "jun")
    finally:
        os.kill(pid, signal.SIGCONT)
    deadline = time.monotonic() + 60
    while (
        own.client.hget(keys.campaign_keys("sale").gate, "next") != b"2"
        and time.monotonic() < deadline
    ):
        time.sleep(0.01)
    calls = own.client.info("commandstats")["cmdstat_evalsha"]["calls"]
    assert calls == 1
    own.breaker.succeeded()  # or wait until the breaker closes
    # The decision was made after all, and the second request finds it.
    assert strategies.admit(campaign, Claim("jun")).place == 2


def test_a_redis_that_is_gone_is_a_failure_and_no_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_campaign: CampaignMaker
) -> None:
    with servers.start_redis(tmp_path / "own") as url:
        use_own_store(monkeypatch, url)
        campaign = open_campaign()
    with pytest.raises(StoreAway):
        outcome_of(campaign, "mina")


def test_it_survives_a_restart_of_redis_with_its_append_only_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_campaign: CampaignMaker
) -> None:
    port = servers.free_port()
    with servers.start_redis(tmp_path / "own", port=port) as url:
        own = use_own_store(monkeypatch, url)
        campaign = open_campaign()
        first = strategies.admit(campaign, Claim("mina"))
    own.client.connection_pool.disconnect()
    with servers.start_redis(tmp_path / "own", port=port):
        again = strategies.admit(campaign, Claim("mina"))
        assert (again.place, again.at_ms) == (first.place, first.at_ms)
        assert strategies.admit(campaign, Claim("jun")).place == 2


def test_an_admission_waits_for_its_replica_where_that_is_asked_for(
    own_redis: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    open_campaign: CampaignMaker,
) -> None:
    settings.REDIS_WAIT_REPLICAS = 1
    own = use_own_store(monkeypatch, own_redis)
    campaign = open_campaign(stock=1)
    with pytest.raises(OutcomeUnknown):
        outcome_of(campaign, "mina")  # there is no replica
    with pytest.raises(OutcomeUnknown):
        outcome_of(campaign, "mina")  # nor for the repetition
    assert outcome_of(campaign, "jun") is Outcome.SOLD_OUT  # a refusal waits for no replica
    port = own_redis.rsplit(":", 1)[1].split("/")[0]
    extra = ("--appendonly", "no", "--replicaof", "127.0.0.1", port)
    with servers.start_redis(tmp_path / "replica", extra=extra) as replica:
        deadline = time.monotonic() + 60
        while own.client.info("replication")["connected_slaves"] < 1:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        while True:
            try:
                assert outcome_of(campaign, "mina") is Outcome.ALREADY_CLAIMED
                break
            except OutcomeUnknown:  # the replica is still loading
                assert time.monotonic() < deadline
        copy = Store(replica, timeout_s=1, max_connections=1)
        assert copy.client.hget(keys.campaign_keys("sale").gate, "next") == b"1"


def test_a_connection_lost_before_its_wait_confirms_nothing(
    own_redis: str,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    open_campaign: CampaignMaker,
) -> None:
    """A new connection has written nothing, so a WAIT on it would accept any replica."""
    own = use_own_store(monkeypatch, own_redis)
    campaign = open_campaign()
    assert outcome_of(campaign, "first") == Outcome.ADMITTED
    wire: Any = own.admission._connection
    talk = wire._send_and_read

    def cut_off_behind(commands: list[bytes], now: float) -> Any:
        replies = talk(commands, now)
        wire._close()
        return replies

    monkeypatch.setattr(wire, "_send_and_read", cut_off_behind)
    settings.REDIS_WAIT_REPLICAS = 1
    with pytest.raises(StoreAway, match="closed since the last"):
        outcome_of(campaign, "mina")


def test_admissions_of_one_batch_share_one_wait(
    own_redis: str,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    open_campaign: CampaignMaker,
) -> None:
    settings.REDIS_WAIT_REPLICAS, settings.REDIS_WAIT_MS = 1, 50
    own = use_own_store(monkeypatch, own_redis)
    campaign = open_campaign(stock=12)

    def claim_is_unconfirmed(number: int) -> bool:
        with pytest.raises(OutcomeUnknown):
            outcome_of(campaign, f"user-{number}")
        return True

    with ThreadPoolExecutor(12) as pool:
        assert all(pool.map(claim_is_unconfirmed, range(12)))
    assert own.client.info("commandstats")["cmdstat_wait"]["calls"] < 12
    assert own.campaigns.gate("sale").admitted == 12
