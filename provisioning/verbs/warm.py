"""warm and cool: capacity of the load balancer that is reserved for an opening.

A balancer grows with its load, within minutes; an opening comes within a second. A reservation is
kept until it is given back, and billed by the hour.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from provisioning.client_errors import translated_errors
from provisioning.discovery import find_kind
from provisioning.errors import ProvisioningError
from provisioning.model import Found
from provisioning.prices import load_prices
from provisioning.quantities import counted_noun
from provisioning.resources.balancer import Balancer
from provisioning.run import Run
from provisioning.waiting import wait_until

READY, FAILED = "provisioned", "failed"


def warm(run: Run, *, units: int) -> int:
    """Reserves this many load balancer capacity units (LCU) and waits until every zone has them.
    Returns 0. Raises ProvisioningError if AWS can't provide them."""
    balancer = _the_balancer(run)
    if _reserved_units(_reservation(run, balancer)) != units:
        with translated_errors(f"Reserving {units} LCU"):
            run.cloud.elb.modify_capacity_reservation(
                LoadBalancerArn=balancer.id, MinimumLoadBalancerCapacity={"CapacityUnits": units}
            )
    run.show.say(f"Reserving {units} LCU: AWS takes some minutes.")
    _wait_for_zones(run, balancer)
    hourly = load_prices().other["balancer_unit"] * units
    _show(run, balancer, f"Warm. It costs about US$ {hourly:,.2f} an hour until `cool`.")
    for sentence in run.adjustments.sentences():
        run.show.say(f"Note: {sentence}.")
    return 0


def cool(run: Run) -> int:
    """Gives the reservation back. Returns 0."""
    balancer = _the_balancer(run)
    if _reserved_units(_reservation(run, balancer)):
        with translated_errors("Giving the reservation back"):
            run.cloud.elb.modify_capacity_reservation(
                LoadBalancerArn=balancer.id, ResetCapacityReservation=True
            )
    _show(run, balancer, "Cool: nothing is reserved.")
    return 0


def reserved_now(run: Run, found: Iterable[Found]) -> int:
    """The LCU that are reserved for the environment's balancer; 0 if it has none."""
    balancers = [resource for resource in found if resource.kind == Balancer.kind]
    return sum(_reserved_units(_reservation(run, balancer)) for balancer in balancers)


def _the_balancer(run: Run) -> Found:
    if run.spec.balancer is None:
        raise ProvisioningError(
            f"{run.spec.environment.name} has no load balancer: there is nothing to reserve.",
            todo="Its hosts are called at their own addresses; scale them instead.",
        )
    for balancer in find_kind(run.cloud, Balancer()):
        if balancer.name == run.spec.balancer.name:
            return balancer
    raise ProvisioningError(
        f"The balancer {run.spec.balancer.name} isn't there yet.", todo="Apply first."
    )


def _reservation(run: Run, balancer: Found) -> Any:
    with translated_errors("Asking for the load balancer's reservation"):
        return run.cloud.elb.describe_capacity_reservation(LoadBalancerArn=balancer.id)


def _reserved_units(reservation: Any) -> int:
    return int(reservation.get("MinimumLoadBalancerCapacity", {}).get("CapacityUnits", 0))


def _wait_for_zones(run: Run, balancer: Found) -> None:
    def have_all() -> bool:
        zones = _reservation(run, balancer)["CapacityReservationState"]
        for zone in zones:
            if zone["State"]["Code"] == FAILED:
                raise ProvisioningError(
                    f"AWS can't reserve it in {zone['AvailabilityZone']}: "
                    f"{zone['State'].get('Reason', 'no reason given')}.",
                    todo="Ask for less, or ask AWS' support in time before the opening.",
                )
        return bool(zones) and all(zone["State"]["Code"] == READY for zone in zones)

    wait_until(run.cloud, "reserving capacity of the load balancer", have_all)


def _show(run: Run, balancer: Found, sentence: str) -> None:
    reservation = _reservation(run, balancer)
    zones = reservation.get("CapacityReservationState", [])
    rows = [
        (zone.get("AvailabilityZone", ""), zone["State"]["Code"],
         f"{zone.get('EffectiveCapacityUnits', 0):g}")
        for zone in zones
    ]  # fmt: skip
    if rows:
        run.show.table("Load balancer", ("zone", "state", "LCU"), rows)
    decreases = reservation.get("DecreaseRequestsRemaining")
    run.show.answer(
        {
            "balancer": balancer.name,
            "reserved_lcu": _reserved_units(reservation),
            "decreases_left_today": decreases,
        }
    )
    run.show.say(sentence)
    if decreases is not None:
        run.show.say(f"AWS allows {counted_noun(decreases, 'more reduction')} today.")
