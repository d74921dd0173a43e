"""plan: shows what apply would do and what it costs. Read-only."""

from __future__ import annotations

from typing import Any

from provisioning.cost import Estimate, estimate_cost
from provisioning.model import Action, Difference, Plan, Step
from provisioning.output import Show
from provisioning.resources.budget import BUDGET_MAILS_AT
from provisioning.run import Run
from provisioning.spec.model import Watch

CHANGES, NONE = 2, 0  # exit codes, for scripts


def plan(run: Run) -> int:
    _, planned = run.examine()
    cost = estimate_cost(run.wants)
    show_plan(run.show, planned)
    show_cost(run.show, cost)
    for note in spec_notes(run):
        run.show.say(note)
    run.show.answer({"plan": plan_document(planned), "cost": cost_document(cost)})
    run.show.say(plan_summary(planned))
    for step in planned.refusals:
        run.show.say(f"Refused: {step.key}: {step.reason}.")
    return CHANGES if planned.changes else NONE


def show_plan(show: Show, planned: Plan) -> None:
    rows = [
        (step.action.value, step.key.kind, step.key.name, step.reason, _difference_texts(step))
        for step in planned.steps
    ]
    show.table("Plan", ("action", "kind", "name", "because", "found -> wanted"), rows)


def show_cost(show: Show, cost: Estimate) -> None:
    rows = [(line.item, f"{line.units:g}", f"{line.monthly:,.2f}") for line in cost.lines]
    rows.append(("sum", "", f"{cost.monthly:,.2f}"))
    title = f"Rough cost, US$ a month ({cost.region}; {cost.source}, {cost.as_of}; without traffic)"
    show.table(title, ("item", "units", "US$"), rows)


def plan_summary(planned: Plan) -> str:
    counts = {
        action: sum(1 for step in planned.steps if step.action is action) for action in Action
    }
    summary = ", ".join(f"{count} to {action}" for action, count in counts.items() if count)
    return f"Plan: {summary or 'nothing wanted, nothing there'}."


def spec_notes(run: Run) -> list[str]:
    """Notes about choices of the spec that are allowed, but that an operator should know."""
    notes = [f"Note: {sentence}." for sentence in run.adjustments.sentences()]
    notes += budget_notes(run)
    if run.spec.database.version.startswith("8.0"):
        notes.append(
            "Note: MySQL 8.0 left RDS' standard support on 31 July 2026; extended support is "
            "billed per vCPU. Set database.version = '8.4' unless you need the write-up's."
        )
    if run.spec.balancer and not run.spec.balancer.certificate_arn:
        notes.append(
            "Note: plain HTTP on port 80, for trying out: passwords and tokens go unencrypted."
        )
    if run.spec.watch and run.spec.watch.alarms and not _has_receiver(run.spec.watch):
        notes.append("Note: alarms notify no one; set watch.emails or watch.notify_topic.")
    if run.spec.environment.region != estimate_cost(run.wants).region:
        notes.append("Note: the price table is of another region; the estimate is only a hint.")
    return notes


def budget_notes(run: Run) -> list[str]:
    """A budget mails at BUDGET_MAILS_AT of its sum: with an estimate above that, every month."""
    if run.spec.budget is None:
        return []
    estimate, budget = estimate_cost(run.wants).monthly, run.spec.budget.monthly_usd
    if estimate <= BUDGET_MAILS_AT * budget:
        return []
    return [
        f"Note: the estimate, US$ {estimate:,.0f}, is more than {BUDGET_MAILS_AT:.0%} of the "
        f"budget of US$ {budget:,}: its mail will come every month, whatever happens."
    ]


def _has_receiver(watch: Watch) -> bool:
    return bool(watch.emails or watch.notify_topic)


def _difference_texts(step: Step) -> str:
    return "; ".join(f"{d.what}: {_short(d.found)} -> {_short(d.wanted)}" for d in step.differences)


LONGEST = 300  # characters of a difference: a dashboard's panels would fill the screen


def _short(value: Any) -> str:
    text = _text_of(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _text_of(value: Any) -> str:
    if isinstance(value, frozenset):
        return "{" + ", ".join(sorted(_text_of(inner) for inner in value)) + "}"
    if isinstance(value, tuple):
        return ":".join(_text_of(inner) for inner in value)
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def plan_document(planned: Plan) -> list[dict[str, Any]]:
    return [
        {
            "action": step.action.value,
            "kind": step.key.kind,
            "name": step.key.name,
            "reason": step.reason,
            "id": step.found.id if step.found else None,
            "differences": [_difference(difference) for difference in step.differences],
        }
        for step in planned.steps
    ]


def _difference(difference: Difference) -> dict[str, str]:
    return {
        "what": difference.what,
        "found": _short(difference.found),
        "wanted": _short(difference.wanted),
    }


def cost_document(cost: Estimate) -> dict[str, Any]:
    return {
        "monthly_usd": round(cost.monthly, 2),
        "as_of": cost.as_of,
        "source": cost.source,
        "region": cost.region,
        "lines": [
            {"item": line.item, "units": line.units, "monthly_usd": round(line.monthly, 2)}
            for line in cost.lines
        ],
    }
