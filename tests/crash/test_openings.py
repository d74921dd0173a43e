"""The short form of `make crash-test`, with fixed seeds; and its negative controls."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow


def play_openings(folder: Path, *words: str) -> tuple[int, dict[str, Any]]:
    """The exit status of the command, and its record."""
    output = folder / "crash.json"
    command = [sys.executable, "-m", "tests.crash", "--output", str(output), *words]
    done = subprocess.run(command, timeout=300, check=False, capture_output=True, text=True)
    assert output.exists(), done.stderr[-2000:]
    return done.returncode, json.loads(output.read_text())


def test_an_opening_keeps_its_word_while_everything_dies(tmp_path: Path) -> None:
    status, totals = play_openings(tmp_path, "--runs", "5", "--seed", "100")
    assert status == 0, totals
    assert totals["runs"] == 5
    assert totals["faults"] + totals["faults_missed"] == 30
    assert totals["told"] == totals["stored"] > 500
    assert (
        not totals["lost"]
        + totals["over_issued"]
        + totals["duplicates"]
        + totals["changed_answers"]
    )


def test_13_6_an_opening_keeps_its_word_while_strangers_are_at_every_door(tmp_path: Path) -> None:
    kinds = ("slow_bodies", "login_flood", "readyz_flood")
    only = [word for kind in kinds for word in ("--only", kind)]
    status, totals = play_openings(tmp_path, *only, "--runs", "2", "--seed", "5")
    assert status == 0, totals
    assert totals["faults"] == 12
    assert totals["told"] == totals["stored"] > 300


@pytest.mark.long
@pytest.mark.parametrize(
    ("build", "faults", "seen"),
    [
        ("acknowledged_before_stored", ["kill_worker_child", "slow_database"], "lost"),
        ("nobody_takes_over", ["kill_worker_child", "slow_database"], "unsettled"),
        ("queued_in_a_second_step", ["flush_scripts"], "lost"),
        ("missing_means_nothing_issued", ["forget_store"], "duplicates"),
        ("carried_by_the_message", ["empty_broker"], "hidden"),
        ("counted_in_python", ["slow_store"], "lost"),
        ("collisions_ignored", ["turn_back"], "hidden"),
        ("no_append_only_file", ["kill_store"], "under_issued"),
        ("no_unique_keys", ["slow_database", "pause_worker_child", "many_drains"], "duplicates"),
    ],
)
def test_negative_control_without_its_protection_a_run_is_seen_to_break_its_word(
    tmp_path: Path, build: str, faults: list[str], seen: str
) -> None:
    only = [word for fault in faults for word in ("--only", fault)]
    status, totals = play_openings(
        tmp_path, "--broken", build, *only, "--runs", "10", "--seed", "1", "--settle", "5", "--stop"
    )
    assert status == 1
    assert totals[seen] > 0


@pytest.mark.long
def test_negative_control_messages_that_expire_by_a_workers_clock_are_seen(tmp_path: Path) -> None:
    """12 A2. With these seeds both workers' clocks are soon three hours ahead and stay so, beat's
    never. A drain that began before may serve a whole sale, so one of the seeds must show it."""
    for seed in ("189", "4229", "5129", "5412", "6006", "9721"):
        status, totals = play_openings(
            tmp_path, "--broken", "messages_expire", "--only", "wrong_clock",
            "--runs", "1", "--seed", seed, "--settle", "10",
        )  # fmt: skip
        if status:
            break
    assert totals["unsettled"] > 0


def test_openings_keep_their_word_whoever_has_a_wrong_clock(tmp_path: Path) -> None:
    """12 A2: the same fault on the unchanged product."""
    status, totals = play_openings(
        tmp_path, "--only", "wrong_clock", "--runs", "3", "--seed", "12000"
    )
    assert status == 0, totals
    assert totals["faults"] == 18
    assert totals["told"] == totals["stored"] > 300


@pytest.mark.long
def test_negative_control_without_wait_and_fence_a_failover_is_seen_to_lose() -> None:
    command = [sys.executable, "-m", "tests.crash.experiments", "failover-without", "--rounds", "2"]
    done = subprocess.run(command, timeout=300, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]  # of a control: detected


@pytest.mark.long
def test_a_place_given_twice_is_parked_for_all_to_see(tmp_path: Path) -> None:
    """The same fault as with `collisions_ignored`, on the unchanged product."""
    status, totals = play_openings(tmp_path, "--only", "turn_back", "--runs", "1", "--seed", "1",
                                 "--settle", "5", "--stop")  # fmt: skip
    assert status == 1
    assert totals["lost"] > 0 == totals["hidden"]
