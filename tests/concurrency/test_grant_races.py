"""Grants beside claims, changes of the stock, repairs, returns and the waitlist, from real
processes at the same moment; each also without its protection."""

import json
import subprocess
import sys
from collections import defaultdict

import pytest
from django.db import connection

from coupons import store
from coupons.admission import strategies
from coupons.campaigns import slots
from coupons.claims.values import Claim
from coupons.grants import returns, waitlist
from coupons.issuing.drain import drain
from coupons.models import Campaign, Coupon, Returned, WaitlistEntry
from coupons.recovery import reconcile
from tests.conftest import CampaignMaker

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

Told = list[tuple[str, str, int]]


def run_at_once(environment: dict[str, str], *actions: tuple[str, int]) -> Told:
    """Start a process for each (action, count), release them all at once, return all answers."""
    connection.close()
    command = [sys.executable, "-m", "tests.concurrency.granter"]
    crowd = [
        subprocess.Popen([*command, action, str(seed), str(count)], env=environment,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for seed, (action, count) in enumerate(actions)
    ]  # fmt: skip
    for program in crowd:
        assert program.stdout and program.stdout.readline() == "ready\n"
    for program in crowd:
        assert program.stdin
        program.stdin.write("go\n")
        program.stdin.flush()
    told: Told = []
    for program in crowd:
        told += map(tuple, json.loads(program.communicate(timeout=120)[0]))
        assert program.returncode == 0
    return told


def places_by_user(told: Told) -> dict[str, set[int]]:
    places: dict[str, set[int]] = defaultdict(set)
    for user, _, place in told:
        if user and place:
            places[user].add(place)
    return places


def faults_of(told: Told) -> list[str]:
    """What is wrong with the answers and both stores afterwards."""
    drain("sale", consumer="survivor")
    places = places_by_user(told)
    owners = [place for own in places.values() for place in own]
    row, gate = Campaign.objects.get(), store.store().campaigns.gate("sale")
    rows = dict(Coupon.objects.filter(user__in=places).values_list("user", "place"))
    wrong = {
        "a user has two places": any(len(own) > 1 for own in places.values()),
        "two users have one place": len(set(owners)) < len(owners),
        "told is not stored": rows != {user: min(own) for user, own in places.items()},
        "a claim is parked": gate.parked > 0,
        "the stores say different stocks": (gate.stock, gate.granted) != (row.stock, row.granted),
        "more places than stock": gate.admitted > gate.stock,
        "slots are not the stock": slots.count_slots(row) != row.stock,
        "places differ": reconcile.compare_campaign("sale").left > 0,
    }
    return [text for text, is_wrong in wrong.items() if is_wrong]


def test_grants_and_claims_of_the_same_users(
    open_campaign: CampaignMaker, child_environment: dict[str, str]
) -> None:
    open_campaign(stock=20)
    told = run_at_once(
        child_environment, ("grant", 20), ("grant", 20), ("claim", 60), ("claim", 60)
    )
    assert faults_of(told) == []
    row = Campaign.objects.get()
    assert row.stock - row.granted == 20
    claimed = sum(outcome == "admitted" for _, outcome, _ in told)
    granted = sum(outcome == "granted" for _, outcome, _ in told)
    assert (claimed + granted, granted) == (
        store.store().campaigns.gate("sale").admitted,
        row.granted,
    )
    assert claimed <= 20


def test_negative_control_without_the_script(
    open_campaign: CampaignMaker, child_environment: dict[str, str]
) -> None:
    open_campaign(stock=200)
    told = run_at_once(child_environment, *[("look_then_grant", 60)] * 4)
    assert {"a user has two places", "two users have one place"} & set(faults_of(told))


def test_grants_and_claims_while_the_stock_changes(
    open_campaign: CampaignMaker, child_environment: dict[str, str]
) -> None:
    open_campaign(stock=20)
    told = run_at_once(
        child_environment, ("grant", 20), ("grant", 20), ("claim", 60), ("resize", 25)
    )
    assert faults_of(told) == []
    assert {outcome for _, outcome, _ in told} >= {"granted", "resized"}


def test_negative_control_without_slots_first(
    open_campaign: CampaignMaker, child_environment: dict[str, str]
) -> None:
    open_campaign(stock=5)
    told = run_at_once(child_environment, ("grant_without_slots", 10), ("claim", 60))
    assert "a claim is parked" in faults_of(told)


def test_grants_and_claims_while_the_campaign_is_repaired(
    open_campaign: CampaignMaker, child_environment: dict[str, str]
) -> None:
    open_campaign(stock=20)
    told = run_at_once(
        child_environment, ("grant", 20), ("grant", 20), ("claim", 60), ("renew", 20)
    )
    assert faults_of(told) == []


def winners(open_campaign: CampaignMaker, count: int) -> None:
    campaign = open_campaign(stock=count, waitlist_limit=100, returns_to="waitlist")
    for number in range(count):
        strategies.admit(campaign, Claim(f"winner-{number}"))
    drain("sale", consumer="one")
    for number in range(count):
        waitlist.join_waitlist(campaign, f"waiter-{number}")
    returns.give_on_everywhere()


def test_revocations_that_return_and_are_undone_while_the_waitlist_is_served(
    open_campaign: CampaignMaker, child_environment: dict[str, str]
) -> None:
    winners(open_campaign, 30)
    run_at_once(
        child_environment, ("revoke", 40), ("undo", 30), ("undo", 30), ("give_on", 30),
        ("give_on", 30),
    )  # fmt: skip
    returns.give_on_everywhere()
    drain("sale", consumer="one")
    check = returns.check_returned("sale")
    assert check.faults == []
    served = WaitlistEntry.objects.filter(state="served")
    assert served.count() == Returned.objects.get().given_on > 0
    numbers = list(served.order_by("number").values_list("number", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))  # strictly by number
    assert reconcile.compare_campaign("sale").left == 0


def test_negative_control_counting_after_giving(
    open_campaign: CampaignMaker, child_environment: dict[str, str]
) -> None:
    """On a busy machine the programs may not meet in one try."""
    winners(open_campaign, 30)
    broken = [("give_on_without_counting_first", 60)] * 3

    def has_fault() -> bool:
        run_at_once(child_environment, ("revoke", 60), ("undo", 60), *broken)
        drain("sale", consumer="one")
        return bool(returns.check_returned("sale").faults)

    assert any(has_fault() for _ in range(5))
