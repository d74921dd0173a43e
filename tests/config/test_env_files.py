"""12, part 9: `.env` is read as systemd reads an EnvironmentFile=, or it is refused."""

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import env_files
from tests.config.env_lines import READ_ALIKE, REFUSED

# Django draws secret keys from these, and people paste them.
HARD = "abc$def#ghi${HOME}%(x)s!@&*-_=+:/?;,.~`[]{}|<>^'\""


@pytest.fixture
def env_file_path(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def write_and_read(path: Path, text: str) -> dict[str, str]:
    path.write_bytes(text.encode())
    return env_files.read_env_file(path)


@pytest.mark.parametrize(("line", "value"), READ_ALIKE)
def test_12_9_a_value_is_what_systemd_would_make_of_it(
    env_file_path: Path, line: str, value: str
) -> None:
    assert write_and_read(env_file_path, f"# first\n\n{line}\n  # 마지막\n") == {"A": value}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
@pytest.mark.parametrize(("line", "value"), [each for each in READ_ALIKE if each[1]])
def test_12_9_systemd_itself_makes_the_same_of_it(
    env_file_path: Path, line: str, value: str
) -> None:
    """systemd reads os-release by the same code as an EnvironmentFile=, and can print the
    result."""
    env_file_path.write_bytes(f"# first\n\n{line}\n  # 마지막\n".encode())
    assert _systemd_finds(env_file_path, value)
    assert not _systemd_finds(env_file_path, value + "x")


def _systemd_finds(path: Path, value: str) -> bool:
    word = f"A={value}".replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    done = subprocess.run(
        ["systemd-analyze", "condition", f'ConditionOSRelease="{word}"'],
        env=os.environ | {"SYSTEMD_OS_RELEASE": str(path)}, capture_output=True, check=False,
    )  # fmt: skip
    return done.returncode == 0


@pytest.mark.parametrize("line", REFUSED)
def test_12_9_what_two_readers_read_differently_is_refused(env_file_path: Path, line: str) -> None:
    with pytest.raises(env_files.Unreadable, match=r"\.env, line 2") as refused:
        write_and_read(env_file_path, f"B=c\n{line}\n")
    assert "sec" not in str(refused.value)


def test_a_byte_order_mark_is_no_part_of_the_first_name(env_file_path: Path) -> None:
    assert write_and_read(env_file_path, "\ufeffA=b\nC=d\n") == {"A": "b", "C": "d"}
    assert write_and_read(env_file_path, "\ufeff# a comment\nA=b\n") == {"A": "b"}
    with pytest.raises(env_files.Unreadable):
        write_and_read(env_file_path, "A=b\n\ufeffC=d\n")  # only at the beginning is it one


def test_12_9_a_file_that_is_no_text_is_refused(env_file_path: Path) -> None:
    env_file_path.write_bytes(b"A=\xff\xfe\n")
    with pytest.raises(env_files.Unreadable, match="can't be read"):
        env_files.read_env_file(env_file_path)


@given(st.text(st.sampled_from(HARD + "\\ 가"), min_size=1))
def test_12_9_any_secret_arrives_whole_or_not_at_all(
    tmp_path_factory: pytest.TempPathFactory, secret: str
) -> None:
    """Written without quotes, or in either kind of quotes."""
    path = tmp_path_factory.mktemp("env") / ".env"
    escaped = secret.replace("\\", "\\\\").replace('"', '\\"')
    with suppress(env_files.Unreadable):
        assert write_and_read(path, f"A={secret}\n") in ({"A": secret.strip()}, {"A": secret[1:-1]})
    assert write_and_read(path, f'A="{escaped}"\n') == {"A": secret}
    if "'" not in secret and "\\" not in secret:
        assert write_and_read(path, f"A='{secret}'\n") == {"A": secret}


def join_files(folder: Path, **environment: str) -> dict[str, str]:
    env_files.join_env_files(environment, folder)
    return environment


def test_the_environment_comes_first_then_dotenv_then_the_laptops_secrets(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / ".env").write_text("A=dotenv\nB=dotenv\n")
    (tmp_path / "var" / "local.env").write_text("A=laptop\nB=laptop\nC=laptop\n")
    assert join_files(tmp_path, A="said") == {"A": "said", "B": "dotenv", "C": "laptop"}


def test_12_24_production_joins_neither(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / ".env").write_text("A=dotenv\n")
    (tmp_path / "var" / "local.env").write_text("SECRET_KEY=laptop\n")
    assert join_files(tmp_path, COUPONS_ENV="production") == {"COUPONS_ENV": "production"}
    (tmp_path / ".env").write_text("COUPONS_ENV=production\n")
    assert join_files(tmp_path) == {"COUPONS_ENV": "production"}


def test_a_file_that_can_not_be_read_ends_the_process_with_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".env").write_text("SECRET_KEY=abc # of mine\n")
    with pytest.raises(SystemExit) as ended:
        join_files(tmp_path)
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "line 1: SECRET_KEY" in line
    assert "abc" not in line


def test_a_folder_called_dotenv_is_no_file_of_settings(tmp_path: Path) -> None:
    """A virtual environment may be called `.env`."""
    (tmp_path / ".env").mkdir()
    assert join_files(tmp_path) == {}


def test_the_files_can_be_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=dotenv\n")
    (tmp_path / "other.env").write_text("A=other\n")
    assert join_files(tmp_path, ENV_FILES="other.env")["A"] == "other"
    assert "A" not in join_files(tmp_path, ENV_FILES=os.devnull)
