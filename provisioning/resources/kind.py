"""What every kind of resource can do. find tells, create and change and delete act."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from provisioning.aws import Cloud
from provisioning.errors import Ambiguous
from provisioning.model import Found, Key, Want, resolve_references


class Kind(ABC):
    """One kind of resource. Classes hold no state: all of it is in the account's tags."""

    kind: ClassVar[str]
    fixed: ClassVar[frozenset[str]] = frozenset()  # a difference here means replacing it
    late: ClassVar[frozenset[str]] = frozenset()  # not part of create(): change() follows at once
    born: ClassVar[Mapping[str, Any]] = {}  # the late properties as create() leaves them
    holds_data: ClassVar[bool] = False  # replacing it loses what it stores

    @abstractmethod
    def find_all(self, cloud: Cloud) -> Iterable[Found]:
        """All of the environment's resources of this kind. Reads only."""

    @abstractmethod
    def create_one(self, cloud: Cloud, want: Want) -> str:
        """Makes it, tagged in the same call, and returns its id. `want` has its ids filled in."""

    def change_one(self, cloud: Cloud, found: Found, want: Want, what: frozenset[str]) -> None:
        """Makes the properties named in `what` as wanted. Repeating it does no harm."""
        raise NotImplementedError(f"{self.kind} has nothing that can be changed")

    @abstractmethod
    def delete_one(self, cloud: Cloud, found: Found) -> None:
        """Removes it. What is already gone is fine."""

    def is_ready(self, cloud: Cloud, id: str) -> bool:
        """Whether AWS has finished making or changing it."""
        return True

    def is_gone(self, cloud: Cloud, found: Found) -> bool:
        """Whether AWS has finished removing it."""
        return True

    def is_same(self, what: str, found: Any, wanted: Any) -> bool:
        """Whether a property is as wanted. Kinds override it where AWS answers in other words."""
        return bool(found == wanted)

    def price_items(self, want: Want) -> Mapping[str, float]:
        """What it adds to the bill: price item -> units a month."""
        return {}

    def found(self, *, name: str, id: str, props: Mapping[str, Any], **more: Any) -> Found:
        return Found(kind=self.kind, name=name, id=id, props=props, **more)

    def newborn_state(self, *, name: str, id: str) -> Found:
        """How a resource stands right after create()."""
        return self.found(name=name, id=id, props=self.born)


def resolved_want(want: Want, ids: Mapping[Key, str]) -> Want:
    """The want with every reference replaced by an id."""
    return replace(
        want, props=resolve_references(want.props, ids), hidden=resolve_references(want.hidden, ids)
    )


def raise_name_taken(want: Want) -> Ambiguous:
    """For services that would overwrite a stranger's resource of the same name."""
    return Ambiguous(
        f"The name of {want.key} is taken by something without our tags.",
        todo="Rename ours in the spec, or remove the other one by hand.",
    )
