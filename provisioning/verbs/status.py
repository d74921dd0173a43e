"""status: shows existing resources, their addresses, and differences from the spec. Read-only."""

from __future__ import annotations

from typing import Any

from provisioning.model import Action, Found, Plan, Step
from provisioning.quantities import counted_noun
from provisioning.run import Run
from provisioning.verbs.plan import plan_document
from provisioning.verbs.warm import reserved_now


def status(run: Run) -> int:
    """Returns 0 if everything is as wanted, 2 if something drifted or is missing."""
    found, planned = run.examine()
    drift = tuple(step for step in planned.changes)
    ordered = [found[key] for key in sorted(found)]
    rows = [
        (resource.kind, resource.name, resource.id, _state(resource), _shown(resource))
        for resource in ordered
    ]
    run.show.table("There", ("kind", "name", "id", "state", "reach it at"), rows)
    missing = [step for step in drift if step.action is Action.CREATE]
    if drift:
        drift_rows = [(s.action.value, str(s.key), s.reason, _differences(s)) for s in drift]
        run.show.table("Drift", ("to do", "resource", "because", "differs"), drift_rows)
    run.show.answer(
        {
            "there": [_document(resource) for resource in ordered],
            "drift": plan_document(Plan(drift)),
        }
    )
    reserved = reserved_now(run, ordered)
    if reserved:
        run.show.say(f"Note: {reserved} LCU of the load balancer are reserved; `cool` ends that.")
    for sentence in run.adjustments.sentences():
        run.show.say(f"Note: {sentence}.")
    run.show.say(
        f"{counted_noun(len(found), 'resource')}; {len(missing)} missing,"
        f" {len(drift) - len(missing)} drifted."
    )
    return 2 if drift else 0


def _state(found: Found) -> str:
    return "ready" if found.ready else "in the making"


def _shown(found: Found) -> str:
    return ", ".join(f"{name}={value}" for name, value in found.shows.items() if value)


def _differences(step: Step) -> str:
    return ", ".join(difference.what for difference in step.differences)


def _document(found: Found) -> dict[str, Any]:
    return {
        "kind": found.kind,
        "name": found.name,
        "id": found.id,
        "ready": found.ready,
        **dict(found.shows),
    }
