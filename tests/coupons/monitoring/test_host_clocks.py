"""12 A2: a host decides about a campaign's window by the clock that opens the campaign, not by its
own. Each test runs in a process whose clock is hours ahead or behind."""

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from coupons.campaigns import lifecycle
from coupons.issuing.drain import drain
from coupons.models import Campaign, EventKind
from coupons.monitoring import clock_skew
from coupons.readiness import clocks
from coupons.store import keys, store
from tests.conftest import CampaignMaker
from tests.coupons.readiness.test_guard import event_texts, make_board_red
from tests.harness.wrong_clock import WrongClock

HOURS_S = 3 * 3600
BOTH = pytest.mark.parametrize("shift_s", [HOURS_S, -HOURS_S])
STRATEGIES = pytest.mark.parametrize("strategy", ["queued", "direct"])
Elsewhere = Callable[[float, str], str]
State = Campaign.State

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def run_on_wrong_clock(child_environment: dict[str, str], tmp_path: Path) -> Elsewhere:
    """Run this code in a process whose clock is off by so many seconds; its output."""
    clock = WrongClock(tmp_path)

    def run_with_shift(shift_s: float, code: str) -> str:
        clock.shift(shift_s)
        whole = f"import django; django.setup(); {code}"
        env = child_environment | clock.env | {"DJANGO_SETTINGS_MODULE": "config.settings"}
        done = subprocess.run(
            [sys.executable, "-c", whole], env=env, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run_with_shift


def campaign_state(slug: str = "sale") -> str:
    return Campaign.objects.get(slug=slug).state


FOLLOW = "from coupons.campaigns import recorded_states; recorded_states.follow_the_clock()"


@BOTH
@STRATEGIES
def test_12_a2_a_sweep_records_openings_and_closings_by_the_deciding_clock(
    draft: Callable[..., Campaign], run_on_wrong_clock: Elsewhere, strategy: str, shift_s: int
) -> None:
    now = timezone.now()
    windows = {"ahead": (1, 2), "open": (-1, 1)}  # hours
    for slug, (opens, closes) in windows.items():
        draft(slug, strategy=strategy, opens_at=now + timedelta(hours=opens),
              closes_at=now + timedelta(hours=closes))  # fmt: skip
        lifecycle.schedule_campaign(slug, actor="Mina")
    run_on_wrong_clock(shift_s, FOLLOW)
    assert {slug: campaign_state(slug) for slug in windows} == {
        "ahead": State.SCHEDULED, "open": State.OPEN,
    }  # fmt: skip


GUARD = "from coupons.readiness import guard; print(guard.guard_openings())"


@BOTH
def test_12_a2_a_red_board_is_held_back_in_time_and_released_before_the_opening(
    draft: Callable[..., Campaign], run_on_wrong_clock: Elsewhere, shift_s: int
) -> None:
    opens = timezone.now() + timedelta(seconds=50)
    draft(opens_at=opens, closes_at=opens + timedelta(hours=1))
    lifecycle.schedule_campaign("sale", actor="Mina")
    make_board_red()
    assert run_on_wrong_clock(shift_s, GUARD) == "1"
    assert (campaign_state(), len(event_texts(EventKind.WARMED_UP))) == (State.PAUSED, 1)
    release = "from coupons.campaigns import opening_hold as o; o.release_opening('sale')"
    run_on_wrong_clock(shift_s, f"{release}; {GUARD}")
    assert event_texts(EventKind.RELEASED) == ["nothing is red any more"]
    assert len(event_texts(EventKind.WARMED_UP)) == 1  # for one opening, by whichever host


SCHEDULE = (
    "from coupons.campaigns import lifecycle; lifecycle.schedule_campaign('sale', actor='Mina')"
)


@STRATEGIES
def test_12_a2_what_is_not_over_can_be_scheduled_by_a_host_that_believes_it_is(
    draft: Callable[..., Campaign], run_on_wrong_clock: Elsewhere, strategy: str
) -> None:
    draft(strategy=strategy)
    run_on_wrong_clock(HOURS_S, SCHEDULE)
    assert campaign_state() == State.SCHEDULED


def test_12_a2_a_failover_is_made_good_by_a_host_that_believes_nothing_has_opened(
    open_campaign: CampaignMaker, run_on_wrong_clock: Elsewhere
) -> None:
    open_campaign()
    before = Campaign.objects.get().epoch
    store().server.mark_verified("another server")
    run_on_wrong_clock(
        -HOURS_S, "from coupons.recovery import failover; assert failover.verify_server()"
    )
    assert Campaign.objects.get().epoch != before


def test_12_a2_a_sale_is_compared_by_a_host_that_believes_it_was_over_long_ago(
    open_campaign: CampaignMaker, run_on_wrong_clock: Elsewhere, person: type
) -> None:
    open_campaign()
    assert person("mina").claims().status_code == 202
    store().client.xtrim(
        keys.campaign_keys("sale").queue, 0
    )  # admitted, and not on the way to MySQL
    run_on_wrong_clock(
        30 * 86_400, "from coupons.recovery import reconcile; reconcile.reconcile_campaigns()"
    )
    assert drain("sale", consumer="one").stored == 1


DRAIN = """
from coupons.observability import metrics
from coupons.issuing.drain import drain
assert drain('sale', consumer='one').stored == 1
print(metrics.STORED_AFTER._sum.get() < 60)
"""


@BOTH
def test_12_a2_how_long_a_claim_waited_is_measured_by_the_clock_that_admitted_it(
    open_campaign: CampaignMaker, run_on_wrong_clock: Elsewhere, person: type, shift_s: int
) -> None:
    open_campaign()
    assert person("mina").claims().status_code == 202
    assert run_on_wrong_clock(shift_s, ";".join(DRAIN.split("\n")).strip(";")) == "True"


REPORT = """
import os
from celery import signals
from config.celery import app
from config.worker import process
from coupons.monitoring import clock_skew
process.install_worker_parts(app)
clock_skew.reporter.current.report('celery@elsewhere')
print(len(clock_skew.reported_skews()))
"""


@pytest.mark.parametrize(
    ("end", "left"),
    [
        ("", 0),
        ("signals.worker_process_shutdown.send(None); os._exit(0)", 0),  # a process of the pool
        ("os._exit(0)", 1),  # killed: counts until its report is old
    ],
    ids=["exit", "pool", "killed"],
)
def test_14_10_the_clock_of_a_process_that_has_ended_holds_no_opening(
    run_on_wrong_clock: Elsewhere, end: str, left: int
) -> None:
    code = f"exec({REPORT + 'import sys; sys.stdout.flush()'!r}); {end}"
    assert run_on_wrong_clock(HOURS_S, code.removesuffix("; ")) == "1"
    assert len(clock_skew.reported_skews()) == left
    assert clocks.host_clocks().light == ("red" if left else "grey")
