"""Rebuild: a Redis that lost its memory is given it back, and nothing else."""

from typing import Any

import pytest

from coupons import admission, rebuild, store
from coupons.claims import Admission, Claim, Outcome
from coupons.drain import drain
from coupons.errors import NotInstalled
from coupons.facts import Facts
from coupons.models import Coupon
from tests.conftest import CampaignMaker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]


def admit(campaign: Facts, users: range | list[str]) -> dict[str, Admission]:
    names = users if isinstance(users, list) else [f"user-{n}" for n in users]
    return {name: admission.admit(campaign, Claim(name)) for name in names}


def lose(*names: str) -> None:
    """Redis forgets these keys of the sale; all of its memory if none is named."""
    client: Any = store.store().client
    if names:
        client.delete(*names)
    else:
        client.flushall()


def test_a_campaign_that_redis_lost_is_closed_until_rebuilt_and_then_goes_on_above(
    open_campaign: CampaignMaker,
) -> None:
    campaign = open_campaign(stock=10)
    told = admit(campaign, range(6))
    drain("sale", consumer="one")
    lose()
    with pytest.raises(NotInstalled):
        admission.admit(campaign, Claim("late"))
    done = rebuild.rebuild("sale", actor="Mina")
    assert (done.claimants, done.highest, done.waiting) == (6, 6, 0)
    again = admit(campaign, range(6))
    assert all(again[user].outcome == Outcome.ALREADY_CLAIMED for user in told)
    assert [(a.place, a.at_ms) for a in again.values()] == [
        (a.place, a.at_ms) for a in told.values()
    ]
    assert [admission.admit(campaign, Claim(f"late-{n}")).place for n in range(5)] == [
        7, 8, 9, 10, 0,
    ]  # fmt: skip
    drain("sale", consumer="one")
    assert Coupon.objects.count() == 10


def test_a_coupon_of_nth_is_remembered_as_such(open_campaign: CampaignMaker) -> None:
    campaign = open_campaign(stock=10, per_user=3)
    first = admission.admit(campaign, Claim("mina", 2))
    drain("sale", consumer="one")
    lose()
    rebuild.rebuild("sale", actor="Mina")
    again = admission.admit(campaign, Claim("mina", 2))
    assert (again.outcome, again.place, again.at_ms) == (
        Outcome.ALREADY_CLAIMED, first.place, first.at_ms,
    )  # fmt: skip
    assert admission.admit(campaign, Claim("mina", 1)).outcome == Outcome.ADMITTED
