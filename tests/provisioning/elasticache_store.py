"""ElastiCache for moto: a small store that returns what was created in it.

moto's own drops security groups and parameter groups, loses members and has no endpoints, so a
second apply would find changes. Requests and answers have botocore's shapes; the rules are those
that our code depends on: unique names, no deletion while in use, members as counted.
"""

from __future__ import annotations

from moto.elasticache.responses import ElastiCacheResponse

from tests.provisioning.elasticache_groups import GroupAnswers
from tests.provisioning.elasticache_nodes import NodeAnswers
from tests.provisioning.elasticache_replication import ReplicationAnswers
from tests.provisioning.elasticache_snapshots import SnapshotAnswers
from tests.provisioning.elasticache_users import UserAnswers


def install_elasticache() -> None:
    for answers in (
        GroupAnswers, NodeAnswers, ReplicationAnswers, SnapshotAnswers, UserAnswers,
    ):  # fmt: skip
        for name, operation in vars(answers).items():
            if not name.startswith("_"):
                setattr(ElastiCacheResponse, name, operation)
