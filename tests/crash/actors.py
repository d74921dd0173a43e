"""Processes that are started again whenever they end, as systemd does.

One thread supervises all of them. Signals go to processes found in the process tree, never by
name.
"""

import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, RLock, Thread

from config.development.process.programs import Program

RESTART_S = 0.2  # as RestartSec in a unit
_POLL_S = 0.03


@dataclass(slots=True)
class Actor:
    """A program and its command. `paused` are pids that were stopped by SIGSTOP (negative: a
    group)."""

    name: str
    command: Sequence[str]
    env: dict[str, str]
    log: Path
    ready: Callable[[], bool]
    program: Program | None = None
    dead_since: float = 0.0
    held_down: bool = False
    restarts: int = 0
    paused: set[int] = field(default_factory=set)

    def start(self) -> None:
        """Start or restart. Children that outlived their parent are killed, as by
        KillMode=mixed."""
        if self.program is None:
            self.program = Program(
                self.name, self.command, env=self.env, log=self.log, leash="KILL", cwd=Path.cwd()
            )
        else:
            self.program.restart()
        self.dead_since = 0.0

    @property
    def pid(self) -> int:
        return self.program.pid if self.program else 0

    @property
    def runs(self) -> bool:
        return self.program is not None and self.program.status is None

    def children(self) -> list[int]:
        """Pids of its child processes, oldest first; empty while it does not run."""
        return sorted(_children_of(self.pid)) if self.runs else []


class Cast:
    """All actors, supervised until the end. A context manager."""

    def __init__(self, actors: Sequence[Actor]) -> None:
        self.actors = {actor.name: actor for actor in actors}
        self._over, self._lock = Event(), RLock()
        self._keeper = Thread(target=self._look_after, daemon=True)

    def __getitem__(self, name: str) -> Actor:
        return self.actors[name]

    def __enter__(self) -> "Cast":
        self._keeper.start()  # it starts all of them: they end with the thread that started them
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._keeper.join()
        for actor in reversed(self.actors.values()):
            _end(actor)

    def await_ready(self, *names: str, patience_s: float = 60) -> None:
        """Raises TimeoutError, with the end of the log, if an actor does not serve in time."""
        deadline = time.monotonic() + patience_s
        for name in names or tuple(self.actors):
            actor = self[name]
            while not (actor.runs and actor.ready()):
                if time.monotonic() > deadline:
                    end = actor.log.read_text(errors="replace")[-1500:]
                    raise TimeoutError(f"{name} did not serve in {patience_s} s.\n{end}")
                time.sleep(0.05)

    def kill(self, name: str, *, group: bool = True) -> None:
        """kill -9 of the whole group, or of the parent only, which leaves its children running."""
        with self._lock, suppress(ProcessLookupError):
            actor = self[name]
            if actor.runs:
                (os.killpg if group else os.kill)(actor.pid, signal.SIGKILL)

    def renew(self, *names: str, patience_s: float = 60) -> None:
        """SIGTERM to the parents, as in a deployment; returns when all serve again."""
        before = {name: self[name].pid for name in names}
        for pid in before.values():
            _send(pid, signal.SIGTERM)
        deadline = time.monotonic() + patience_s
        while any(self[name].pid == pid for name, pid in before.items()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{', '.join(names)} did not end in {patience_s} s.")
            time.sleep(_POLL_S)
        self.await_ready(*names)

    def kill_child(self, name: str, chosen: int) -> None:
        with self._lock, suppress(ProcessLookupError):
            children = self[name].children()
            if children:
                os.kill(children[chosen % len(children)], signal.SIGKILL)

    def hold_down(self, name: str) -> None:
        """Kill it, and don't restart it until `let_go`."""
        with self._lock:
            self[name].held_down = True
            self.kill(name)

    def let_go(self, name: str) -> None:
        self[name].held_down = False

    def pause(self, name: str, *, child: int | None = None) -> None:
        """SIGSTOP: the group, or one of its children."""
        with self._lock:
            actor = self[name]
            children = actor.children()
            pids = [-actor.pid] if actor.runs else []  # the group
            if child is not None:
                pids = [children[child % len(children)]] if children else []
            for pid in pids:
                actor.paused.add(pid)
                _send(pid, signal.SIGSTOP)

    def wake(self, name: str) -> None:
        with self._lock:
            actor = self[name]
            while actor.paused:
                _send(actor.paused.pop(), signal.SIGCONT)

    def _look_after(self) -> None:
        while not self._over.wait(_POLL_S):
            for actor in self.actors.values():
                with self._lock:
                    self._start_again(actor)

    def _start_again(self, actor: Actor) -> None:
        if actor.runs or actor.held_down:
            return
        if actor.program is None:
            actor.start()
        elif not actor.dead_since:
            actor.dead_since = time.monotonic()
        elif time.monotonic() - actor.dead_since >= RESTART_S:
            actor.restarts += 1
            actor.start()


def _end(actor: Actor) -> None:
    for pid in actor.paused:
        _send(pid, signal.SIGCONT)
    if actor.program is not None:
        actor.program.kill()


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _children_of(parent: int) -> list[int]:
    """From /proc: the fourth field of `stat` is the pid of the parent."""
    return [int(stat.parent.name) for stat in Path("/proc").glob("[0-9]*/stat")
            if _parent_of(stat) == parent]  # fmt: skip


def _parent_of(stat: Path) -> int:
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0  # it has ended
