"""Host state that moto can't know, supplied by the rehearsal's real hosts through files.

`CLOUD_TOLD` names the folder: `console-ID` is an instance's console, `public-ID` its public
address, `health.json` maps instance ids to their health at the balancer. Without the variable moto
answers unchanged.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ec2.models.instances import Instance
from moto.ec2.responses.general import General
from moto.ec2.utils import Base64EncodedString  # type: ignore[attr-defined]
from moto.elbv2.models import FakeHealthStatus, FakeTargetGroup

PENDING = "initial"  # registered, and the balancer hasn't found it well yet
REASONS = {
    "initial": "Elb.RegistrationInProgress",
    "unhealthy": "Target.FailedHealthChecks",
    "draining": "Target.DeregistrationInProgress",
}


def install_host_reports() -> None:
    if "CLOUD_TOLD" in os.environ:
        folder = Path(os.environ["CLOUD_TOLD"])
        _consoles(folder)
        _addresses(folder)
        _health(folder / "health.json")


def _consoles(folder: Path) -> None:
    def console_output(self: Any) -> ActionResult:
        id = self.ec2_backend.get_instance(self._get_param("InstanceId")).id
        file = folder / f"console-{id}"
        text = file.read_text() if file.exists() else ""
        output = Base64EncodedString.from_raw_string(text)
        return ActionResult({"InstanceId": id, "Timestamp": utcnow(), "Output": output})

    General.get_console_output = console_output  # type: ignore[method-assign]


def _addresses(folder: Path) -> None:
    """moto draws public addresses, which are others' in the world."""

    def public_ip(self: Any) -> str | None:
        file = folder / f"public-{self.id}"
        drawn: str | None = self.nics[0].public_ip
        return file.read_text() if file.exists() else drawn

    for name in ("public_ip", "public_ip_address"):
        setattr(Instance, name, property(public_ip))


def _health(file: Path) -> None:
    real = FakeTargetGroup.health_for

    def describe_health(self: Any, target: Any, ec2_backend: Any) -> FakeHealthStatus:
        answer = real(self, target, ec2_backend)
        seen = json.loads(file.read_text()) if file.exists() else {}
        state = seen.get(target["Id"], PENDING)
        registered = answer.status == "healthy"  # as far as moto knows
        if registered and state in ("draining", "unused"):
            state = PENDING  # registered again, of which the balancer hasn't heard yet
        if registered or state == "draining":
            answer.status, answer.reason = state, REASONS.get(state)
        return answer

    FakeTargetGroup.health_for = describe_health  # type: ignore[method-assign]
