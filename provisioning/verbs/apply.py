"""apply: executes the plan. Idempotent: run again, it continues or does nothing."""

from __future__ import annotations

from datetime import UTC, datetime

from provisioning.client_errors import translated_errors
from provisioning.discovery import Snapshot
from provisioning.errors import Declined
from provisioning.executor import Actor, with_final_snapshots
from provisioning.kept_secrets import keep_secrets
from provisioning.lock import Lock, environment_lock
from provisioning.model import Plan
from provisioning.plan import demand_possible
from provisioning.run import Run
from provisioning.verbs.plan import plan_document, plan_summary, show_plan


def apply(run: Run, *, at_once: int = 6) -> int:
    """Returns 0. Without changes it writes nothing, not even the lock."""
    _, shown = run.examine()
    if not shown.changes:
        run.keep_adjustments()
        run.show.answer({"done": [], "writes": 0})
        run.show.say("Nothing to do: all is as wanted.")
        for sentence in run.adjustments.sentences():
            run.show.say(f"Note: {sentence}.")
        return 0
    show_plan(run.show, Plan(shown.changes))
    demand_possible(shown)
    confirm_destruction(run, shown)
    with environment_lock(run.cloud) as lock:
        run.keep_adjustments()  # first: a run after a killed one goes on with them
        found, planned = run.examine()
        _demand_as_shown(shown, planned)
        act_on_plan(
            run, found, with_final_snapshots(planned, time_stamp()), at_once=at_once, lock=lock
        )
    run.show.answer({"done": plan_document(Plan(planned.changes)), "writes": len(run.cloud.writes)})
    run.show.say(f"Applied. {plan_summary(planned)}")
    return 0


def act_on_plan(run: Run, found: Snapshot, planned: Plan, *, at_once: int, lock: Lock) -> None:
    _keep_secrets(run, planned)
    actor = Actor(
        cloud=run.cloud,
        ids={key: resource.id for key, resource in found.items()},
        tell=run.show.progress,
        at_once=at_once,
        check=lock.check,
    )
    actor.execute_plan(planned)


def _keep_secrets(run: Run, planned: Plan) -> None:
    """For the last snapshots of databases, before the first step."""
    with translated_errors("Keeping the secrets of the last snapshot"):
        for step in planned.steps:
            shown = step.found.shows if step.found else {}
            if step.key.kind == "database" and "final_snapshot" in shown:
                keep_secrets(run.cloud, shown["final_snapshot"])


def confirm_destruction(run: Run, planned: Plan) -> None:
    """Asks for confirmation of destructive steps only. Raises Declined."""
    if planned.is_destructive:
        named = ", ".join(f"{step.action} {step.key}" for step in planned.is_destructive)
        run.show.ask(f"This will {named}.")


def _demand_as_shown(shown: Plan, planned: Plan) -> None:
    """Raises Declined for a destructive step that was not shown: another run may have changed the
    environment between the confirmation and the lock."""
    agreed = {(step.key, step.action) for step in shown.is_destructive}
    for step in planned.is_destructive:
        if (step.key, step.action) not in agreed:
            raise Declined(
                f"The environment changed meanwhile: {step.action} {step.key} wasn't in the plan.",
                todo="Look at the plan again.",
            )


def time_stamp() -> str:
    """For the names of final snapshots: unique per run, sortable."""
    return datetime.now(UTC).strftime("%Y%m%d%H%M%S")
