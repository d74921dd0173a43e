"""Output for the operator: lines, and a progress bar if standard output is a terminal."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

_PLAIN_EVERY_S = 1.0

console = Console(highlight=False)
complaints = Console(stderr=True, highlight=False)


def say_step(name: str, what: str, *, seconds: float | None = None) -> None:
    """A line that says that a step is done."""
    took = "" if seconds is None else f"[dim]{seconds:.1f} s[/]"
    console.print(f"  [green]✓[/] {name:<9} {what}  {took}", soft_wrap=True)


def say(text: str = "") -> None:
    console.print(text, soft_wrap=True)


def say_raw(text: str) -> None:
    """A line to be copied as it is: no markup, no wrapping."""
    console.print(text, markup=False, emoji=False, soft_wrap=True)


def warn(text: str) -> None:
    """A warning; the command continues."""
    console.print(f"  ! {text}", markup=False, emoji=False, soft_wrap=True, style="yellow")


def say_error(text: str) -> None:
    complaints.print(text, markup=False, emoji=False, soft_wrap=True, style="red")


@contextmanager
def progress(what: str, *, total: int) -> Iterator[Callable[[int], None]]:
    """Yields a function to call with the number done so far."""
    if console.is_terminal:
        with Progress(
            TextColumn("  {task.description}"), BarColumn(None), MofNCompleteColumn(),
            TimeElapsedColumn(), console=console,
        ) as bar:  # fmt: skip
            task = bar.add_task(what, total=total)
            yield lambda done: bar.update(task, completed=done)
    else:
        yield _plain(what, total)


def _plain(what: str, total: int) -> Callable[[int], None]:
    """Progress without a terminal: a line a second, and one at the end."""
    last = [time.monotonic(), -1.0]

    def show(done: int) -> None:
        due = time.monotonic() - last[0] >= _PLAIN_EVERY_S or done == total
        if due and done != last[1]:
            say_raw(f"  {what}: {done:,} of {total:,}")
            last[:] = [time.monotonic(), done]

    return show
