"""`make run` and `make demo` as processes that a test starts, inspects and ends."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path

import psutil

from config.development.process import ports
from tests.harness.forked_python import run_python

ROOT = Path(__file__).parents[2]
READY_S, END_S = 180, 60
MARK = "COUPONS_TEST_MARK"  # inherited by all processes that a command starts


def clean_environment(folder: Path) -> dict[str, str]:
    """Without the test's own servers; temporary files in this folder."""
    clean = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    return clean | {"TMPDIR": str(folder)}


class Command:
    """`python -m config.development …` in an environment of its own, its output in a file."""

    def __init__(self, *arguments: str, folder: Path, **env: str) -> None:
        self.mark, self.out = uuid.uuid4().hex, folder / f"{uuid.uuid4().hex}.out"
        with self.out.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "config.development", *arguments],
                cwd=ROOT,
                env=clean_environment(folder) | env | {MARK: self.mark},
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    @property
    def output_text(self) -> str:
        return self.out.read_text()

    def until_it_says(self, text: str) -> None:
        deadline = time.monotonic() + READY_S
        while text not in self.output_text:
            assert self.process.poll() is None, self.output_text
            assert time.monotonic() < deadline, self.output_text
            time.sleep(0.05)

    def stop_command(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.exit_status()

    def exit_status(self) -> int:
        return self.process.wait(END_S + READY_S)

    def process_tree(self) -> list[int]:
        """Pids of the process and all its descendants."""
        found = []
        for environ in Path("/proc").glob("[0-9]*/environ"):
            try:
                if f"{MARK}={self.mark}".encode() in environ.read_bytes():
                    found.append(int(environ.parent.name))
            except OSError:
                continue  # it ended just now, or is not ours
        return found

    def find_process(self, word: str) -> int:
        """Pid of its oldest process with this word in its command line."""
        return min(
            pid
            for pid in self.process_tree()
            if word.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
        )

    def find_child(self, word: str) -> int:
        """Pid of its child with this word in its title. For valkey, whose title overwrites the
        environment that `process_tree` reads."""
        (pid,) = (
            each.pid
            for each in psutil.Process(self.process.pid).children()
            if word in " ".join(each.cmdline())
        )
        return int(pid)


class Laptop:
    """A folder and ports for `run`, so that a running `make run` is not disturbed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[Command] = []
        names = ("WEB_PORT", "FLOWER_PORT", "VALKEY_PORT", "CONSUMER_PORT", "OPERATORS_PORT",
                 "MERCHANTS_PORT", "PAGES_PORT", "SHOP_PORT")  # fmt: skip
        self.ports = {name: str(ports.free_port()) for name in names}

    def start_run(self, **env: str) -> Command:
        command = Command(*self._words, folder=self.folder, **self.ports, **env)
        self.started.append(command)
        return command

    def refused_run(self, **env: str) -> tuple[int, str]:
        """The exit status, and what is printed, of a run that ends by itself."""
        given = clean_environment(self.folder) | self.ports | env
        words = ("-m", "config.development", *self._words)
        done = run_python(*words, env=given, cwd=ROOT, timeout_s=READY_S)
        return done.returncode, done.stdout + done.stderr

    @property
    def _words(self) -> tuple[str, ...]:
        return ("run", "--folder", str(self.folder / "var"))

    def start_serving(self) -> Command:
        command = self.start_run()
        command.until_it_says("Ctrl-C stops everything.")
        return command


def claim_as_printed(command: Command) -> dict[str, object]:
    """Send the claim that the printed curl command sends, and return its body."""
    found = re.search(r'TOKEN=(\S+)\n  curl -X POST (\S+) -H "Auth', command.output_text)
    assert found
    request = urllib.request.Request(
        found[2], method="POST", headers={"Authorization": f"Bearer {found[1]}"}, data=b""
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return {"status": response.status, **json.load(response)}


def all_gone(command: Command) -> bool:
    return becomes_true(lambda: not command.process_tree())


def becomes_true(true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + END_S
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    return true()
