"""Who makes the steps: the command in its own process, or a worker, one message at a time. And the
removal of what a dead process left."""

import time
from collections.abc import Callable

from coupons.errors import Overtaken
from coupons.models import Rehearsal
from coupons.rehearsal.lease import give_back, running_rehearsal, save_rehearsal, take_lease
from coupons.rehearsal.steps import interrupt, run_step

WORK_S = 10.0  # after which a worker leaves the rest to its next message
_IN_STEP = "in_step"  # in `figures` while a worker makes a step: a crash leaves it there


def run_here(rehearsal: Rehearsal, *, tell: Callable[[Rehearsal], None]) -> Rehearsal:
    """Make all steps in this process, which began it. Whatever ends this early, Ctrl-C too, removes
    the shadow; what can't be removed now, since a store is away, a worker removes later."""
    try:
        while run_step(rehearsal):
            tell(rehearsal)
    except Overtaken:
        raise
    except BaseException:
        rehearsal.refresh_from_db()  # it may have ended between a change and our knowing of it
        _end_early(rehearsal)
        raise
    return rehearsal


def _end_early(rehearsal: Rehearsal) -> None:
    if rehearsal.state != Rehearsal.State.REMOVING:
        interrupt(rehearsal)
    while run_step(rehearsal):
        pass


def work_on_rehearsal(*, stopping: Callable[[], bool] = lambda: False) -> bool:
    """A worker's turn: go on with the rehearsal that waits for one, or remove what a dead process
    left. Returns whether there is more to do."""
    rehearsal = running_rehearsal()
    if rehearsal is None or not take_lease(rehearsal):
        return False
    if rehearsal.figures.get(_IN_STEP) or not rehearsal.options.get("by_worker"):
        rehearsal.options["by_worker"] = True
        save_rehearsal(rehearsal, options=rehearsal.options)
        if rehearsal.state != Rehearsal.State.REMOVING:
            interrupt(rehearsal)
    until_s = time.monotonic() + WORK_S
    has_more = True
    while has_more and time.monotonic() < until_s and not stopping():
        has_more = _make_marked_step(rehearsal)
    if has_more:
        give_back(rehearsal)
    return has_more


def _make_marked_step(rehearsal: Rehearsal) -> bool:
    save_rehearsal(rehearsal, figures=rehearsal.figures | {_IN_STEP: True})
    has_more = run_step(rehearsal)
    if has_more:
        figures = {name: value for name, value in rehearsal.figures.items() if name != _IN_STEP}
        save_rehearsal(rehearsal, figures=figures)
    return has_more
