"""Tags are the state: Project, Environment, ManagedBy and Name identify our resources. A resource
without them is never touched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MANAGER = "coupon-provisioning"


@dataclass(frozen=True, kw_only=True)
class Scope:
    """One environment of one project, as tags."""

    project: str
    environment: str

    @property
    def prefix(self) -> str:
        return f"{self.project}-{self.environment}"

    @property
    def path(self) -> str:
        return f"/{self.project}/{self.environment}"

    def owner(self) -> dict[str, str]:
        return {"Project": self.project, "Environment": self.environment, "ManagedBy": MANAGER}

    def tags(self, name: str, **more: str) -> Any:
        """AWS' list of Key and Value."""
        return [{"Key": k, "Value": v} for k, v in {**self.owner(), "Name": name, **more}.items()]

    def tagging(self, resource: str, name: str, **more: str) -> Any:
        """EC2's TagSpecifications: the resource is created with its tags, in one call."""
        return [{"ResourceType": resource, "Tags": self.tags(name, **more)}]

    def filters(self, **more: Iterable[str]) -> Any:
        """EC2's Filters: ours only. Underscores in a filter's name stand for hyphens."""
        named = {f"tag:{key}": [value] for key, value in self.owner().items()}
        extra = {key.replace("_", "-"): list(values) for key, values in more.items()}
        return [{"Name": name, "Values": values} for name, values in {**named, **extra}.items()]

    def owns_tags(self, tags: Mapping[str, str]) -> bool:
        return all(tags.get(key) == value for key, value in self.owner().items())

    def only_ours(self, described: Iterable[Any]) -> Iterator[Any]:
        """Those with our tags. Filters should have selected them already; before a deletion this
        must be certain."""
        return (resource for resource in described if self.owns_tags(as_dict(resource.get("Tags"))))


def as_dict(tags: Iterable[Any] | None) -> dict[str, str]:
    """AWS' list of Key and Value as a dict."""
    return {tag["Key"]: tag["Value"] for tag in tags or ()}
