"""The steps that need only the network: the table proven with packets, and detected mistakes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from provisioning.aws import Cloud, connect_cloud
from provisioning.spec.model import Spec
from tests.rehearsal import cloud as clouds
from tests.rehearsal import newcomer as newcomers
from tests.rehearsal import packets, topology
from tests.rehearsal.certificates import Authority
from tests.rehearsal.mutations import MUTATIONS
from tests.rehearsal.network import Network, running_network
from tests.rehearsal.newcomer import Newcomer
from tests.rehearsal.record import Record, Wrong


@dataclass(frozen=True, kw_only=True)
class Ground:
    """A running network. This process is on the operator's laptop."""

    network: Network
    topology: topology.Topology
    folder: Path


@dataclass(frozen=True, kw_only=True)
class Stage(Ground):
    """The network of a provisioned environment."""

    cloud: Cloud
    spec: Spec
    authority: Authority
    newcomer: Newcomer


@contextmanager
def stage(name: str, folder: Path, record: Record) -> Iterator[Stage]:
    with ExitStack() as stack:
        with record.step("an empty account") as step:
            net = stack.enter_context(running_network())
            net.enter_operator()
            authority = Authority(folder / "authority")
            stack.enter_context(clouds.running_cloud(folder))
            certificate = "" if name == "hello" else clouds.import_certificate(authority)
            newcomer = newcomers.arrive(name, folder, certificate=certificate)
            step.found = f"and a checkout of {newcomer.release}"
        newcomer.play(record, newcomers.PROVISION)
        with record.step("network") as step:
            spec = clouds.spec_of(name, certificate=certificate)
            cloud = connect_cloud(spec)
            seen = topology.read_topology(cloud)
            net.wire(seen)
            _tell_addresses(seen, folder / "told")
            step.found = f"{len(seen.places)} places, {len(seen.groups)} security groups"
        yield Stage(
            cloud=cloud, spec=spec, network=net, topology=seen, folder=folder,
            authority=authority, newcomer=newcomer,
        )  # fmt: skip
        newcomer.play(record, newcomers.END)


def _tell_addresses(seen: topology.Topology, told: Path) -> None:
    """From now on the account gives the hosts' public addresses as they are in this network."""
    for place in seen.hosts:
        if place.public:
            (told / f"public-{place.id}").write_text(place.public)


def table(here: Stage, record: Record) -> None:
    with record.step("packets") as step:
        answer = packets.send_packets(here.network, here.topology, here.spec)
        step.found = describe_answer(answer)
        if not answer.as_said:
            raise Wrong(step.found)


def mutate(here: Stage, record: Record) -> None:
    """Each mistake is made in the account and must be detected by packets. On a second network of
    the same account, so that the first is not disturbed."""
    with running_network("-other") as other:
        other.wire(here.topology)
        _play_mutations(replace(here, network=other), record)


def _play_mutations(here: Stage, record: Record) -> None:
    for mutation in MUTATIONS:
        with record.step(f"mutation: {mutation.name}") as step:
            with mutation.apply(here.cloud, here.topology):
                answer = _send_again(here)
            step.found = f"seen: {describe_answer(answer)}"
            if not mutation.shows <= set(answer.missing):
                raise Wrong(f"{mutation.name} went unnoticed: {describe_answer(answer)}")


def _send_again(here: Stage) -> packets.Answer:
    """Read the account again, apply it, send the packets, and restore the previous rules."""
    seen = topology.read_topology(here.cloud)
    try:
        here.network.rewire(seen)
        return packets.send_packets(here.network, seen, here.spec, patience=2)
    finally:
        here.network.rewire(here.topology)


def describe_answer(answer: packets.Answer) -> str:
    parts = [f"{answer.pairs_sent:,} pairs sent, {len(answer.allowed)} open"]
    for what, pairs in (
        ("closed and shouldn't be", answer.missing),
        ("open and shouldn't be", answer.surplus),
    ):
        if pairs:
            more = f" and {len(pairs) - 3} more" if len(pairs) > 3 else ""
            parts.append(f"{what}: {', '.join(map(str, pairs[:3]))}{more}")
    return "; ".join(parts)
