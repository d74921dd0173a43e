"""compare: what is wanted with what was found. Pure: makes no calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import TopologicalSorter

from provisioning.errors import Impossible
from provisioning.model import Action, Difference, Found, Key, Pending, Plan, Props, Step, Want
from provisioning.resources.catalogue import BY_NAME, RANK
from provisioning.resources.change_table import judge_all
from provisioning.resources.kind import Kind, resolved_want
from provisioning.resources.renames import refuse_crowded
from provisioning.resources.verdicts import How

PROTECTED = (
    "holds data and is protected: set protected = false in the spec and apply that first, if you "
    "mean it"
)


def make_plan(wants: Iterable[Want], found: Mapping[Key, Found]) -> Plan:
    """The steps that lead from found to wanted, in an order in which they can be executed.

    A resource that will be created or replaced has no id yet: a reference to it resolves to
    Pending, which differs from every id, so the referring resource changes or is replaced as well.
    """
    wanted = {want.key: want for want in wants}
    ids = {key: resource.id for key, resource in found.items()}
    steps: list[Step] = []
    for key in in_order(wanted.values()):
        step = _step_for(wanted[key], found.get(key), ids)
        if step.action in (Action.CREATE, Action.REPLACE):
            ids.pop(key, None)
        steps.append(step)
    return Plan(refuse_crowded((*steps, *_deletions(wanted, found)), found))


def in_order(wants: Iterable[Want]) -> tuple[Key, ...]:
    """Topological order: a resource after those that it needs; ties by the catalogue's order, then
    by name."""
    graph = {want.key: want.needs() for want in wants}
    sorter = TopologicalSorter(graph)
    sorter.prepare()
    ordered: list[Key] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=creation_rank)
        ordered += ready
        sorter.done(*ready)
    return tuple(ordered)


def creation_rank(key: Key) -> tuple[int, str]:
    return RANK[key.kind], key.name


def _step_for(want: Want, found: Found | None, ids: Mapping[Key, str]) -> Step:
    if found is None:
        return Step(key=want.key, action=Action.CREATE, reason="it isn't there", want=want)
    kind = BY_NAME[want.kind]
    differences = compare_properties(kind, resolved_want(want, ids), found)
    action, reason = _action_and_reason(kind, differences, found)
    return Step(
        key=want.key, action=action, reason=reason, want=want, found=found, differences=differences
    )


def compare_properties(kind: Kind, want: Want, found: Found) -> tuple[Difference, ...]:
    """Every property whose value is not the wanted one. Properties that AWS doesn't return are
    left out."""
    return tuple(
        Difference(name, found.props[name], wanted)
        for name, wanted in want.props.items()
        if name in found.props and not _is_as_wanted(kind, name, found.props, want.props)
    )


def _is_as_wanted(kind: Kind, name: str, found: Props, wanted: Props) -> bool:
    return not _contains_pending(wanted[name]) and kind.is_as_wanted(name, found, wanted)


def _contains_pending(value: object) -> bool:
    if isinstance(value, Pending):
        return True
    if isinstance(value, Mapping):
        return any(_contains_pending(inner) for inner in value.values())
    return isinstance(value, tuple | frozenset) and any(_contains_pending(inner) for inner in value)


def _action_and_reason(
    kind: Kind, differences: tuple[Difference, ...], found: Found
) -> tuple[Action, str]:
    judged = judge_all(kind.kind, differences)
    if refused := judged[How.REFUSED]:
        return Action.REFUSE, "; ".join(f"{name} {why}" for name, why in refused.items())
    if replaced := judged[How.REPLACED]:
        reason = _replacement_reason(replaced)
        if kind.holds_data and found.props.get("protected"):
            return Action.REFUSE, f"{reason}, and it {PROTECTED}"
        return Action.REPLACE, reason
    if not found.ready:
        return Action.WAIT, "AWS is still working on it; judged when it is ready"
    if differences:
        changed = ", ".join(difference.what for difference in differences)
        return Action.CHANGE, f"{changed} differ{'' if len(differences) > 1 else 's'}"
    return Action.KEEP, "it is as wanted"


def _replacement_reason(replaced: Mapping[str, str]) -> str:
    """`subnet, key can't be changed in place; type can't become c7g.large: ...`"""
    names: dict[str, list[str]] = {}
    for name, because in replaced.items():
        names.setdefault(because, []).append(name)
    return "; ".join(f"{', '.join(whose)} {because}" for because, whose in names.items())


def demand_possible(planned: Plan) -> None:
    """Raises Impossible if AWS doesn't allow a step, or it would lose the data of a protected
    store."""
    if planned.refusals:
        raise Impossible(
            "\n".join(f"{step.key}: {step.reason}." for step in planned.refusals),
            todo="Nothing was changed.",
        )


def _deletions(wanted: Mapping[Key, Want], found: Mapping[Key, Found]) -> tuple[Step, ...]:
    """Deletions of resources that have our tags and are not wanted any more. They come last, when
    nothing wanted uses them."""
    extra = sorted(found.keys() - wanted.keys(), key=creation_rank, reverse=True)
    return tuple(_deletion(found[key]) for key in extra)


def _deletion(found: Found) -> Step:
    reason, action = "it is wanted no more", Action.DELETE
    if BY_NAME[found.kind].holds_data and found.props.get("protected"):
        reason, action = f"{reason}, and it {PROTECTED}", Action.REFUSE
    return Step(key=found.key, action=action, reason=reason, found=found)


def reversed_plan(wants: Iterable[Want], found: Mapping[Key, Found]) -> Plan:
    """destroy: deletions of everything found, in the reverse order of creation."""
    wanted = {want.key: want for want in wants}
    order = {key: place for place, key in enumerate(in_order(wanted.values()))}
    last = len(order)
    keys = sorted(found, key=lambda key: (order.get(key, last), creation_rank(key)), reverse=True)
    steps = (
        Step(key=k, action=Action.DELETE, reason="destroy", want=wanted.get(k), found=found[k])
        for k in keys
    )
    return Plan(tuple(steps))
