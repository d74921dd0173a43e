"""A worker that dies between any two lines of a drain loses no claim and stores none twice."""

import subprocess
import sys

import pytest

from coupons import store
from coupons.admission import strategies
from coupons.claims.values import Claim
from coupons.issuing.drain import drain
from coupons.models import Coupon, Tally
from tests.conftest import CampaignMaker, Settings

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.stores]


def drained_by_a_process(environment: dict[str, str], point: str) -> int:
    command = [sys.executable, "-m", "tests.crash.drainer", "sale", point]
    return subprocess.run(command, env=environment, timeout=300, check=False,
                          stdout=subprocess.DEVNULL).returncode  # fmt: skip


@pytest.mark.parametrize(
    ("point", "is_committed"),
    [
        ("before:insert", False),
        ("before:commit", False),
        ("after:insert", True),
        ("before:settle", True),
        ("after:settle", True),
    ],
)
@pytest.mark.parametrize("batch", [500, 10])  # of 30: the second batch was read ahead
def test_a_worker_that_dies_loses_nothing_and_doubles_nothing(
    open_campaign: CampaignMaker,
    child_environment: dict[str, str],
    settings: Settings,
    point: str,
    is_committed: bool,
    batch: int,
) -> None:
    settings.DRAIN_TAKE_OVER_MS = 0
    campaign = open_campaign(stock=30)
    told = {f"user-{n}": strategies.admit(campaign, Claim(f"user-{n}")).place for n in range(30)}
    environment = child_environment | {"DRAIN_BATCH": str(batch)}
    assert drained_by_a_process(environment, point) == 137
    assert Coupon.objects.count() == (min(batch, 30) if is_committed else 0)
    drain("sale", consumer="survivor")
    assert dict(Coupon.objects.values_list("user", "place")) == told
    assert Tally.objects.get().stored == 30
    gate = store.store().campaigns.gate("sale")
    assert (gate.waiting, gate.parked) == (0, 0)


def test_a_worker_that_lives_stores_all(
    open_campaign: CampaignMaker, child_environment: dict[str, str]
) -> None:
    strategies.admit(open_campaign(), Claim("mina"))
    assert drained_by_a_process(child_environment, "nowhere") == 0
    assert Coupon.objects.count() == 1


def test_negative_control_acknowledging_before_storing_loses_claims(
    open_campaign: CampaignMaker, child_environment: dict[str, str], settings: Settings
) -> None:
    settings.DRAIN_TAKE_OVER_MS = 0
    strategies.admit(open_campaign(), Claim("mina"))
    assert drained_by_a_process(child_environment, "wrong-order") == 137
    drain("sale", consumer="survivor")
    assert Coupon.objects.count() == 0  # told and lost, which the right order prevents
