"""What moto's load balancers lack: reserved capacity, which takes time and has limits, and targets
that drain. Time passes by answers, as in `store_states`.
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.elbv2.exceptions import ELBClientError
from moto.elbv2.models import ELBv2Backend, FakeHealthStatus
from moto.elbv2.responses import ELBV2Response

from tests.provisioning.store_states import ANSWERS

LEAST, MOST = 100, 1_500  # LCU: what a reservation needs, and what a new account may have
DECREASES = 2  # a day


class Refused(ELBClientError):
    """An error of AWS with a code of its own."""


def install_capacity() -> None:
    ELBV2Response.modify_capacity_reservation = _modify  # type: ignore[attr-defined]
    ELBV2Response.describe_capacity_reservation = _describe  # type: ignore[method-assign]


def _balancer(response: Any) -> Any:
    arn = response._get_param("LoadBalancerArn")
    return response.elbv2_backend.describe_load_balancers([arn], [])[0]


def _modify(self: Any) -> ActionResult:
    balancer, before = _balancer(self), _units(_balancer(self))
    if getattr(balancer, "answers_left", 0) > 0:
        raise Refused("CapacityReservationPending", "The last change has not ended.")
    asked = self._get_param("MinimumLoadBalancerCapacity") or {}
    reset = str(self._get_param("ResetCapacityReservation")).lower() == "true"
    units = 0 if reset else int(asked["CapacityUnits"])
    if not reset and units < LEAST:
        raise Refused("InvalidConfigurationRequest", f"At least {LEAST} LCU can be reserved.")
    if units > MOST:
        raise Refused("CapacityUnitsLimitExceeded", f"The quota is {MOST} LCU.")
    if units < before:
        if _decreases_left(balancer) == 0:
            raise Refused("CapacityDecreaseRequestLimitExceeded", "No more today.")
        balancer.decreases_left = _decreases_left(balancer) - 1
    balancer.reserved_units, balancer.answers_left = units, ANSWERS if units else 0
    return ActionResult(_reservation(balancer))


def _describe(self: Any) -> ActionResult:
    balancer = _balancer(self)
    answer = _reservation(balancer)
    balancer.answers_left = max(0, getattr(balancer, "answers_left", 0) - 1)
    return ActionResult(answer)


def _reservation(balancer: Any) -> dict[str, Any]:
    units = _units(balancer)
    is_pending = getattr(balancer, "answers_left", 0) > 0
    reservation: dict[str, Any] = {"DecreaseRequestsRemaining": _decreases_left(balancer)}
    if not units:
        return reservation
    return reservation | {
        "MinimumLoadBalancerCapacity": {"CapacityUnits": units},
        "CapacityReservationState": [
            {
                "AvailabilityZone": f"ap-northeast-2{letter}",
                "State": _state(balancer, letter, is_pending=is_pending),
                "EffectiveCapacityUnits": 0.0 if is_pending else units / 2,
            }
            for letter in "ac"
        ],
    }


def _state(balancer: Any, letter: str, *, is_pending: bool) -> dict[str, str]:
    if is_pending:
        return {"Code": "pending"}
    if letter in getattr(balancer, "zones_without_capacity", ""):
        return {"Code": "failed", "Reason": "insufficient capacity"}
    return {"Code": "provisioned"}


def _units(balancer: Any) -> int:
    return int(getattr(balancer, "reserved_units", 0))


def _decreases_left(balancer: Any) -> int:
    return int(getattr(balancer, "decreases_left", DECREASES))


def install_draining() -> None:
    """A deregistered target is described as draining until its last requests are answered."""
    deregister, describe = ELBv2Backend.deregister_targets, ELBv2Backend.describe_target_health

    def begin_draining(self: Any, target_group_arn: str, instances: list[dict[str, Any]]) -> None:
        deregister(self, target_group_arn, instances)
        group = self.target_groups[target_group_arn]
        leaving = {one["Id"]: ANSWERS for one in instances}
        group.draining = getattr(group, "draining", {}) | leaving

    def describe_draining(self: Any, target_group_arn: str, targets: list[dict[str, Any]]) -> Any:
        described = describe(self, target_group_arn, targets)
        if targets:
            return described
        group = self.target_groups[target_group_arn]
        leaving = getattr(group, "draining", {})
        group.draining = {id: left - 1 for id, left in leaving.items() if left > 1}
        draining = (FakeHealthStatus(id, group.port, None, "draining") for id in leaving)
        return [*described, *draining]

    ELBv2Backend.deregister_targets = begin_draining  # type: ignore[method-assign]
    ELBv2Backend.describe_target_health = describe_draining  # type: ignore[method-assign]
