"""Upgrade of the campaigns in Redis to the layout of this release, one campaign at a time.

A campaign that can't be changed keeps its layout, and no other one waits for it. Safe to repeat,
and to run twice at once: each step starts again where it was, and the mark is changed from one
layout to the next only.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from coupons.errors import CouponError, StoreAway
from coupons.monitoring import clock_skew
from coupons.store import store
from coupons.store.layout_steps import Moment, Step
from coupons.store.layouts import LayoutReport

POLL_S = 1.0

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Upgraded:
    """`changed` (campaign → its layout now), `failed` (campaign → why), and the processes that kept
    the steps of Moment.AFTER waiting until the time was over."""

    changed: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    awaited: list[LayoutReport] = field(default_factory=list)


def upgrade_campaigns(
    steps: Sequence[Step], *, moment: Moment, wait_s: float, tell: Callable[[str], None]
) -> Upgraded:
    """Run the steps of this moment on each campaign that lacks them. Steps of Moment.AFTER wait for
    the processes that can't read their layout, `wait_s` at most. Raises StoreAway."""
    result, layouts = Upgraded(), store().layouts.layouts_of(store().campaigns.installed_slugs())
    result.failed |= {slug: str(error) for slug, error in layouts.failed.items()}
    lacking = {slug: layout for slug, layout in layouts.items() if layout is not None}
    for step in steps:
        due = [slug for slug, layout in lacking.items() if layout == step.layout - 1]
        if step.moment is not moment or not due:
            continue
        if step.moment is Moment.AFTER:
            result.awaited = await_readers(step.layout, wait_s=wait_s, tell=tell)
            if result.awaited:
                break
        for slug in due:
            _change(step, slug, result)
            lacking[slug] = result.changed.get(slug, lacking[slug])
    return result


def _change(step: Step, slug: str, result: Upgraded) -> None:
    try:
        step.change(store().layouts, slug)
        if store().layouts.layouts_of([slug]).result(slug) != step.layout:
            raise CouponError(f"its step left it without the mark of layout {step.layout}")
    except StoreAway:
        raise
    except CouponError as error:
        result.failed[slug] = str(error)
    except Exception as error:  # a bug in a step; the other campaigns are still changed
        logger.exception("the step to layout %s failed on campaign %s", step.layout, slug)
        result.failed[slug] = repr(error)
    else:
        result.changed[slug] = step.layout


def await_readers(layout: int, *, wait_s: float, tell: Callable[[str], None]) -> list[LayoutReport]:
    """Wait until every process reads this layout. Returns those that still do not. A process that
    was killed counts until its last report is FRESH_MS old."""
    deadline, told = time.monotonic() + wait_s, False
    while others := [
        report
        for report in store().layouts.layout_reports()
        if report.age_ms < clock_skew.FRESH_MS and not report.reads(layout)
    ]:
        if time.monotonic() > deadline:
            return others
        if not told:
            tell(f"Waiting for {named(others)}, which can't read layout {layout}.")
            told = True
        time.sleep(POLL_S)
    return []


def named(reports: Sequence[LayoutReport]) -> str:
    names = sorted({report.process for report in reports})
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
