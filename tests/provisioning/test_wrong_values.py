"""Issue 12, 25: every option of every verb refuses wrong values with a sentence and status 64 (a
script would read click's own 2 as "there are changes"), before AWS is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from provisioning import cli
from provisioning.__main__ import MISUSED, run_command
from provisioning.parameters import ACCOUNT, HOST, Folder, Name

OPERATOR = "198.51.100.7/32"
BLANKS = (" ", "\t")
# Values that the spec's checks or the AWS session refuse: status 1.
JUDGED = {
    "environment": ("nosuch", "../production", "쿠폰", "x" * 5000, "{binary}", "{folder}.toml"),
    "operator": ("", *BLANKS, "abc", "0.0.0.0/0", "::1/128", "198.51.100.7/99", "쿠폰", "-1"),
    "certificate": (*BLANKS, "abc", "쿠폰", "-1"),
    "profile": ("nosuch", "쿠폰"),
}


ARGUMENTS = {"ssh": ("bastion",), "rotate": ("coupon-store",)}


def verb_options() -> Iterator[Any]:
    for verb, command in cli.main.commands.items():
        for option in command.params:
            if option.name != "rest":  # of ssh: a command for the host
                yield pytest.param(verb, option, id=f"{verb} {option.opts[-1]}")


def wrong_values(option: click.Parameter, file: Path) -> tuple[str, ...]:
    """Values that the option must refuse. Raises LookupError for an unknown kind of option."""
    kind = option.type
    if getattr(option, "is_flag", False):
        return ("1", "no", "")
    if isinstance(kind, click.IntRange):
        beyond = (str(int(kind.min or 0) - 1), str(int(kind.max or 0) + 1))
        return ("", *BLANKS, "abc", "1.5", "-1", *beyond, "9" * 400, "nan", "쿠폰")
    if isinstance(kind, click.Choice):
        return ("", *BLANKS, "nosuch", "쿠폰")
    if isinstance(kind, Folder):
        return (*BLANKS, str(file), str(file / "below"))
    if isinstance(kind, Name):
        return ("", *BLANKS, "a\nb")
    if kind is HOST:
        return (*BLANKS, "a b", "-o", "쿠폰", "a;b", "x" * 300)
    if kind is ACCOUNT:
        return ("", *BLANKS, "12", "1" * 13, "abc", "**", "쿠폰", "-1")
    if option.name in JUDGED:
        return ()
    raise LookupError(f"{option.name}: no wrong values are known. See provisioning/parameters.py.")


NEEDED = {"warm": {"--lcu": "100"}, "scale": {"--api": "2"}}  # options that a verb demands


def command_words(verb: str, option: click.Parameter, value: str) -> list[str]:
    said = {"--env": "production", "--operator": OPERATOR} | (
        {"--certificate": "arn:aws:acm:ap-northeast-2:123456789012:certificate/abc"}
    )
    said |= NEEDED.get(verb, {})
    line = [verb, *(f"{name}={said[name]}" for name in said if name not in option.opts)]
    if verb == "restore" and "--snapshot" not in option.opts:
        line.append("--snapshot=last")
    if isinstance(option, click.Option):
        return [*line, f"{option.opts[-1]}={value}", *ARGUMENTS.get(verb, ())]
    return [*line, "--", value]


@pytest.mark.parametrize(("verb", "option"), list(verb_options()))
def test_a_verb_refuses_a_wrong_value_before_aws_is_asked(
    verb: str,
    option: click.Parameter,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if option.name != "profile":
        never = lambda *_, **__: pytest.fail("AWS would be asked")  # noqa: E731
        monkeypatch.setattr(cli, "connect_cloud", never)
    file, binary = tmp_path / "a-file", tmp_path / "binary.toml"
    file.write_text("")
    binary.write_bytes(b"\xff\xfe")
    (tmp_path / "folder.toml").mkdir()
    judged = [
        said.format(binary=binary, folder=tmp_path / "folder")
        for said in JUDGED.get(str(option.name), ())
    ]
    cases = dict.fromkeys(wrong_values(option, file), MISUSED) | dict.fromkeys(judged, 1)
    assert cases
    for value, expected in cases.items():
        status = run_command(command_words(verb, option, value))
        told = capsys.readouterr()
        assert (status, told.out) == (expected, ""), (value[:80], told)
        lines = told.err.strip().splitlines()
        assert 1 <= len(lines) <= (1 if expected == MISUSED else 2), (value[:80], told.err)
        assert "Traceback" not in told.err
