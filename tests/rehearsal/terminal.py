"""A shell on a terminal, as a person has one: what it started stays, and programs ask."""

from __future__ import annotations

import fcntl
import os
import re
import select
import struct
import subprocess
import termios
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

WIDE = struct.pack("HHHH", 50, 200, 0, 0)  # rows, columns, and two that nobody uses
POLL_S = 0.2
# Folder and variables last from one command to the next.
SHELL = """
[ ! -e "$STATE" ] || . "$STATE"
set -a
{command}
status=$?
{{ export -p; printf 'cd %q\\n' "$PWD"; }} >"$STATE"
exit $status
"""


@dataclass(frozen=True)
class Ended:
    status: int
    output: str


class Terminal:
    """It is no session of its own, whose end would hang up what runs in the background.

    `folder` is where it begins; its state and what it showed (`shown`) are written beside."""

    def __init__(self, folder: Path, *, shown: Path, env: Mapping[str, str]) -> None:
        self.folder, self._shown = folder, shown
        self._env = {**os.environ, **env, "STATE": str(folder.with_name("shell-state"))}
        shown.write_text("")

    def run(self, command: str, answers: Mapping[str, str]) -> Ended:
        """Run it to its end. `answers` are typed where the last line matches (a regular expression
        each), once each. What it leaves in the background goes on."""
        ours, theirs = os.openpty()
        fcntl.ioctl(ours, termios.TIOCSWINSZ, WIDE)
        going = subprocess.Popen(
            ["bash", "-c", SHELL.format(command=command)], cwd=self.folder, env=self._env,
            stdin=theirs, stdout=theirs, stderr=theirs,
        )  # fmt: skip
        os.close(theirs)
        try:
            with self._shown.open("ab", buffering=0) as file:
                file.write(f"$ {command}\n".encode())
                output = _converse(ours, going, dict(answers), file).replace("\r\n", "\n")
        finally:
            os.close(ours)
        return Ended(going.wait(), output)


def _converse(
    ours: int, going: subprocess.Popen[bytes], answers: dict[str, str], shown: IO[bytes]
) -> str:
    """What it prints, until it has ended and prints no more; also written to `shown` as it
    comes."""
    said = b""
    asked_from = 0
    while True:
        ended = going.poll() is not None
        if select.select([ours], [], [], POLL_S)[0]:
            try:
                got = os.read(ours, 65536)
            except OSError:  # nobody has the terminal any more
                break
            said += got
            shown.write(got)
            question = said[asked_from:].decode(errors="replace").rpartition("\n")[2]
            if answer := _answer_to(question, answers):
                os.write(ours, answer.encode() + b"\n")
                asked_from = len(said)
        elif ended:
            break
    return said.decode(errors="replace")


def _answer_to(question: str, answers: dict[str, str]) -> str:
    """The answer, which is given once; empty: nothing is asked."""
    for form in answers:
        if re.search(form, question):
            return answers.pop(form)
    return ""
