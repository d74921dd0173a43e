"""Many real processes claim from one campaign at once; also without the protection."""

import json
import subprocess
import sys
from collections import defaultdict

import pytest
from django.db import connection

from coupons import store
from coupons.issuing.drain import drain
from coupons.models import Coupon
from coupons.store import keys
from tests.conftest import CampaignMaker

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

Told = list[tuple[str, str, int]]


def claim_from_many_processes(
    environment: dict[str, str], road: str, *, processes: int, count: int, users: int
) -> Told:
    """Start the askers, release them all at once, and return all their answers."""
    connection.close()
    command = [sys.executable, "-m", "tests.concurrency.asker", road, "sale"]
    crowd = [
        subprocess.Popen([*command, str(seed), str(count), str(users)], env=environment,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for seed in range(processes)
    ]  # fmt: skip
    for asker in crowd:
        assert asker.stdout and asker.stdout.readline() == "ready\n"
    for asker in crowd:
        assert asker.stdin
        asker.stdin.write("go\n")
        asker.stdin.flush()
    told: Told = []
    for asker in crowd:
        told += map(tuple, json.loads(asker.communicate(timeout=120)[0]))
        assert asker.returncode == 0
    return told


def places_by_user(told: Told) -> dict[str, set[int]]:
    places: dict[str, set[int]] = defaultdict(set)
    for user, _, place in told:
        if place:
            places[user].add(place)
    return places


@pytest.mark.stores
@pytest.mark.parametrize("strategy", ["queued", "direct"])
def test_exactly_the_stock_is_admitted_and_stored_and_no_user_gets_two(
    open_campaign: CampaignMaker, child_environment: dict[str, str], strategy: str
) -> None:
    open_campaign(stock=100, strategy=strategy)
    told = claim_from_many_processes(
        child_environment, "product", processes=4, count=150, users=300
    )
    assert {outcome for _, outcome, _ in told} == {"admitted", "already_claimed", "sold_out"}
    places = places_by_user(told)
    assert all(len(own) == 1 for own in places.values())
    assert sorted(place for own in places.values() for place in own) == list(range(1, 101))
    assert sum(outcome == "admitted" for _, outcome, _ in told) == 100
    if strategy == "queued":
        assert drain("sale", consumer="one").stored == 100
    rows = dict(Coupon.objects.values_list("user", "place"))
    assert rows == {user: own.pop() for user, own in places.items()}


def test_one_user_claiming_a_hundred_times_at_once_has_one_place(
    open_campaign: CampaignMaker, child_environment: dict[str, str]
) -> None:
    open_campaign(stock=50)
    told = claim_from_many_processes(child_environment, "product", processes=5, count=20, users=1)
    assert [outcome for _, outcome, _ in told].count("admitted") == 1
    assert {place for _, _, place in told} == {1}
    assert drain("sale", consumer="one").stored == 1


def test_negative_control_reading_before_incrementing_oversells(
    open_campaign: CampaignMaker, child_environment: dict[str, str]
) -> None:
    """If this did not oversell, the test above would prove nothing."""
    open_campaign(stock=20)
    gate = keys.campaign_keys("sale").gate
    for _ in range(20):  # a race does not show in every round
        store.store().client.hset(gate, "next", 0)
        told = claim_from_many_processes(
            child_environment, "look-then-increment", processes=4, count=60, users=10**6
        )
        if sum(outcome == "admitted" for _, outcome, _ in told) > 20:
            return
    pytest.fail("the broken road never oversold: this harness can't see the race")


def test_negative_control_counting_without_the_row_lock_collides(
    open_campaign: CampaignMaker, child_environment: dict[str, str]
) -> None:
    """Two processes read the same count; the unique constraint refuses the second coupon."""
    open_campaign(stock=40, strategy="direct")
    told = claim_from_many_processes(
        child_environment, "count-without-a-lock", processes=4, count=20, users=10**6
    )
    assert any(outcome in ("IntegrityError", "OperationalError") for _, outcome, _ in told)
    assert Coupon.objects.count() <= 40
