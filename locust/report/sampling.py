"""Sample a site from outside during a run: CPU time of each part, the number of stored coupons, and
the consumer's metrics."""

import re
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import Any

import psutil

STEP_S = 0.25
ELSE = "else"  # CPU time of all other programs
METRICS_EVERY = 4  # steps; not every one, since serving /metrics costs the site CPU
_WAITING = re.compile(r'^coupon_waiting_claims\{[^}]*campaign="([^"]+)"[^}]*\} (\S+)', re.M)


@dataclass(frozen=True, slots=True)
class Sample:
    """`at`: Unix seconds; `cpu`: part → cores in use since the previous sample; `stored`: None if
    the database did not answer; `waiting`: campaign → waiting claims by /metrics, if it was read.
    """

    at: float
    cpu: dict[str, float]
    stored: int | None = None
    waiting: dict[str, float] = field(default_factory=dict)


class ProcessGroups:
    """CPU time of groups of processes: each a root process and its children."""

    def __init__(self, roots: Mapping[str, int]) -> None:
        self._roots, self._spent = dict(roots), dict[str, float]()
        self._busy, self._since = 0.0, time.monotonic()
        self.cores_used()

    def add_group(self, name: str, pid: int) -> None:
        self._roots[name] = pid

    def cores_used(self) -> dict[str, float]:
        """Cores in use since the last call: of each part, and of all other programs."""
        before, was_busy, since = self._spent, self._busy, self._since
        self._spent = {name: _spent(pid) for name, pid in list(self._roots.items())}
        self._busy, self._since = _busy(), time.monotonic()
        used = {
            name: max(0.0, spent - before.get(name, spent)) for name, spent in self._spent.items()
        }
        used[ELSE] = max(0.0, self._busy - was_busy - sum(used.values())) if was_busy else 0.0
        passed = max(self._since - since, 1e-3)
        return {name: round(seconds / passed, 3) for name, seconds in used.items()}


def _busy() -> float:
    """CPU seconds of this machine, from the kinds that its system reports."""
    times = psutil.cpu_times()
    kinds = ("user", "nice", "system", "irq", "softirq")
    return sum(getattr(times, kind, 0.0) for kind in kinds)


def _spent(pid: int) -> float:
    """CPU seconds of a process and its living children; ended ones no longer count."""
    seconds = 0.0
    with suppress(psutil.NoSuchProcess):
        first = psutil.Process(pid)
        for process in (first, *first.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                seconds += times.user + times.system
    return seconds


def listening_pid(port: int) -> int:
    """The pid of the process that listens on this port of this machine. Raises LookupError."""
    for connection in psutil.net_connections("tcp"):
        local: Any = connection.laddr
        if connection.status == psutil.CONN_LISTEN and local.port == port and connection.pid:
            return int(connection.pid)
    raise LookupError(f"No process of this machine listens on port {port}.")


@contextmanager
def sample_site(
    parts: ProcessGroups, *, stored: Callable[[], int], metrics_url: str
) -> Iterator[list[dict[str, Any]]]:
    """A thread appends samples to the yielded list until the block ends."""
    samples: list[dict[str, Any]] = []
    over = threading.Event()

    def take_samples() -> None:
        number = 0
        while not over.wait(STEP_S):
            told = {} if number % METRICS_EVERY else _waiting(metrics_url)
            samples.append(asdict(Sample(time.time(), parts.cores_used(), _maybe(stored), told)))
            number += 1

    thread = threading.Thread(target=take_samples, name="watch")
    thread.start()
    try:
        yield samples
    finally:
        over.set()
        thread.join()


def _maybe(stored: Callable[[], int]) -> int | None:
    """None if the database does not answer: a gap in the chart, not the end of the run."""
    try:
        return stored()
    except Exception:
        return None


def _waiting(url: str) -> dict[str, float]:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - the site's own
            text = answer.read().decode()
    except OSError:
        return {}
    return {campaign: float(count) for campaign, count in _WAITING.findall(text)}
