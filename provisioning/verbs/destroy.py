"""destroy: executes the plan reversed, with final snapshots of stores, then searches leftovers."""

from __future__ import annotations

from provisioning.discovery import discover_resources
from provisioning.executor import with_final_snapshots
from provisioning.leftovers import Leftover, find_leftovers
from provisioning.lock import environment_lock
from provisioning.plan import reversed_plan
from provisioning.quantities import counted_noun
from provisioning.run import Run
from provisioning.verbs.apply import act_on_plan, time_stamp
from provisioning.verbs.plan import plan_document, show_plan


def destroy(run: Run, *, final_snapshot: bool, at_once: int = 6) -> int:
    """Returns 0 if nothing is left except the final snapshots, 1 otherwise."""
    planned = reversed_plan(run.wants, discover_resources(run.cloud))
    if planned.steps:
        show_plan(run.show, planned)
        name = run.spec.environment.name
        run.show.ask(f"This destroys all of {name!r}.", expect=name)
        with environment_lock(run.cloud) as lock:
            found = discover_resources(run.cloud)
            planned = reversed_plan(run.wants, found)
            with_snapshots = (
                with_final_snapshots(planned, time_stamp()) if final_snapshot else planned
            )
            act_on_plan(run, found, with_snapshots, at_once=at_once, lock=lock)
    left = find_leftovers(run.cloud)
    show_leftovers(run, left)
    run.show.answer(
        {"done": plan_document(planned), "leftovers": [vars(leftover) for leftover in left]}
    )
    return 1 if any(not leftover.meant for leftover in left) else 0


def show_leftovers(run: Run, left: tuple[Leftover, ...]) -> None:
    rows = [
        (
            leftover.what,
            leftover.id,
            "costs money" if leftover.costs else "free",
            "meant" if leftover.meant else "",
        )
        for leftover in left
    ]
    if rows:
        run.show.table("Still there", ("what", "id", "bill", "why"), rows)
    meant = sum(leftover.meant for leftover in left)
    stray = len(left) - meant
    stray_text = counted_noun(stray, "leftover") if stray else "No leftovers"
    snapshots = counted_noun(meant, "last snapshot")
    kept = f", and {snapshots}, kept until you delete them" if meant else ""
    run.show.say(f"Destroyed. {stray_text}{kept}.")
