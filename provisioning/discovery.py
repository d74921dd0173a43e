"""find: reads all of our resources in the account. Read-only."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from provisioning.aws import Cloud
from provisioning.client_errors import translated_errors
from provisioning.errors import Ambiguous
from provisioning.model import Found, Key
from provisioning.resources.catalogue import KINDS
from provisioning.resources.kind import Kind

Snapshot = Mapping[Key, Found]
AT_ONCE = 8  # kinds read in parallel; with more, AWS only throttles


def discover_resources(cloud: Cloud) -> Snapshot:
    """All our resources by key. Raises Ambiguous if two of them share a name."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda kind: find_kind(cloud, kind), KINDS))
    snapshot: dict[Key, Found] = {}
    for found in (found for answer in answers for found in answer):
        if other := snapshot.get(found.key):
            raise Ambiguous(
                f"Two resources are both {found.key}: {other.id} and {found.id}.",
                todo="Remove one of them, or its tags, by hand; guessing could hit the wrong one.",
            )
        snapshot[found.key] = found
    return snapshot


def find_kind(cloud: Cloud, kind: Kind) -> list[Found]:
    """All our resources of one kind."""
    with translated_errors(f"Looking for every {kind.kind}"):
        return list(kind.find_all(cloud))
