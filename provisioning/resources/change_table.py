"""What AWS allows for a change of each property of each kind, and in which turn. The plan and the
executor read this table, and nothing else decides.

Names are identities here: another name in the spec is another resource, made beside the old one,
which is removed last. `renames.py` refuses the names for which AWS has no room beside the old one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from provisioning.model import Difference
from provisioning.resources.change_table_stores import STORES
from provisioning.resources.verdicts import (
    IN_PLACE,
    REPLACED,
    How,
    Rule,
    Verdict,
    judge_growth,
    judge_host_type,
)

TABLE: Mapping[str, Mapping[str, Rule]] = {
    "vpc": {"cidr": REPLACED, "dns_hostnames": IN_PLACE},
    "internet-gateway": {"vpc": IN_PLACE},
    "subnet": {"vpc": REPLACED, "cidr": REPLACED, "zone": REPLACED, "public_addresses": IN_PLACE},
    "address": {},
    "nat": {"subnet": REPLACED, "address": REPLACED},
    "route-table": {"vpc": REPLACED, "subnets": IN_PLACE, "routes": IN_PLACE},
    "s3-endpoint": {"vpc": REPLACED, "service": REPLACED, "tables": IN_PLACE},
    "group": {"vpc": REPLACED},
    "default-group": {"vpc": REPLACED},
    "rules": {"group": REPLACED, "ingress": IN_PLACE, "egress": IN_PLACE},
    "key-pair": {},
    "role": {"trust": IN_PLACE, "policy": IN_PLACE, "others": IN_PLACE},
    "profile": {"role": IN_PLACE},
    "secret": {"type": REPLACED},
    "log-group": {"days": IN_PLACE},
    "flow-log": {"vpc": REPLACED, "log_group": REPLACED, "role": REPLACED, "traffic": REPLACED},
    "host": {
        "type": judge_host_type,  # stopped, changed, started
        "subnet": REPLACED,
        "key": REPLACED,  # a launched host never asks for its key pair again
        "encrypted": REPLACED,
        "public_ip": REPLACED,
        "release": REPLACED,
        "image": REPLACED,
        "disk_gb": judge_growth(1, "GB"),  # its file system grows at the next boot
        "groups": IN_PLACE,
        "detailed": IN_PLACE,
        "profile": IN_PLACE,
        "imdsv2": IN_PLACE,
        "protected": IN_PLACE,
        "running": IN_PLACE,
        "role": IN_PLACE,
    },
    "target-group": {
        "vpc": REPLACED,
        "port": REPLACED,
        "health_path": IN_PLACE,
        "health_port": IN_PLACE,
        "targets": IN_PLACE,
        "drain_seconds": IN_PLACE,
    },
    "balancer": {"subnets": IN_PLACE, "groups": IN_PLACE, "attributes": IN_PLACE},
    "listener": {
        "balancer": REPLACED, "port": REPLACED, "target": IN_PLACE, "certificate": IN_PLACE,
    },
    "distribution": dict.fromkeys(
        (
            "balancer", "enabled", "hostnames", "certificate", "price_class", "behaviours",
            "errors_kept",
        ),
        IN_PLACE,
    ),
    "topic": {"readers": IN_PLACE},
    "alarm": dict.fromkeys(
        (
            "namespace", "metric", "statistic", "compare", "threshold", "period_s", "periods",
            "missing", "dimensions", "tell",
        ),
        IN_PLACE,
    ),
    "dashboard": {"panels": IN_PLACE},
    "budget": {"monthly_usd": IN_PLACE},
    **STORES,
}  # fmt: skip


def judge_difference(kind: str, difference: Difference) -> Verdict:
    rule = TABLE[kind][difference.what]
    return rule if isinstance(rule, Verdict) else rule(difference.found, difference.wanted)


def judge_all(kind: str, differences: Iterable[Difference]) -> dict[How, dict[str, str]]:
    """Why each property is as it is judged: how -> property -> because."""
    judged: dict[How, dict[str, str]] = {how: {} for how in How}
    for difference in differences:
        verdict = judge_difference(kind, difference)
        judged[verdict.how][difference.what] = verdict.because
    return judged


def in_turns(kind: str, differences: Iterable[Difference]) -> Iterator[frozenset[str]]:
    """The properties of each turn, in the order in which AWS accepts them."""
    turns: dict[int, set[str]] = {}
    for difference in differences:
        turns.setdefault(judge_difference(kind, difference).turn, set()).add(difference.what)
    for number in sorted(turns):
        yield frozenset(turns[number])
