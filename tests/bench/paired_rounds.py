"""Two sides measured in alternating blocks, so that other load on the machine affects both."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from statistics import median

from rich.console import Console
from rich.progress import track

Block = Callable[[], float]  # does one block of work and returns its cost

_console = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Pairs:
    """The costs of both sides' blocks in the order of measurement, in one common unit."""

    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)

    @property
    def median_cost(self) -> float:
        """Ours ÷ theirs: the median over the rounds, which ignores outliers."""
        return median(a / b for a, b in zip(self.ours, self.theirs, strict=True))

    @property
    def total_cost(self) -> float:
        """Ours ÷ theirs of the sums: no block is left out."""
        return sum(self.ours) / sum(self.theirs)

    @property
    def quiet_cost(self) -> float:
        """Ours ÷ theirs of each side's lower quartile, for blocks of a few milliseconds: an
        interrupted block takes many times as long, and an interruption never shortens one."""
        return _lower_quartile(self.ours) / _lower_quartile(self.theirs)

    @property
    def median_speed(self) -> float:
        """Work of ours in the time of one unit of theirs: the inverse of the median cost."""
        return 1 / self.median_cost

    @property
    def total_speed(self) -> float:
        return 1 / self.total_cost


def _lower_quartile(costs: list[float]) -> float:
    return sorted(costs)[(len(costs) - 1) // 4]


def interleave_blocks(name: str, ours: Block, theirs: Block, *, rounds: int) -> Pairs:
    """One uncounted warm-up round, then `rounds`; the side that begins alternates."""
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
    """0, 1, … with a progress bar."""
    return track(range(rounds), description=name, console=_console, transient=True)
