"""Real runs of Locust against a real site: the exit code is the verdict."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.load.conftest import TOP, Site

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "record.json"


def locust(environment: dict[str, str], host: str, record: Path, *more: str) -> int:
    command = [
        sys.executable, "-m", "locust", "-f", "locust/locustfile.py", "--headless",
        "--only-summary", "--host", host, "--record", str(record), "--gather", "4",
        "--seconds", "2", "--users", "120", "--stock", "40", *more,
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=TOP, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    print(done.stdout[-2000:], done.stderr[-4000:])
    return done.returncode


def read(record: Path) -> Any:
    return json.loads(record.read_text())


def test_an_opening_on_a_true_site_ends_well(
    site: Site, site_environment: dict[str, str], record: Path
) -> None:
    assert locust(site_environment, site(), record) == 0
    said = read(record)
    assert said["verdict"] | {"faults": []} == {
        "told": 40, "stored": 40, "asked_back": 40, "faults": [], "well": True,
    }  # fmt: skip
    counts = {group: times["count"] for group, times in said["figures"]["outcomes"].items()}
    assert (counts["admitted"], counts["sold_out"]) == (40, 80)
    assert said["figures"]["configured_per_s"] == 60


def test_a_site_that_tells_and_does_not_store_is_found_out(
    site: Site, site_environment: dict[str, str], record: Path
) -> None:
    """Nobody drains: everyone was told, nothing is stored."""
    host = site(worker=False)
    assert locust(site_environment, host, record, "--storing", "1") == 1
    verdict = read(record)["verdict"]
    assert (verdict["told"], verdict["stored"], verdict["well"]) == (40, 0, False)


def test_two_load_processes_have_different_people_and_one_verdict(
    site: Site, site_environment: dict[str, str], record: Path
) -> None:
    status = locust(
        site_environment, site(), record, "--processes", "2", "--scenario", "retries",
        "--users", "60", "--master-bind-host", "127.0.0.1",
    )  # fmt: skip
    assert status == 0
    said = read(record)
    assert (said["verdict"]["told"], said["verdict"]["stored"]) == (40, 40)
    assert said["figures"]["asks_in_all"]["already_claimed"] > 0


def test_without_a_site_there_is_no_run(site_environment: dict[str, str], record: Path) -> None:
    assert locust(site_environment, "http://127.0.0.1:1", record) == 2
    assert not record.exists()
