"""Load runs import nothing of the site and have their own reader of `.env`, which must read as the
site's does."""

from pathlib import Path

import env_files as loads
import pytest

from config import env_files as site
from tests.config.env_lines import READ_ALIKE, REFUSED


@pytest.mark.parametrize("line", [*(line for line, _ in READ_ALIKE), *REFUSED])
def test_12_18_a_load_run_reads_dotenv_as_the_site_does(tmp_path: Path, line: str) -> None:
    path = tmp_path / ".env"
    path.write_bytes(f"B=c\n{line}\n".encode())
    try:
        expected = site.read_env_file(path)
    except site.Unreadable:
        with pytest.raises(loads.Unreadable, match="line 2"):
            loads.read_settings(path)
    else:
        assert loads.read_settings(path) == expected


def test_a_byte_order_mark_is_left_out_by_both(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes("\ufeffA=b\n".encode())
    assert loads.read_settings(path) == site.read_env_file(path) == {"A": "b"}


def test_12_18_a_load_run_joins_what_the_site_joins(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / ".env").write_text("A=dotenv\n")
    (tmp_path / "var" / "local.env").write_text("A=laptop\nB=laptop\n")
    for environment in ({}, {"A": "said"}, {"COUPONS_ENV": "production"}, {"ENV_FILES": "/x"}):
        ours, theirs = dict(environment), dict(environment)
        loads.load_settings(ours, tmp_path)
        site.join_env_files(theirs, tmp_path)
        assert ours == theirs
