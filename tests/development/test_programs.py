"""Programs that we start end with us, with all their children; if sooner, they report why."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from config.development.process import programs, signals
from config.development.process.errors import Stopped, Trouble
from config.development.process.programs import Program

STUBBORN_FAMILY = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def start_program(tmp_path: Path) -> Iterator[Callable[[str], Program]]:
    started: list[Program] = []

    def start_code(code: str) -> Program:
        command = [sys.executable, "-c", code]
        started.append(Program("tried", command, env=os.environ, log=tmp_path / "tried.log"))
        return started[-1]

    yield start_code
    for one in started:
        one.stop()


def is_alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def becomes_true(true: Callable[[], bool], *, within_s: float = 60) -> bool:
    deadline = time.monotonic() + within_s
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def first_line(program: Program) -> str:
    assert becomes_true(lambda: "\n" in program.log.read_text())
    return program.log.read_text().splitlines()[0]


def test_stopping_sends_sigterm_first(start_program: Callable[[str], Program]) -> None:
    program = start_program(
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('bye') or 0))\n"
        "print('up', flush=True)\n"
        "time.sleep(60)"
    )
    first_line(program)
    program.stop()
    assert program.status == 0
    assert program.tail() == "up\nbye"


def test_stopping_ends_all_child_processes(
    start_program: Callable[[str], Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "STOP_S", 0.2)
    program = start_program(STUBBORN_FAMILY)
    grandchild = int(first_line(program))
    program.stop()
    assert program.status == -signal.SIGKILL
    assert becomes_true(lambda: not is_alive(grandchild))


PARENT = (
    "import signal, subprocess, sys\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1)'])\n"
    "signal.signal(signal.SIGTERM, lambda *_: sys.exit(print(child.wait(30)) or 0))\n"
    "print('up', flush=True)\n"
    "signal.pause()"
)


def test_stopping_leaves_its_children_to_itself(start_program: Callable[[str], Program]) -> None:
    """A worker's child that got SIGTERM would end within its batch, and its wake-up were lost."""
    program = start_program(PARENT)
    first_line(program)
    program.stop()
    assert (program.status, program.tail()) == (0, "up\n0")


def test_a_program_that_ends_by_itself_is_named_with_its_last_words(
    start_program: Callable[[str], Program],
) -> None:
    program = start_program("import sys; sys.exit('the disk is full')")
    with pytest.raises(Trouble, match=r"tried ended by itself \(status 1\).\nthe disk is full"):
        program.wait_until(lambda: False, patience_s=60)


def test_a_program_that_never_gets_ready_is_an_error(
    start_program: Callable[[str], Program],
) -> None:
    with pytest.raises(Trouble, match="tried was not ready"):
        start_program("import time; time.sleep(60)").wait_until(lambda: False, patience_s=0.1)


def test_a_failing_command_is_reported_with_its_own_output(
    start_program: Callable[[str], Program],
) -> None:
    with pytest.raises(Trouble, match=r"^no such database$"):
        start_program("import sys; sys.exit('no such database')").finish(patience_s=60)


def test_log_lines_are_passed_on_as_whole_lines(
    tmp_path: Path, start_program: Callable[[str], Program]
) -> None:
    program = start_program("pass")
    program.finish(patience_s=60)
    log = tmp_path / "tried.log"
    log.write_text("one\ntw")
    assert program.new_lines() == ["one"]
    log.write_text("one\ntwo\n")
    assert program.new_lines() == ["two"]
    assert program.new_lines() == []


def test_a_signal_is_handled_while_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "_received", [])
    with _handlers_kept():
        signals.note_signals()
        signals.interruptible_sleep(0)
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Stopped):
            signals.interruptible_sleep(10)


@contextmanager
def _handlers_kept() -> Iterator[None]:
    kept = {number: signal.getsignal(number) for number in signals.SIGNALS}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells a child of its parent's death"
)
def test_programs_end_even_if_we_are_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(tmp_path / "child.log")], stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    with parent.stdout:
        child = int(parent.stdout.readline())
    assert is_alive(child)
    parent.kill()
    parent.wait()
    assert becomes_true(lambda: not is_alive(child))


_PARENT = """
import os, sys, time
from pathlib import Path
from config.development.process.programs import Program
sleeper = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
program = Program("sleeper", sleeper, env=os.environ, log=Path(sys.argv[1]))
program.wait_until(lambda: program.tail() == "up", patience_s=30)
print(program._child.pid, flush=True)
time.sleep(60)
"""
