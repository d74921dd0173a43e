"""The VPC as network namespaces: an operator's laptop, the world, a router, and each place.

None is linked to the machine's own network. Every place has one link, to the router, and a /32, so
that packets within a subnet pass the router's chain, too.
"""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.rehearsal import leftovers
from tests.rehearsal.rules import OUTSIDE, make_ruleset
from tests.rehearsal.topology import Topology

NEW_NETWORK = 0x40000000  # CLONE_NEWNET
GATE = "169.254.1.1"  # the router, from every place


def run_command(*words: str, given: str = "") -> str:
    """Run a command. Returns its standard output. Raises RuntimeError with its standard error."""
    done = subprocess.run(words, input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


@contextmanager
def running_network(more: str = "") -> Iterator[Network]:
    """A network of operator, world and router; all namespaces are removed at the end. `more` names
    a second network of this rehearsal."""
    one = Network(leftovers.run_name() + more)
    try:
        one.begin()
        yield one
    finally:
        one.end()


class Network:
    def __init__(self, run: str) -> None:
        self.run = run
        self.cards: dict[str, str] = {}
        self._names: list[str] = []

    def begin(self) -> None:
        for name in (*OUTSIDE, "router"):
            self._add(name)
        run_command(*self._in("router"), "sysctl", "-qw", "net.ipv4.ip_forward=1")

    def end(self) -> None:
        for name in self._names:
            _delete_namespace(self.namespace(name))

    def namespace(self, name: str) -> str:
        return f"{self.run}-{name}"

    def path(self, name: str) -> Path:
        return leftovers.NAMES / self.namespace(name)

    def _in(self, name: str) -> tuple[str, ...]:
        return ("ip", "netns", "exec", self.namespace(name))

    def within(self, name: str, *words: str) -> list[str]:
        """The command line that runs `words` in the namespace of a place."""
        return [*self._in(name), *words]

    def enter_operator(self) -> None:
        """Move this process, and all it starts, to the operator's laptop for good."""
        libc = ctypes.CDLL(None, use_errno=True)
        with self.path("operator").open() as namespace:
            if libc.setns(namespace.fileno(), NEW_NETWORK):
                raise OSError(ctypes.get_errno(), "setns")

    def wire(self, topology: Topology) -> None:
        """Connect all places to the router and load its rules."""
        for name, address in OUTSIDE.items():
            self._connect(name, address)
        self.rewire(topology)

    def rewire(self, topology: Topology) -> None:
        """Apply the cloud's current state: connect new places; open connections stay, as in AWS."""
        for place in topology.places:
            if place.name not in self.cards:
                self._add(place.name)
                self._connect(place.name, place.address)
        run_command(*self._in("router"), "nft", "-f", "-", given=make_ruleset(topology, self.cards))

    def _add(self, name: str) -> None:
        self._names.append(name)  # before it exists: a signal may arrive in between
        run_command("ip", "netns", "add", self.namespace(name))
        run_command("ip", "-n", self.namespace(name), "link", "set", "lo", "up")

    def _connect(self, name: str, address: str) -> None:
        card, router, place = f"n{len(self.cards)}", self.namespace("router"), self.namespace(name)
        self.cards[name] = card
        run_command(
            "ip", "-n", router, "link", "add", card, "type", "veth",
            "peer", "name", "eth0", "netns", place,
        )  # fmt: skip
        _run_batch(router, f"addr add {GATE}/32 dev {card}", f"link set {card} up",
               f"route add {address}/32 dev {card}")  # fmt: skip
        _run_batch(place, f"addr add {address}/32 dev eth0", "link set eth0 up",
               f"route add {GATE}/32 dev eth0",
               f"route add default via {GATE} src {address}")  # fmt: skip


def _run_batch(namespace: str, *lines: str) -> None:
    run_command("ip", "-n", namespace, "-batch", "-", given="\n".join(lines) + "\n")


def _delete_namespace(namespace: str) -> None:
    subprocess.run(["ip", "netns", "del", namespace], capture_output=True, check=False)
