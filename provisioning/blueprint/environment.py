"""All wanted resources of a spec."""

from __future__ import annotations

from provisioning.blueprint.firewall import firewall
from provisioning.blueprint.hosts import hosts
from provisioning.blueprint.load_balancer import front
from provisioning.blueprint.network import network
from provisioning.blueprint.observation import watch
from provisioning.blueprint.secrets import secrets
from provisioning.blueprint.stores import stores
from provisioning.model import Want
from provisioning.spec.model import Spec


def blueprint(spec: Spec) -> tuple[Want, ...]:
    """Everything the spec asks for, in no promised order; plan.in_order sorts it."""
    parts = (network, firewall, secrets, hosts, stores, front, watch)
    return tuple(want for part in parts for want in part(spec))
