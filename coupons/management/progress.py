"""Progress of a command, shown at a terminal only."""

import sys

from coupons.campaigns.slots import Progress, no_progress


def of_slots() -> Progress:
    return _show if sys.stderr.isatty() else no_progress


def _show(now: int, wanted: int) -> None:
    print(f"\r{now:,} slots, {wanted:,} wanted  ", end="", file=sys.stderr, flush=True)
