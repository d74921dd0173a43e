"""Child processes: each has a log and a process group of its own, and is always ended.

The process manager of `make run`, `make demo`, the tests (`tests/harness/servers.py`), the crash
tests and the rehearsal. `tests/config/test_one_harness.py` names what still starts processes by
itself.

Why not honcho's Manager: it ends all programs at once (Redis before the worker that still stores),
kills programs that need more than five seconds, needs the main thread for itself, and its programs
keep running when it is killed.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from config.development.process import signals
from config.development.process.errors import AskedWrongly, Trouble
from config.env import BASE_DIR

STOP_S = 15  # from SIGTERM to SIGKILL: a worker may finish its batch; the queue keeps the rest
_POLL_S = 0.05
# A program that ended so often in so many seconds is not restarted.
_ENDS, _ENDS_WITHIN_S = 4, 60
_TAIL_LINES = 12


class Program:
    """A running program. As a context manager it ends the whole process group on exit."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        log: Path,
        leash: str = "TERM",
        cwd: Path = BASE_DIR,
        stop_s: float | None = None,
    ) -> None:
        """`leash`: the signal that the kernel sends it if we are killed, or if the thread ends that
        has started it (Linux only). The log begins empty. `stop_s`: in place of STOP_S."""
        self.name, self.log, self._offset = name, log, 0
        self._stop_s = stop_s
        self._ended: list[float] = []  # when it was seen to have ended, monotonic seconds
        self._command, self._env, self._cwd = [*leash_command(leash), *command], dict(env), cwd
        log.write_bytes(b"")
        self._child = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as out:
            return subprocess.Popen(
                self._command,
                env=self._env,
                cwd=self._cwd,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C signals only us, and we stop programs in order
            )

    def restart_if_ended(self) -> bool:
        """Restart it if it has ended. False if it runs, or if it ended _ENDS times within
        _ENDS_WITHIN_S: then it stays ended."""
        if self.status is None:
            return False
        now = time.monotonic()
        self._ended = [*(at for at in self._ended if now - at < _ENDS_WITHIN_S), now]
        if len(self._ended) >= _ENDS:
            return False
        self.restart()
        return True

    def restart(self) -> None:
        """Kill what is left of its group, as systemd's KillMode=mixed does, and start it again."""
        self.kill()
        self._child = self._start()

    def __enter__(self) -> "Program":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def status(self) -> int | None:
        """The exit status; None while it runs."""
        return self._child.poll()

    def stop(self) -> None:
        """End it as systemd's KillMode=mixed does: SIGTERM to it alone, which ends its children in
        order (a worker's finish their batch), then SIGKILL to what is left of its group, after
        STOP_S at the latest."""
        self._child.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(STOP_S if self._stop_s is None else self._stop_s)
        self.kill()

    def kill(self) -> None:
        """SIGKILL to it and its process group; returns when it has ended."""
        self._signal(signal.SIGKILL)
        self._child.wait()

    def raise_if_ended(self) -> None:
        """Raises Trouble, with the end of its log, if it has ended."""
        if self.status is not None:
            raise Trouble(f"{self.name} ended by itself (status {self.status}).\n{self.tail()}")

    def wait_until(self, ready: Callable[[], bool], *, patience_s: float) -> None:
        """Wait until `ready()` is true. Raises Trouble if the program ends or takes longer than
        `patience_s`, Stopped if we got a signal to stop."""
        deadline = time.monotonic() + patience_s
        while not ready():
            self.raise_if_ended()
            if time.monotonic() > deadline:
                raise Trouble(f"{self.name} was not ready in {patience_s:.0f} s.\n{self.tail()}")
            signals.interruptible_sleep(_POLL_S)

    def finish(self, *, patience_s: float) -> None:
        """Wait for its end. Raises Trouble if it fails (AskedWrongly for status 2) or takes longer
        than `patience_s`."""
        deadline = time.monotonic() + patience_s
        while self.status is None and time.monotonic() < deadline:
            signals.interruptible_sleep(_POLL_S)
        if self.status is None:
            raise Trouble(f"{self.name} took longer than {patience_s:.0f} s.\n{self.tail()}")
        if self.status:
            kind = AskedWrongly if self.status == AskedWrongly.status else Trouble
            raise kind(self.tail() or f"{self.name} failed (status {self.status}).")

    def tail(self) -> str:
        """The last lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-_TAIL_LINES:])

    def new_lines(self) -> list[str]:
        """Complete lines logged since the last call."""
        with self.log.open("rb") as log:
            log.seek(self._offset)
            fresh, newline, _ = log.read().rpartition(b"\n")
        self._offset += len(fresh) + len(newline)
        return fresh.decode(errors="replace").splitlines()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):  # no process is left in the group
            os.killpg(self._child.pid, number)


def leash_command(signal_name: str) -> list[str]:
    """The command prefix by which Linux signals the program if we are killed; elsewhere empty."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", signal_name] if setpriv else []
