"""The interface of a kind of resource. find reads; create, change and delete write."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from provisioning.aws import Cloud
from provisioning.errors import Ambiguous
from provisioning.model import Found, Key, Props, Want, resolve_references


class Kind(ABC):
    """One kind of resource. Subclasses have no state: all state is in the account's tags."""

    kind: ClassVar[str]
    late: ClassVar[frozenset[str]] = frozenset()  # set by change_one() right after create_one()
    born: ClassVar[Mapping[str, Any]] = {}  # values of the late properties after create_one()
    holds_data: ClassVar[bool] = False  # replacing it loses what it stores
    absent: ClassVar[frozenset[str]] = frozenset()  # AWS' codes for "there is none of this id"

    @abstractmethod
    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        """All of the environment's resources of this kind. Read-only."""

    @abstractmethod
    def create_one(self, cloud: Cloud, want: Want) -> str:
        """Creates it, with its tags in the same call, and returns its id. `want` has ids in place
        of references."""

    def change_one(self, cloud: Cloud, found: Found, want: Want, changed: frozenset[str]) -> None:
        """Sets the properties named in `changed` to the wanted values. Idempotent."""
        raise NotImplementedError(f"{self.kind} has nothing that can be changed")

    @abstractmethod
    def delete_one(self, cloud: Cloud, found: Found) -> None:
        """Starts its deletion. No error if it is already gone."""

    def is_ready(self, cloud: Cloud, id: str) -> bool:
        """Whether AWS has finished creating or changing it."""
        return True

    def is_gone(self, cloud: Cloud, found: Found) -> bool:
        """Whether AWS has finished deleting it."""
        return True

    def is_same(self, name: str, found: Any, wanted: Any) -> bool:
        """Whether a property has the wanted value. Kinds override it if AWS returns another
        form."""
        return bool(found == wanted)

    def is_as_wanted(self, name: str, found: Props, wanted: Props) -> bool:
        """As `is_same`, for properties whose judgement needs others as well."""
        return self.is_same(name, found[name], wanted[name])

    def price_items(self, want: Want) -> Mapping[str, float]:
        """What is billed for it: price item -> units."""
        return {}

    def found(self, *, name: str, id: str, props: Mapping[str, Any], **more: Any) -> Found:
        return Found(kind=self.kind, name=name, id=id, props=props, **more)

    def newborn_state(self, *, name: str, id: str) -> Found:
        """The state of a resource right after create_one()."""
        return self.found(name=name, id=id, props=self.born)


def resolved_want(want: Want, ids: Mapping[Key, str]) -> Want:
    """The want with every reference replaced by an id."""
    return replace(
        want, props=resolve_references(want.props, ids), hidden=resolve_references(want.hidden, ids)
    )


def name_taken_error(want: Want) -> Ambiguous:
    """The error (to be raised) for a resource of this name without our tags, for services that
    would overwrite it."""
    return Ambiguous(
        f"The name of {want.key} is used by a resource without our tags.",
        todo="Rename ours in the spec, or remove the other one by hand.",
    )


def not_ours_error(found: Found) -> Ambiguous:
    """The error (to be raised) for a resource that was taken for ours while AWS was at work on it,
    and has not our tags."""
    return Ambiguous(
        f"{found.key} is gone, or doesn't have our tags, so it is left as it is.",
        todo="Look at it in the console; rename ours in the spec if it is another's.",
    )
