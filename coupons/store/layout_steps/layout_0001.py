"""Layout 1: what release 1.0 stores. Campaigns of then have no mark; it changes nothing else."""

from coupons.store.layout_steps import Moment, Step
from coupons.store.layouts import LayoutCalls


def mark_first(calls: LayoutCalls, slug: str) -> None:
    calls.mark_layout(slug, 1, after=0)


STEP = Step(1, Moment.BEFORE, mark_first)
