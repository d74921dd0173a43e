"""The API's answers about a campaign that is damaged in Redis: a true answer, or 503 with
Retry-After; never a 500 (issue 12, A1)."""

from typing import Any

import pytest

from coupons import store
from coupons.campaigns import lookup
from coupons.errors import CouponError
from coupons.issuing import drain
from coupons.models import Coupon
from coupons.recovery import consistency_scan, rebuild, reconcile
from coupons.store import keys
from tests.conftest import CampaignMaker, Person
from tests.harness import damaged_keys

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.stores]

PATHS = ("campaigns/sale", "campaigns/sale/claims/me", "coupons")


@pytest.mark.parametrize("how", damaged_keys.ALL)
def test_an_answer_is_true_or_a_503(open_campaign: CampaignMaker, how: str) -> None:
    open_campaign()
    first = Person("user-0")
    told = first.claims().json()
    damaged_keys.damage_campaign("sale", how)
    lookup.clear_snapshots()
    for person in (first, Person("jun"), Person("jun"), Person("sora")):
        person.client.raise_request_exception = False
        answers = [person.claims(), *map(person.asks, PATHS)]
        for answer in answers:
            assert answer.status_code in (200, 202, 503), (how, answer.content)
            if answer.status_code == 503:
                assert answer["Retry-After"]
                assert answer.json()["code"] in ("store_error", "closed_for_repair")
    again = first.claims()
    if again.status_code == 200 and how != "claimants deleted":
        assert {**again.json(), "place": 1} == told | {"place": 1}


KEYS = ("gate", "claimants", "queue", "parked", "filter", "told")


@pytest.mark.parametrize("key", KEYS)
def test_a_key_of_a_wrong_type_is_mended_as_the_runbook_says(
    open_campaign: CampaignMaker, key: str
) -> None:
    """After rename, rebuild and reconcile every admitted user holds a coupon on their own place."""
    open_campaign(stock=20)
    told = {name: Person(name).claims().json()["place"] for name in ("mina", "jun")}
    drain.drain("sale", consumer="one")
    told |= {name: Person(name).claims().json()["place"] for name in ("sora", "late")}
    redis: Any = store.store().client
    name = getattr(keys.campaign_keys("sale"), key)
    redis.delete(name)
    redis.set(name, "?") if key != "filter" else redis.rpush(name, "?")
    lookup.clear_snapshots()
    assert Person("during").claims().status_code in (202, 503)

    redis.rename(name, f"{name}-damaged")
    rebuild.rebuild_campaign("sale", actor="Mina")
    reconcile.compare_campaign("sale", repair=True)
    drain.drain("sale", consumer="one")

    for person in (*told, "during", "after"):
        place = Person(person).claims().json()["place"]
        if key != "claimants":  # then who waited is known by the queue alone
            assert told.get(person, place) == place
    drain.drain("sale", consumer="one")
    stored = dict(Coupon.objects.values_list("user", "place"))
    assert stored.items() >= told.items()
    assert stored.keys() == {*told, "during", "after"}
    assert _report().left == 0


def _report() -> consistency_scan.Report:
    try:
        return reconcile.compare_campaign("sale")
    except CouponError as error:
        raise AssertionError(error) from error
