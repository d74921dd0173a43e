"""How much is measured: enough for figures to repeat, or just enough to see that the bench runs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """Every measurement is made in `rounds`; in each, both sides get a block of the same size."""

    cpu_rounds: int
    cpu_block: int  # requests
    drain_rounds: int
    drain_block: int  # claims


FULL = Size(cpu_rounds=60, cpu_block=100, drain_rounds=10, drain_block=2_500)
QUICK = Size(cpu_rounds=5, cpu_block=100, drain_rounds=2, drain_block=1_000)
