"""Secrets are made once, kept private, and readable by a shell."""

import subprocess
from pathlib import Path

import pytest

from config import env
from config.development import secrets_file

NAMES = {"SECRET_KEY", "COUPON_KEYS", "JWT_HS256_SECRET", "ADMIN_PASSWORD"}


@pytest.fixture
def secrets_path(tmp_path: Path) -> Path:
    return tmp_path / "local.env"


def test_secrets_are_the_same_at_the_next_start(secrets_path: Path) -> None:
    first = secrets_file.load_secrets(secrets_path, {})
    assert first.keys() == NAMES
    assert secrets_file.load_secrets(secrets_path, {}) == first


def test_two_machines_have_different_secrets(tmp_path: Path) -> None:
    here, there = (
        secrets_file.load_secrets(tmp_path / name, {}) for name in ("here.env", "there.env")
    )
    assert not set(here.values()) & set(there.values())


def test_only_the_owner_can_read_the_secrets(secrets_path: Path) -> None:
    secrets_file.load_secrets(secrets_path, {})
    assert secrets_path.stat().st_mode & 0o777 == 0o600


def test_the_environment_wins_and_is_not_written_down(secrets_path: Path) -> None:
    given = secrets_file.load_secrets(secrets_path, {"JWT_HS256_SECRET": "the shop's own"})
    assert given["JWT_HS256_SECRET"] == "the shop's own"
    assert "the shop's own" not in secrets_path.read_text()


def test_a_secret_that_is_new_joins_the_old_ones(secrets_path: Path) -> None:
    secrets_path.write_text("SECRET_KEY=old\n")
    secrets = secrets_file.load_secrets(secrets_path, {})
    assert secrets.keys() == NAMES
    assert secrets["SECRET_KEY"] == "old"


def test_the_settings_accept_the_coupon_keys(
    secrets_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUPON_KEYS", secrets_file.load_secrets(secrets_path, {})["COUPON_KEYS"])
    (key,) = env.secrets_by_id("COUPON_KEYS", local="").values()
    assert len(key) == 32


def test_a_shell_reads_them_as_they_are(secrets_path: Path) -> None:
    secrets = secrets_file.load_secrets(secrets_path, {})
    script = f'set -a; . "{secrets_path}"; printf %s "$ADMIN_PASSWORD"'
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout == secrets["ADMIN_PASSWORD"]
