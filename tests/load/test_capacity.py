"""The capacity page: its arithmetic, and that the page has the same figures."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from coupons.management.commands.plan_capacity import Sale, capacity_plan
from coupons.monitoring import capacity
from coupons.monitoring.capacity import Measurements
from tests.bench import measured_file
from tests.bench.figures import Figure
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
    assert classes == ["cache.t4g.micro", "cache.t4g.micro"]  # few users: the stock is not used up
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


def test_the_page_shows_the_table_of_what_was_measured(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("plan_capacity", "--table")
    page = (TOP / "locust" / "README.md").read_text()
    assert capsys.readouterr().out.strip() in page
    assert capacity.load_measurements().source in page


def test_one_sale_is_planned_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("plan_capacity", "--people", "1000", "--seconds", "10", "--stock", "50")
    assert "At 100 claims a second" in capsys.readouterr().out


# What the bench writes

ABOUT = {"commit": "abc", "at": "2026-01-01T00:00:00Z", "machine": {"cpu": "X", "cores": 2}}
FIGURES = [
    Figure("admission_cpu_ratio", 1, {"us_per_claim": 400.0}),
    Figure("drain_ratio", 1, {"claims_per_s": 9e3, "rows_per_s": 2e4}),
    Figure("redis_decisions_per_s", 5e4),
    Figure("bytes_per_claimant", 60.0, {"with_queue": 200.0}),
]


def test_a_bench_writes_what_capacity_reckons_with(tmp_path: Path) -> None:
    file = tmp_path / "measured.json"
    assert measured_file.write_measured(FIGURES, ABOUT, file) == sorted(capacity.NAMES)
    assert capacity.load_measurements(file) == replace(
        KNOWN, source="bench at abc, X, 2 cores", claims_per_s_per_core=2_500,
        stored_per_s_per_worker=9_000, rows_per_s_per_database_core=20_000,
    )  # fmt: skip


def test_a_bench_of_one_figure_leaves_the_others(tmp_path: Path) -> None:
    file = tmp_path / "measured.json"
    measured_file.write_measured(FIGURES, ABOUT, file)
    again = ABOUT | {"commit": "def"}
    new = Figure("redis_decisions_per_s", 6e4)
    assert measured_file.write_measured([new], again, file) == ["decisions_per_s"]
    known = capacity.load_measurements(file)
    assert (known.decisions_per_s, known.claims_per_s_per_core) == (60_000, 2_500)
    assert known.source == "bench at abc, def, X, 2 cores"


def test_nothing_that_capacity_reckons_with_is_older_than_its_code() -> None:
    assert measured_file.outdated_numbers() == [], (
        'make bench RECORD=yes BENCH="…": see tests/bench/README.md'
    )


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("x = 1  # one\n", "x = 1\n", True),
        (
            'def f():\n    """Old."""\n    return 1\n',
            'def f():\n    """New."""\n    return 1\n',
            True,
        ),
        ("x = 1\n", "x = 2\n", False),
    ],
)
def test_words_about_the_code_make_no_number_old(
    tmp_path: Path, before: str, after: str, same: bool
) -> None:
    file = tmp_path / "code.py"
    digests = []
    for text in (before, after):
        file.write_text(text)
        digests.append(measured_file.code_digest(["code.py"], tmp_path))
    assert (digests[0] == digests[1]) is same


def test_nor_do_those_about_lua(tmp_path: Path) -> None:
    digests = []
    for text in ("-- Old.\nreturn 1\n", "return 1 -- new\n", "return 2\n"):
        (tmp_path / "code.lua").write_text(text)
        digests.append(measured_file.code_digest(["code.lua"], tmp_path))
    assert digests[0] == digests[1] != digests[2]


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "measured.json"
    measured_file.write_measured(FIGURES, ABOUT, file)
    known = json.loads(file.read_text())
    known["decisions_per_s"]["value"] = 0
    file.write_text(json.dumps(known))
    with pytest.raises(ValueError, match="decisions_per_s must be a number above 0"):
        capacity.load_measurements(file)
