"""The data model of provisioning: what is wanted, what was found, and the steps between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple


class Key(NamedTuple):
    """A resource's identity inside one environment."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Ref:
    """A placeholder in a wanted property for the id of another resource."""

    kind: str
    name: str

    @property
    def key(self) -> Key:
        return Key(self.kind, self.name)


@dataclass(frozen=True)
class Pending:
    """What a Ref resolves to while its resource doesn't exist yet. Equal to no id."""

    key: Key

    def __str__(self) -> str:
        return f"(the new {self.key})"


Props = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Want:
    """One resource of the spec. `hidden` properties are used at creation and never compared;
    `after` are resources that must exist first, although no property refers to them."""

    kind: str
    name: str
    props: Props
    hidden: Props = field(default_factory=dict)
    after: tuple[Key, ...] = ()

    @property
    def key(self) -> Key:
        return Key(self.kind, self.name)

    def needs(self) -> frozenset[Key]:
        """Every resource that must exist before this one."""
        return frozenset({*self.after, *find_references(self.props), *find_references(self.hidden)})


@dataclass(frozen=True, kw_only=True)
class Found:
    """One of our resources in the account. `ready` is False while AWS still creates or changes
    it."""

    kind: str
    name: str
    id: str
    props: Props
    ready: bool = True
    shows: Props = field(default_factory=dict)  # addresses and endpoints, for people and inventory
    more: Props = field(default_factory=dict)  # what its kind needs to know of it, shown to no one

    @property
    def key(self) -> Key:
        return Key(self.kind, self.name)


class Action(StrEnum):
    CREATE = "create"
    CHANGE = "change"
    REPLACE = "replace"
    DELETE = "delete"
    WAIT = "wait"
    REFUSE = "refuse"  # AWS doesn't allow it: nothing is executed until the spec says otherwise
    KEEP = "keep"


@dataclass(frozen=True)
class Difference:
    """One property whose value is not the wanted one."""

    what: str
    found: Any
    wanted: Any


@dataclass(frozen=True, kw_only=True)
class Step:
    """The action for one resource, and its reason."""

    key: Key
    action: Action
    reason: str
    want: Want | None = None
    found: Found | None = None
    differences: tuple[Difference, ...] = ()

    @property
    def the_want(self) -> Want:
        """The want of a step that creates or changes: those always have one. Raises ValueError."""
        if self.want is None:
            raise ValueError(f"{self.key} is to be {self.action}d, but nothing is wanted")
        return self.want

    @property
    def the_found(self) -> Found:
        """The found resource of a step that changes or deletes: those always have one. Raises
        ValueError."""
        if self.found is None:
            raise ValueError(f"{self.key} is to be {self.action}d, but nothing was found")
        return self.found

    @property
    def is_destructive(self) -> bool:
        return self.action in (Action.REPLACE, Action.DELETE)


@dataclass(frozen=True)
class Plan:
    """Steps in an order in which they can be executed one after the other."""

    steps: tuple[Step, ...]

    @property
    def changes(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.action is not Action.KEEP)

    @property
    def refusals(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.action is Action.REFUSE)

    @property
    def is_destructive(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.is_destructive)


def find_references(value: object) -> Iterator[Key]:
    """The keys of all Refs inside a property, at any depth."""
    if isinstance(value, Ref):
        yield value.key
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from find_references(inner)
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            yield from find_references(inner)


def resolve_references(value: Any, ids: Mapping[Key, str]) -> Any:
    """The same property with every Ref replaced by its id, or by Pending if there is none yet."""
    if isinstance(value, Ref):
        return ids.get(value.key, Pending(value.key))
    if isinstance(value, Mapping):
        return {name: resolve_references(inner, ids) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return tuple(resolve_references(inner, ids) for inner in value)
    if isinstance(value, set | frozenset):
        return frozenset(resolve_references(inner, ids) for inner in value)
    return value
