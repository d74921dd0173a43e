"""Which place reaches which, tested with packets and compared with the spec's table."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from provisioning.blueprint.reachability import (
    API,
    CONSUMER,
    FRONT_METRICS,
    HOST_METRICS,
    OPERATORS,
    SSH,
    reachability_table,
)
from provisioning.spec.model import Spec
from tests.rehearsal.network import Network
from tests.rehearsal.rules import OUTSIDE
from tests.rehearsal.topology import WORLD, Place, Topology

WEB = (80, 443)
PROBE = Path(__file__).with_name("probe.py")
WAIT_S = 0.8  # an allowed packet needs a millisecond; a dropped one is never answered
SECOND_WAIT_S = 5.0  # for one that should have been answered, on a busy machine
# Beside every port of the table: Flower, Grafana, Prometheus, Locust.
OTHERS = {
    80, 443, SSH, API, CONSUMER, OPERATORS, FRONT_METRICS, HOST_METRICS,
    3306, 6379, 6380, 5555, 3000, 9090, 8089,
}  # fmt: skip


@dataclass(frozen=True, order=True)
class Pair:
    """A connection between two names; `direct`: from outside to a private address."""

    who: str
    whom: str
    port: int
    direct: bool = False

    def __str__(self) -> str:
        return f"{self.who} → {self.whom}:{self.port}{' by its private address' * self.direct}"


@dataclass(frozen=True, kw_only=True)
class Answer:
    pairs_sent: int
    allowed: tuple[Pair, ...]
    missing: tuple[Pair, ...]  # should be possible and isn't
    surplus: tuple[Pair, ...]  # is possible and shouldn't

    @property
    def as_said(self) -> bool:
        return not self.missing and not self.surplus


def send_packets(
    network: Network, topology: Topology, spec: Spec, *, patience: float = SECOND_WAIT_S
) -> Answer:
    """Send the packets: about a second for any number of pairs, if all is correct."""
    wanted, pairs = expected_answers(topology, spec), every_pair(topology)
    reached = _probe_pairs(network, topology, pairs, WAIT_S)
    if late := wanted - reached:
        reached |= _probe_pairs(network, topology, late, patience)
    return Answer(
        pairs_sent=len(pairs),
        allowed=tuple(sorted(reached & wanted)),
        missing=tuple(sorted(wanted - reached)),
        surplus=tuple(sorted(reached - wanted)),
    )


def every_pair(topology: Topology) -> set[Pair]:
    """All pairs of places on each port; from outside also to private addresses."""
    inside = [place.name for place in topology.places]
    ports = OTHERS | {store.port for store in topology.stores}
    return {
        *(Pair(a, b, port) for a in inside for b in inside if a != b for port in ports),
        *(Pair(a, "world", port) for a in inside for port in ports),
        *(Pair(a, b, port, direct)
          for a in OUTSIDE for b in inside for port in ports for direct in (True, False)),
    }  # fmt: skip


def expected_answers(topology: Topology, spec: Spec) -> set[Pair]:
    """What the spec allows: its table of roles, or the write-up's one security group."""
    if spec.firewall.style == "default":
        return _one_group(topology, spec)
    rows = {(row.who, row.whom, row.port) for row in reachability_table(spec)}
    # The operator belongs to the world; and who may call web servers of the world may call ours.
    callers = {"operator", *(place.role for place in topology.hosts)}
    rows |= {(who, whom, port) for of, whom, port in rows if of == "world" for who in callers}
    rows |= {(place.role, "world", port) for place in topology.hosts for port in WEB}
    kinds = {place.name: place.role for place in topology.places} | {one: one for one in OUTSIDE}
    # A store answers only on the port on which it listens, whatever the table has.
    own = {store.name: store.port for store in topology.stores}
    use = {(who, whom) for who, whom, _ in rows}

    def promised(pair: Pair) -> bool:
        who, whom = kinds[pair.who], kinds[pair.whom]
        if pair.whom in own:
            return pair.port == own[pair.whom] and (who, whom) in use
        return (who, whom, pair.port) in rows

    return {pair for pair in every_pair(topology) if not pair.direct and promised(pair)}


def _one_group(topology: Topology, spec: Spec) -> set[Pair]:
    """Members reach each other, and the outside if there is a route; the operator three ports."""
    public = {hosts.name for hosts in spec.hosts if hosts.public_ip}
    inside = {place.name for place in topology.places}

    def possible(pair: Pair) -> bool:
        if pair.direct or pair.who == "world":
            return False
        if pair.who == "operator":
            return pair.whom in public and pair.port in (SSH, API, CONSUMER)
        return pair.whom in inside or pair.who in public

    return {pair for pair in every_pair(topology) if possible(pair)}


def _probe_pairs(
    network: Network, topology: Topology, pairs: Iterable[Pair], wait: float
) -> set[Pair]:
    """The pairs that got an answer. All places probe at the same time."""
    todo: dict[str, dict[tuple[str, int], Pair]] = {}
    for pair in pairs:
        if address := _target_address(topology, pair):
            todo.setdefault(pair.who, {})[address, pair.port] = pair
    running = {
        who: subprocess.Popen(
            network.within(who, sys.executable, "-S", str(PROBE)),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for who in todo
    }  # fmt: skip
    for who, process in running.items():
        assert process.stdin is not None
        json.dump({"targets": list(todo[who]), "wait": wait}, process.stdin)
        process.stdin.close()
        process.stdin = None
    outputs = {who: process.communicate()[0] for who, process in running.items()}
    return {todo[who][address, port] for who in todo for address, port in json.loads(outputs[who])}


def _target_address(topology: Topology, pair: Pair) -> str:
    """The address that the packet is sent to; empty: none."""
    if pair.whom == "world":
        return WORLD
    place: Place = topology.named(pair.whom)
    return place.public if pair.who in OUTSIDE and not pair.direct else place.address
