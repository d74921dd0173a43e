"""Quoting of file names in the files of other programs, by each program's own rules."""

from __future__ import annotations

import shlex
import unicodedata
from pathlib import Path

from provisioning.errors import ProvisioningError


def ssh_word(path: Path) -> str:
    """A file name for ssh_config(5): quoted, without parts that ssh would expand. Raises
    ProvisioningError if it can't be written."""
    text = _demand_plain(path)
    if "${" in text:  # ssh has no way to escape these two characters
        raise ProvisioningError(
            f"ssh would read the folder {text} as a variable.",
            todo="Take a folder whose name does not contain ${.",
        )
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def ansible_words(*words: str | Path) -> str:
    """A shell command line as a variable of an inventory, which is also a template. Each brace is
    quoted alone: in strings of a template Ansible reads a backslash otherwise than Jinja."""
    line = shlex.join(_demand_plain(word) for word in words)
    is_template = any(mark in line for mark in ("{{", "{%", "{#"))
    return line.replace("{", "{{ '{' }}") if is_template else line


def _demand_plain(word: str | Path) -> str:
    text = str(word)
    if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in text):
        raise ProvisioningError(
            f"The name {text!r} contains a control character or is no text.",
            todo="Take a folder of another name.",
        )
    return text
