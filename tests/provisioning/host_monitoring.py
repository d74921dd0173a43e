"""EC2's detailed monitoring, which moto takes at launch only."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.responses.monitoring import Monitoring


def install_monitoring() -> None:
    Monitoring.monitor_instances = _answer("enabled")  # type: ignore[method-assign]
    Monitoring.unmonitor_instances = _answer("disabled")  # type: ignore[method-assign]


def _answer(state: str) -> Any:
    def set_monitoring(self: Any) -> ActionResult:
        hosts = [self.ec2_backend.get_instance(id) for id in self._get_param("InstanceIds", [])]
        for host in hosts:
            host.monitoring_state = state
        answers = [{"InstanceId": host.id, "Monitoring": {"State": state}} for host in hosts]
        return ActionResult({"InstanceMonitorings": answers})

    return set_monitoring
