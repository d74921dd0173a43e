"""Two sides measured in turn, block by block, so that what disturbs the machine disturbs both."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from statistics import median

from rich.console import Console
from rich.progress import track

Block = Callable[[], float]  # does one block of work and returns what it cost

_console = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Pairs:
    """What the blocks of both sides cost, in the order they were measured. Any unit, one of it."""

    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)

    @property
    def median_cost(self) -> float:
        """Ours ÷ theirs: the median over the rounds, which single disturbances don't move."""
        return median(a / b for a, b in zip(self.ours, self.theirs, strict=True))

    @property
    def total_cost(self) -> float:
        """The same of the sums: nothing left out."""
        return sum(self.ours) / sum(self.theirs)

    @property
    def quiet_cost(self) -> float:
        """The same of each side's quietest quarter, for blocks of a few milliseconds: whoever is
        interrupted in one takes many times as long, and nobody is ever interrupted into less."""
        return _lower_quartile(self.ours) / _lower_quartile(self.theirs)

    @property
    def median_speed(self) -> float:
        """What we do in the time in which they do one."""
        return 1 / self.median_cost

    @property
    def total_speed(self) -> float:
        return 1 / self.total_cost


def _lower_quartile(costs: list[float]) -> float:
    return sorted(costs)[(len(costs) - 1) // 4]


def interleave_blocks(name: str, ours: Block, theirs: Block, *, rounds: int) -> Pairs:
    """One round of warm-up that doesn't count, then `rounds`, each side first in every other."""
    ours(), theirs()
    pairs = Pairs()
    for number in with_progress(name, rounds):
        if number % 2:
            pairs.theirs.append(theirs())
            pairs.ours.append(ours())
        else:
            pairs.ours.append(ours())
            pairs.theirs.append(theirs())
    return pairs


def with_progress(name: str, rounds: int) -> Iterable[int]:
    """0, 1, … with a bar that fills while they are used up."""
    return track(range(rounds), description=name, console=_console, transient=True)
