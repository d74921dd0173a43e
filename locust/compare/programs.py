"""Start, await and stop the processes of the comparison; ends only processes that it started."""

import os
import random
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

START_S, STOP_S = 60, 20


@dataclass(frozen=True, slots=True)
class Program:
    """`ready`: a URL that answers when it is up; empty: wait a fixed time."""

    name: str
    command: list[str]
    env: dict[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    ready: str = ""


@contextmanager
def running(program: Program, folder: Path) -> Iterator[int]:
    """Run the program during the block. Yields its process id."""
    log = folder / f"{program.name}.log"
    with log.open("ab") as out:
        child = subprocess.Popen(
            program.command, env=os.environ | program.env, cwd=program.cwd,
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    try:
        _wait(child, program, log)
        yield child.pid
    finally:
        _stop(child)


def _wait(child: subprocess.Popen[bytes], program: Program, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while program.ready and not _answers(program.ready):
        if child.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{program.name} did not start:\n{log.read_text()[-2000:]}")
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - one of ours
            return True
    except urllib.error.HTTPError as refusal:
        refusal.close()
        return True
    except OSError:
        return False


def _stop(child: subprocess.Popen[bytes]) -> None:
    child.send_signal(signal.SIGTERM)
    try:
        child.wait(STOP_S)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)  # its own process group only
        child.wait()


def free_port() -> int:
    """Not an ephemeral port: the kernel could give that to another connection meanwhile."""
    while True:
        port = random.randint(10_240, 32_767)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
