"""destroy: executes the plan reversed, with final snapshots of stores, then searches leftovers."""

from __future__ import annotations

from provisioning.adjustments import forget_adjustments
from provisioning.client_errors import translated_errors
from provisioning.discovery import discover_resources
from provisioning.executor import with_final_snapshots
from provisioning.kept_secrets import drop_orphans
from provisioning.leftovers import BESIDE_SNAPSHOT, Leftover, find_leftovers
from provisioning.lock import environment_lock
from provisioning.plan import reversed_plan
from provisioning.quantities import counted_noun
from provisioning.regions import demand_region
from provisioning.resources.cache_token import drop_rotations
from provisioning.run import Run
from provisioning.stored_host_keys import drop_host_keys
from provisioning.verbs.apply import act_on_plan, time_stamp
from provisioning.verbs.plan import plan_document, show_plan


def destroy(run: Run, *, final_snapshot: bool, at_once: int = 6) -> int:
    """Returns 0 if nothing is left except the final snapshots, 1 otherwise."""
    found = discover_resources(run.cloud)
    demand_region(run.spec, found)
    planned = reversed_plan(run.wants, found)
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
    with translated_errors("Deleting secrets whose snapshot is gone"):
        drop_orphans(run.cloud)
    with translated_errors("Deleting the stored host keys"):
        drop_host_keys(run.cloud)
    with translated_errors("Deleting what unfinished rotations have left"):
        drop_rotations(run.cloud)
    forget_adjustments(run.cloud)
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
    stray = sum(not leftover.meant for leftover in left)
    stray_text = counted_noun(stray, "leftover") if stray else "No leftovers"
    run.show.say(f"Destroyed. {stray_text}{_kept_text(left)}.")


def _kept_text(left: tuple[Leftover, ...]) -> str:
    meant = [leftover for leftover in left if leftover.meant]
    secrets = sum(leftover.what == BESIDE_SNAPSHOT for leftover in meant)
    snapshots = counted_noun(len(meant) - secrets, "last snapshot")
    with_secrets = f" with {counted_noun(secrets, 'secret')}" if secrets else ""
    return f", and {snapshots}{with_secrets}, kept until you delete them" if meant else ""
