"""Names of files inside files of other programs, quoted by each program's own rules."""

from __future__ import annotations

import shlex
import unicodedata
from pathlib import Path

from provisioning.errors import ProvisioningError


def ssh_word(path: Path) -> str:
    """A file in ssh_config(5): quoted, and with no part that ssh would expand."""
    text = _demand_plain(path)
    if "${" in text:  # ssh has no way to write these two signs
        raise ProvisioningError(
            f"ssh would read the folder {text} as a variable.",
            todo="Take a folder whose name holds no ${.",
        )
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def ansible_words(*words: str | Path) -> str:
    """Words of a shell's line as a variable of an inventory, which is a template, too. Each brace
    alone is quoted: in the strings of a template Ansible reads a backslash otherwise than Jinja."""
    line = shlex.join(_demand_plain(word) for word in words)
    is_template = any(mark in line for mark in ("{{", "{%", "{#"))
    return line.replace("{", "{{ '{' }}") if is_template else line


def _demand_plain(word: str | Path) -> str:
    text = str(word)
    if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in text):
        raise ProvisioningError(
            f"The name {text!r} holds a control character or is no text.",
            todo="Take a folder of another name.",
        )
    return text
