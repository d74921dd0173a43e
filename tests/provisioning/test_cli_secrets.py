"""Secrets and SSH keys that the command line makes."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.provisioning.command_line import ROOT, call_command_line

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("shared_clients")]


def test_secrets_are_strong_stored_encrypted_and_never_shown(
    hello_rig: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert call_command_line("apply") == 0
    for verb in (["plan"], ["status"], ["inventory", "--out", str(tmp_path)]):
        call_command_line(*verb)
        call_command_line(*verb, "--output", "json")
    shown = "".join(capsys.readouterr()) + "".join(
        file.read_text() for file in tmp_path.iterdir() if file.is_file()
    )
    names = [key.name for key in hello_rig.find_all() if key.kind == "secret"]
    assert len(names) == 6
    values = set()
    for name in names:
        told = hello_rig.cloud.ssm.get_parameter(
            Name=f"/coupon/hello/secrets/{name}", WithDecryption=True
        )["Parameter"]
        assert told["Type"] == "SecureString"
        assert len(told["Value"]) >= 40
        assert told["Value"] not in shown
        values.add(told["Value"])
    assert len(values) == len(names)
    assert (key := (tmp_path / "keys" / "helloAWS.pem")).exists()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert "PRIVATE KEY" not in shown


def test_a_key_never_lies_in_the_repository(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COUPON_KEYS_DIR", str(ROOT / "build"))
    assert call_command_line("apply") == 1
    assert "must not be in the repository" in capsys.readouterr().err
    assert not (ROOT / "build" / "helloAWS.pem").exists()


def test_a_key_made_by_a_killed_run_is_used_again(hello_rig: Any) -> None:
    hello_rig.build()
    file = Path(os.environ["COUPON_KEYS_DIR"]) / "helloAWS.pem"
    first = file.read_bytes()
    hello_rig.cloud.ec2.delete_key_pair(KeyName="helloAWS")
    hello_rig.apply_plan()
    assert file.read_bytes() == first
