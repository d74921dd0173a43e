"""All wanted resources of a spec."""

from __future__ import annotations

from provisioning.blueprint.firewall import firewall_wants
from provisioning.blueprint.hosts import host_wants
from provisioning.blueprint.load_balancer import load_balancer_wants
from provisioning.blueprint.network import network_wants
from provisioning.blueprint.observation import observation_wants
from provisioning.blueprint.secrets import secret_wants
from provisioning.blueprint.stores import store_wants
from provisioning.model import Want
from provisioning.spec.model import Spec


def build_blueprint(spec: Spec) -> tuple[Want, ...]:
    """Everything the spec asks for, in unspecified order; plan.in_order sorts it."""
    parts = (
        network_wants,
        firewall_wants,
        secret_wants,
        host_wants,
        store_wants,
        load_balancer_wants,
        observation_wants,
    )
    return tuple(want for part in parts for want in part(spec))
