"""The whole deployment: stores, hosts, balancer, inventory. Shared by all steps."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

from tests.rehearsal import balancer, base, hosts, machine, playbooks, releases, stores, wheels
from tests.rehearsal.balancer import Balancer
from tests.rehearsal.certificates import Authority
from tests.rehearsal.host import Host
from tests.rehearsal.network import run_command
from tests.rehearsal.onnetwork import Ground, Stage
from tests.rehearsal.opening import Sales
from tests.rehearsal.people import AUDIENCE, ISSUER
from tests.rehearsal.playbooks import Playbooks
from tests.rehearsal.record import Record
from tests.rehearsal.topology import OPERATOR


@dataclass(frozen=True, kw_only=True)
class Deployment:
    here: Ground
    hosts: dict[str, Host]
    balancer: Balancer | None
    books: Playbooks
    sales: Sales
    release: str  # deployed first: the work tree as it is

    secrets: Callable[[], list[str]]  # that others may not read

    @property
    def account(self) -> Stage:
        """The account, if the environment has one."""
        assert isinstance(self.here, Stage)
        return self.here

    def of_role(self, role: str) -> list[Host]:
        return [self.hosts[place.name] for place in self.here.topology.role(role)]

    def restore_balancer(self) -> None:
        """Wait until all api hosts get requests again."""
        if self.balancer:
            self.balancer.wait_for(*(host.name for host in self.of_role("api")))


def prepare_caches(record: Record) -> None:
    """Create what is cached outside git, the first time."""
    machine.install_missing(machine.FOR_ALL)
    with record.step("base image") as step:
        is_new = not base.HOSTS.is_ready
        step.found = f"{'made' if is_new else 'cached'}: {base.HOSTS.make()}"
    with record.step("wheels") as step:
        is_new = not wheels.archives_ready()
        files = [wheels.make_archive(what) for what in wheels.PINS]
        step.found = f"{'made' if is_new else 'cached'}: {', '.join(map(str, files))}"


@contextmanager
def start_deployment(here: Stage, record: Record) -> Iterator[Deployment]:
    with ExitStack() as stack:
        authority = Authority(here.folder / "authority")
        with record.step("stores") as step:
            stack.enter_context(stores.running_stores(here, authority))
            step.found = ", ".join(f"{one.name} at {one.dns}" for one in here.topology.stores)
        key = here.folder / "keys" / f"{here.spec.key.name}.pem"
        with record.step("hosts") as step:
            running = stack.enter_context(hosts.running_hosts(here, key))
            step.found = f"{len(running)} with systemd as process 1"
        front = stack.enter_context(balancer.running_balancer(here))
        _resolve_names(here)
        books = playbooks.of_account(
            here, authority, app_wait_replicas=0,  # its Redis has none
            app_jwt_issuer=ISSUER, app_jwt_audience=AUDIENCE,
            app_version=(release := releases.work_tree()), **_public_names(here),
        )  # fmt: skip
        api = here.topology.role("api")[0]
        sales = Sales(
            here=here, books=books, url=service_address(here), manager=api.name,
            where="world" if front else "operator",
            token_key=partial(stores.read_secret, here, "user-token-key"),
            rows=partial(stores.query_rows, here),
        )  # fmt: skip
        yield Deployment(
            here=here, hosts=running, balancer=front, books=books, sales=sales, release=release,
            secrets=partial(stores.read_secrets, here),
        )  # fmt: skip


def service_address(here: Stage) -> str:
    """The URL of the service for users: the balancer's name, or the one api host's port."""
    for front in here.topology.role("balancer"):
        return f"http://{front.dns}"
    return f"http://{here.topology.role('api')[0].public}:8080"


def _public_names(here: Stage) -> dict[str, object]:
    """Without a balancer users call a host by its public address, which the host can't know."""
    if here.topology.role("balancer"):
        return {}
    api = here.topology.role("api")[0]
    target = f"http://{api.address}:8080"
    return {"app_hosts": [api.public, api.address], "loadgen_target": target}


def ask_status(url: str) -> int:
    """The status of a page, requested from the operator's laptop."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        refusal.close()
        return refusal.code


def service_answers(url: str) -> bool:
    """Whether the users' door answers there: 404 for an unknown campaign."""
    return ask_status(url + "/api/v1/campaigns/none") == 404


def _resolve_names(here: Stage) -> None:
    """Resolve the public names for clients outside, in this process's mounts only."""
    known = [f"{one.public} {one.dns}" for one in here.topology.places if one.public and one.dns]
    file = here.folder / "hosts-file"
    file.write_text("\n".join(["127.0.0.1 localhost", f"{OPERATOR} laptop", *known]) + "\n")
    run_command("mount", "--bind", str(file), "/etc/hosts")
