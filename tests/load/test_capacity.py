"""The capacity page: its arithmetic, and that the page says what the arithmetic says."""

import json
from dataclasses import replace

import pytest
from coefficients import of
from django.core.management import call_command
from django.core.management.base import CommandError

from coupons.management.commands.plan_capacity import Sale, capacity_plan
from coupons.monitoring.capacity import FILE as COEFFICIENTS
from coupons.monitoring.capacity import Measurements
from tests.load.conftest import TOP

KNOWN = Measurements(
    source="made up",
    claims_per_s_per_core=1_000,
    stored_per_s_per_worker=10_000,
    decisions_per_s=50_000,
    bytes_per_claimant=60,
    bytes_per_waiting_claim=140,
    rows_per_s_per_database_core=10_000,
)


def test_api_hosts_follow_the_claims_and_one_may_be_down() -> None:
    """600 claims/s are one core with headroom, a host has two."""
    hosts = [
        capacity_plan(Sale(n * 10, 10, 100), KNOWN).api_hosts for n in (600, 1_200, 1_201, 12_000)
    ]
    assert hosts == [2, 2, 3, 11]


def test_only_winners_are_stored_and_they_may_wait() -> None:
    few = capacity_plan(Sale(1_000_000, 10, 7_000), KNOWN)
    many = capacity_plan(
        Sale(1_000_000, 10, 840_000), KNOWN
    )  # 12,000 rows/s in 70 s: 2 workers, 2 cores
    assert (few.consumer_hosts, few.database) == (2, "db.t4g.micro")
    assert (many.consumer_hosts, many.database) == (2, "db.m7g.large")
    assert few.waiting < 7_000 < many.waiting < 840_000


def test_redis_has_room_for_every_winner_twice() -> None:
    classes = [capacity_plan(Sale(60 * 10, 60, n), KNOWN).redis for n in (100, 10_000_000)]
    assert classes == ["cache.t4g.micro", "cache.t4g.micro"]  # few people: the stock is not used
    assert capacity_plan(Sale(10_000_000, 10_000, 10_000_000), KNOWN).redis == "cache.m7g.large"


def test_a_burstable_redis_is_no_home_for_a_rush() -> None:
    assert ".t" not in capacity_plan(Sale(60_000, 10, 100), KNOWN).redis


def test_above_one_slot_the_slot_breaks_first() -> None:
    assert capacity_plan(Sale(300_000, 10, 100), KNOWN).breaks_first == "API cores"
    over = capacity_plan(Sale(310_000, 10, 100), KNOWN)
    assert (over.slots, over.breaks_first) == (2, "the campaign's one Redis slot")


def test_what_no_class_can_do_is_said() -> None:
    with pytest.raises(CommandError, match="stripes"):
        capacity_plan(Sale(10**9, 10, 10**9), KNOWN)
    with pytest.raises(CommandError, match="allow more time"):
        capacity_plan(Sale(10**7, 1, 10**7), replace(KNOWN, rows_per_s_per_database_core=100))


def test_the_page_shows_the_table_of_the_coefficients(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("plan_capacity", "--table")
    page = (TOP / "locust" / "README.md").read_text()
    assert capsys.readouterr().out.strip() in page
    assert json.loads(COEFFICIENTS.read_text())["source"] in page


def test_one_sale_is_planned_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("plan_capacity", "--people", "1000", "--seconds", "10", "--stock", "50")
    assert "At 100 claims a second" in capsys.readouterr().out


def test_coefficients_come_from_a_bench() -> None:
    bench = {
        "commit": "abc", "machine": {"cpu": "X", "cores": 2},
        "figures": {
            "admission_cpu_ratio": {"value": 1, "details": {"us_per_claim": 400.0}},
            "drain_ratio": {"value": 1, "details": {"claims_per_s": 9e3, "rows_per_s": 2e4}},
            "redis_decisions_per_s": {"value": 5e4, "details": {}},
            "bytes_per_claimant": {"value": 60.4, "details": {"with_queue": 200.4}},
        },
    }  # fmt: skip
    known = Measurements(**of(bench))  # type: ignore[arg-type]
    assert known == replace(
        KNOWN, source="bench at abc, X, 2 cores", claims_per_s_per_core=2_500,
        stored_per_s_per_worker=9_000, rows_per_s_per_database_core=20_000,
    )  # fmt: skip
