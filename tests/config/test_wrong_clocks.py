"""12 A2: no guarantee depends on the clocks of two hosts. A worker or beat whose clock is wrong by
seconds or hours stores all admitted claims, and the board and the log report the wrong clock."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.db import connection

from config.celery import app
from coupons.models import Coupon
from coupons.monitoring.collectors import Campaigns
from coupons.readiness import clocks
from coupons.readiness.result import Light
from coupons.store import store
from tests.config.test_consumer import Consumer
from tests.config.waiting import wait_until
from tests.conftest import CampaignMaker, Person
from tests.harness import services
from tests.harness.wrong_clock import WrongClock

HOURS_S = 3 * 3600
# Of the worker, of beat; both start with the first.
SHIFTS_S = [(8, 0), (-8, 0), (HOURS_S, 0), (-HOURS_S, 0), (0, 8), (0, -8), (0, HOURS_S),
            (0, -HOURS_S), (HOURS_S, -HOURS_S), (-HOURS_S, HOURS_S)]  # fmt: skip

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


class Site(NamedTuple):
    """A worker and beat, each with a clock of its own, and a sale."""

    worker: WrongClock
    beat: WrongClock
    folder: Path


@pytest.fixture
def site_with_wrong_clocks(
    open_campaign: CampaignMaker, child_environment: dict[str, str], tmp_path: Path
) -> Iterator[Site]:
    open_campaign(stock=100)
    ours = Site(WrongClock(tmp_path, "worker"), WrongClock(tmp_path, "beat"), tmp_path)
    shift_both(ours, *SHIFTS_S[0])
    with ExitStack() as stack:
        stack.enter_context(services.start_worker(child_environment | ours.worker.env, tmp_path))
        stack.enter_context(services.start_beat(child_environment | ours.beat.env, tmp_path))
        connection.close()
        yield ours


def shift_both(site: Site, worker_s: float, beat_s: float) -> None:
    site.worker.shift(worker_s)
    site.beat.shift(beat_s)


def lose_a_wake_up(person: type[Person], names: str) -> None:
    """Three claims are waiting, and their wake-ups are lost."""
    for name in names.split():
        assert person(name).claims().status_code == 202
    app.control.purge()
    store().wakeups.clear_pending("sale")


def stored_count_is(count: int) -> Callable[[], bool]:
    return lambda: Coupon.objects.count() == count


def test_12_a2_lost_wake_ups_are_made_good_while_the_clocks_of_worker_and_beat_jump(
    site_with_wrong_clocks: Site, person: type[Person]
) -> None:
    for number, shifts_s in enumerate(SHIFTS_S, 1):
        shift_both(site_with_wrong_clocks, *shifts_s)
        lose_a_wake_up(person, f"mina-{number} jun-{number} sora-{number}")
        wait_until(stored_count_is(3 * number))


def test_12_a2_a_wrong_clock_is_a_line_on_the_board_a_metric_and_a_line_in_the_log(
    site_with_wrong_clocks: Site, child_environment: dict[str, str]
) -> None:
    site_with_wrong_clocks.beat.shift(-HOURS_S)
    clock = WrongClock(site_with_wrong_clocks.folder, "web")
    clock.shift(-8)
    with services.start_web(child_environment | clock.env, site_with_wrong_clocks.folder) as port:
        wait_until(lambda: Consumer(port).send_get("/readyz")[0] == 200)
        wait_until(lambda: len(ahead_s()) == 3)
        line = clocks.host_clocks()
        assert line.light is Light.RED
        off_s = {name: int(s) for name, s in re.findall(r"(\w+)@\S+ ([+-]\d+)", line.seen)}
        assert off_s == within_tolerance({"celery": 8, "beat": -10, "web": -8})
        assert ahead_s() == within_tolerance({"celery": 8, "beat": -HOURS_S, "web": -8})
        for name in ("worker", "beat", "web"):
            log = (site_with_wrong_clocks.folder / f"{name}.log").read_text()
            assert "from Redis' clock: let this host keep time" in log
        shift_both(site_with_wrong_clocks, 0, 0)
        clock.shift(0)
        wait_until(lambda: clocks.host_clocks().light is Light.GREEN)


def within_tolerance(seconds: dict[str, float]) -> Any:
    """A clock is read some time before it is compared: on a busy machine seconds. All that are
    compared here are further apart."""
    return pytest.approx(seconds, abs=6, rel=0)


def ahead_s() -> dict[str, int]:
    """The skew that Prometheus reads, in whole seconds."""
    samples = [sample for family in Campaigns().collect() for sample in family.samples]
    return {
        sample.labels["process"].partition("@")[0]: round(sample.value)
        for sample in samples
        if sample.name == "coupon_clock_ahead_seconds"
    }


def test_12_a2_a_worker_is_not_ended_by_a_consumer_whose_clock_is_another(
    site_with_wrong_clocks: Site, child_environment: dict[str, str]
) -> None:
    clock = WrongClock(site_with_wrong_clocks.folder, "consumer")
    patience = {"WORKER_PATIENCE_S": "600"}  # a jump is of hours
    with services.start_consumer(
        child_environment | clock.env | patience, site_with_wrong_clocks.folder
    ) as port:
        consumer = Consumer(port)
        wait_until(lambda: consumer.send_get("/livez")[0] == 200)
        for shift_s in (HOURS_S, -HOURS_S):
            clock.shift(shift_s)
            assert consumer.send_get("/livez")[0] == 200
            time.sleep(5)  # two rounds of the watchdog
            page = consumer.send_get("/metrics")[1]
            assert (
                re.findall(r"^coupon_workers_terminated_total{.*} (.*)$", page, re.M) == ["0.0"] * 2
            )
            (age_s,) = re.findall(
                r"^coupon_worker_heartbeat_age_seconds (\S+)$", page, re.MULTILINE
            )
            assert float(age_s) < 600
