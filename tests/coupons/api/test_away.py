"""Redis or MySQL away or faulty: 503 with Retry-After, no decision, no internals in the answer."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis as driver

from coupons.campaigns import lookup
from coupons.issuing import drain
from coupons.models import Coupon
from coupons.store import store
from tests.conftest import CampaignMaker, Person
from tests.coupons.answers import problem_of
from tests.harness import servers
from tests.harness.store_override import forget_store


def comes_back(response: Any, code: str, dependency: str) -> None:
    said = problem_of(response, 503, code)
    assert said["dependency"] == dependency
    assert int(response.headers["Retry-After"]) > 0
    told = json.dumps(said)
    for inside in ("127.0.0.1", "refused", "Error", "errno", "OOM", "Can't connect", "read only"):
        assert inside not in told, said


def test_without_redis_a_claim_is_not_decided(
    open_campaign: CampaignMaker, redis_away: Any
) -> None:
    open_campaign()
    redis_away()
    comes_back(Person("jun").claims(), "store_away", "redis")
    comes_back(Person("jun").asks("campaigns/sale"), "store_away", "redis")
    lookup.clear_snapshots()
    comes_back(Person("jun").claims(), "store_away", "redis")


def test_without_redis_a_direct_campaign_goes_on(
    open_campaign: CampaignMaker, redis_away: Any
) -> None:
    open_campaign(strategy="direct")
    redis_away()
    lookup.clear_snapshots()
    assert Person("jun").claims().status_code == 201
    assert Person("jun").asks("campaigns/sale").json()["remaining"] == 9
    assert Person("jun").asks("campaigns/sale/claims/me").json()["status"] == "issued"


def test_without_mysql_a_direct_claim_is_not_decided(
    open_campaign: CampaignMaker, mysql_away: Any
) -> None:
    open_campaign(strategy="direct")
    mysql_away()
    comes_back(Person("jun").claims(), "database_away", "database")
    comes_back(Person("jun").asks("campaigns/sale"), "database_away", "database")
    comes_back(Person("jun").asks("campaigns/sale/claims/me"), "database_away", "database")


def test_without_mysql_queued_claims_are_admitted_and_refused_as_ever(
    open_campaign: CampaignMaker, mysql_away: Any
) -> None:
    open_campaign(stock=1)
    mysql_away()
    lookup.clear_snapshots()
    assert Person("jun").claims().status_code == 202
    assert Person("jun").claims().status_code == 200
    problem_of(Person("sora").claims(), 409, "sold_out")
    assert Person("sora").asks("campaigns/sale").json()["state"] == "sold_out"


def test_without_mysql_coupons_are_not_said_to_be_none(
    open_campaign: CampaignMaker, mysql_away: Any
) -> None:
    open_campaign()
    code = Person("jun").claims().json()["code"]
    drain.drain("sale", consumer="test")
    mysql_away()
    comes_back(Person("jun").asks("coupons"), "database_away", "database")
    comes_back(Person("jun").asks(f"coupons/{code}"), "database_away", "database")
    comes_back(Person("jun").asks("campaigns/unheard-of"), "database_away", "database")


# A Redis that answers and can't decide


@pytest.fixture
def sick_redis(tmp_path: Path, settings: Any) -> Iterator[driver.Redis]:
    """A Redis of this test, which the application uses from now on."""
    with servers.start_redis(tmp_path / "redis") as url:
        settings.REDIS_URL = url
        forget_store()
        with driver.Redis.from_url(url) as client:
            yield client
    forget_store()


def fill_memory(client: driver.Redis) -> None:
    client.config_set("maxmemory", 1)


def make_replica(client: driver.Redis) -> None:
    client.replicaof("127.0.0.1", servers.free_port())


def require_password(client: driver.Redis) -> None:
    client.config_set("requirepass", "secret")
    forget_store()


def pause_clients(client: driver.Redis) -> None:
    client.client_pause(5_000, all=True)


@pytest.mark.parametrize("fall_ill", [fill_memory, make_replica, require_password, pause_clients])
def test_a_redis_that_can_not_write_admits_no_claim(
    sick_redis: driver.Redis, open_campaign: CampaignMaker, fall_ill: Any
) -> None:
    open_campaign()
    fall_ill(sick_redis)
    comes_back(Person("jun").claims(), "store_away", "redis")
    assert Coupon.objects.count() == 0


def test_a_redis_without_our_scripts_gets_them_again(open_campaign: CampaignMaker) -> None:
    open_campaign()
    store().client.script_flush()
    assert Person("jun").claims().json()["place"] == 1


def test_a_full_queue_takes_no_place(open_campaign: CampaignMaker, settings: Any) -> None:
    settings.LONGEST_QUEUE = 1
    open_campaign()
    first = Person("jun").claims()
    comes_back(Person("sora").claims(), "queue_full", "database")
    assert Person("jun").claims().content == first.content
    drain.drain("sale", consumer="test")
    assert Person("sora").claims().json()["place"] == 2


def test_an_admission_no_replica_confirmed_is_unknown_and_safe_to_repeat(
    open_campaign: CampaignMaker, settings: Any
) -> None:
    open_campaign(stock=1)
    settings.REDIS_WAIT_REPLICAS, settings.REDIS_WAIT_MS = 1, 1
    comes_back(Person("jun").claims(), "outcome_unknown", "redis")
    comes_back(Person("jun").claims(), "outcome_unknown", "redis")
    problem_of(Person("sora").claims(), 409, "sold_out")
    settings.REDIS_WAIT_REPLICAS = 0
    assert Person("jun").claims().json()["place"] == 1
