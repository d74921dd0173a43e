"""A copy of this checkout in another folder, in which a target of the Makefile may change
anything."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from config import env
from tests.harness import servers

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 2400  # on a busy machine the first build of the containers takes 1,000
STOP_S = 60  # after Ctrl-C
PORTS = (
    "WEB_PORT",
    "OPERATORS_PORT",
    "FLOWER_PORT",
    "VALKEY_PORT",
    "CONSUMER_PORT",
    "MERCHANTS_PORT",
    "PAGES_PORT",
    "SHOP_PORT",
)
KEPT = ("PATH", "HOME", "LANG", "PYTHON", "XDG_CACHE_HOME")


class Failed(Exception):
    """A target did not do its work: `str(failed)` has its output."""


class Copy:
    """A copy of this checkout in another folder, with the same virtual environment."""

    def __init__(self, folder: Path) -> None:
        """In the main thread: from now on this process's children heed Ctrl-C."""
        heed_interrupts()
        self.folder = folder
        files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
        there = [
            name for name in files.stdout.split(b"\0") if name and (ROOT / name.decode()).exists()
        ]
        copy = ["xargs", "-0", "cp", "--parents", "--preserve=mode,timestamps", "-t", str(folder)]
        subprocess.run(copy, cwd=ROOT, input=b"\0".join(there), check=True)
        (folder / ".venv").symlink_to(ROOT / ".venv")
        identity = ["-c", "user.name=verbs", "-c", "user.email=verbs@localhost"]
        for words in (("init", "-q"), ("add", "-A"), (*identity, "commit", "-qm", "As it is.")):
            subprocess.run(["git", *words], cwd=folder, check=True)
        self.ports = {name: servers.free_port() for name in PORTS}
        self.env = {name: env.GIVEN[name] for name in KEPT if name in env.GIVEN}
        self.env |= {name: str(port) for name, port in self.ports.items()} | {"LC_ALL": "C.UTF-8"}

    def make(self, *words: str, **more: str) -> str:
        """Run to the end. Returns the output. Raises Failed if the exit status is not 0."""
        with self._making(*words, **more) as (child, said):
            status = child.wait(PATIENCE_S)
        demand_that(status == 0, f"status {status}", said())
        return said()

    @contextmanager
    def making(self, *words: str, **more: str) -> Iterator[Callable[[], str]]:
        """Run during the block, then send Ctrl-C. Yields a function that returns the output so
        far."""
        with self._making(*words, **more) as (_, said):
            yield said

    @contextmanager
    def _making(
        self, *words: str, **more: str
    ) -> Iterator[tuple[subprocess.Popen[bytes], Callable[[], str]]]:
        log = self.folder / f"{words[0] if words else 'help'}.log"
        with log.open("wb") as out:
            child = subprocess.Popen(
                ["make", "-s", *words], cwd=self.folder, env=self.env | more,
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip
        try:
            yield child, log.read_text
        finally:
            _interrupt(child, log)

    def read(self, path: str) -> Any:
        return json.loads((self.folder / path).read_text())


def heed_interrupts() -> None:
    """A shell without a terminal starts what it puts in the background (`&`, as `.ci/run` does)
    with Ctrl-C ignored, children inherit that, and Locust's page, as any Python program without
    a handler of its own, would never end by it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _interrupt(child: subprocess.Popen[bytes], log: Path) -> None:
    """Ctrl-C. Raises Failed, and ends it, if that does not help."""
    for sent in (signal.SIGINT, signal.SIGKILL):
        with suppress(ProcessLookupError):  # all of it has ended
            os.killpg(child.pid, sent)
        with suppress(subprocess.TimeoutExpired):
            child.wait(STOP_S)
            break
    demand_that(sent is not signal.SIGKILL, "Ctrl-C did not end it", log.read_text())


def demand_that(well: bool, what: str, said: str) -> None:
    if not well:
        raise Failed(f"{what}\n{said[-3000:]}")


def wait_until(true: Callable[[], bool], what: str, said: Callable[[], str]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        demand_that(time.monotonic() < deadline, f"never: {what}", said())
        time.sleep(0.2)
