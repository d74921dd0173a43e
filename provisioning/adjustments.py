"""What `scale` and `sleep` asked for, until they are told otherwise: a parameter in the account, so
that every operator's next plan agrees with it.

It changes what the spec wants; the spec's file stays as it is. `destroy` deletes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from provisioning.aws import Cloud
from provisioning.blueprint.environment import build_blueprint
from provisioning.client_errors import ignoring, translated_errors
from provisioning.errors import ProvisioningError
from provisioning.model import Want
from provisioning.spec.model import Spec


@dataclass(frozen=True)
class Adjustments:
    """`asleep`: hosts and database are stopped, and nothing raises an alarm. `counts`: name of a
    group of hosts -> how many there are to be."""

    asleep: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)

    def sentences(self) -> list[str]:
        """What differs from the spec, for people."""
        counts = [
            f"{name} has {count} hosts by `scale`" for name, count in sorted(self.counts.items())
        ]
        return [*counts, *(["the environment is asleep: `wake` starts it"] if self.asleep else [])]


def read_adjustments(cloud: Cloud) -> Adjustments:
    """Raises ProvisioningError if the parameter holds something else."""
    with translated_errors("Reading what scale and sleep asked for"), ignoring("ParameterNotFound"):
        value = cloud.ssm.get_parameter(Name=_name(cloud))["Parameter"]["Value"]
        return _parsed(cloud, value)
    return Adjustments()


def _parsed(cloud: Cloud, value: str) -> Adjustments:
    try:
        document = json.loads(value)
        counts = {str(name): int(count) for name, count in document["counts"].items()}
        return Adjustments(asleep=bool(document["asleep"]), counts=counts)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ProvisioningError(
            f"The parameter {_name(cloud)} does not hold what scale and sleep write.",
            todo="Delete it; the spec alone counts then.",
        ) from None


def write_adjustments(cloud: Cloud, adjustments: Adjustments) -> None:
    """None are no parameter: the spec alone counts."""
    if adjustments == Adjustments():
        forget_adjustments(cloud)
        return
    with translated_errors("Noting what was asked for"):
        try:
            cloud.ssm.put_parameter(
                Name=_name(cloud),
                Value=json.dumps(asdict(adjustments)),
                Type="String",
                Tags=cloud.scope.tags("adjustments"),
            )
        except cloud.ssm.exceptions.ParameterAlreadyExists:
            value = json.dumps(asdict(adjustments))
            cloud.ssm.put_parameter(Name=_name(cloud), Value=value, Overwrite=True)


def forget_adjustments(cloud: Cloud) -> None:
    with (
        translated_errors("Forgetting what scale and sleep asked for"),
        ignoring("ParameterNotFound"),
    ):
        cloud.ssm.delete_parameter(Name=_name(cloud))


def adjusted_wants(spec: Spec, adjustments: Adjustments) -> tuple[Want, ...]:
    """Everything that is wanted now. A group that the spec has no more is left out."""
    hosts = tuple(
        replace(group, count=adjustments.counts.get(group.name, group.count))
        for group in spec.hosts
    )
    wants = build_blueprint(replace(spec, hosts=hosts))
    return _sleeping(wants) if adjustments.asleep else wants


def _sleeping(wants: tuple[Want, ...]) -> tuple[Want, ...]:
    """An alarm would ring for all that is stopped, so there is none."""
    stopped: dict[str, Any] = {"running": False}
    return tuple(
        replace(want, props={**want.props, **stopped}) if "running" in want.props else want
        for want in wants
        if want.kind != "alarm"
    )


def _name(cloud: Cloud) -> str:
    return f"{cloud.scope.path}/adjustments"
