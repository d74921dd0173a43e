"""The whole deployment: stores, hosts, balancer, inventory. Shared by all steps."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from tests.rehearsal import balancer, base, hosts, machine, playbooks, stores, wheels
from tests.rehearsal.balancer import Balancer
from tests.rehearsal.cloud import DOMAIN
from tests.rehearsal.host import Host
from tests.rehearsal.network import run_command
from tests.rehearsal.newcomer import INVENTORY, Newcomer
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
    def newcomer(self) -> Newcomer | None:
        """Who follows the page, in an environment with an account."""
        return self.here.newcomer if isinstance(self.here, Stage) else None

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
        with record.step("stores") as step:
            stack.enter_context(stores.running_stores(here, here.authority))
            step.found = ", ".join(f"{one.name} at {one.dns}" for one in here.topology.stores)
        key = here.folder / "keys" / f"{here.spec.key.name}.pem"
        with record.step("hosts") as step:
            running = stack.enter_context(hosts.running_hosts(here, key))
            step.found = f"{len(running)} with systemd as process 1"
        front = stack.enter_context(balancer.running_balancer(here))
        _resolve_names(here)
        _write_inventory(here, record)
        books = playbooks.of_account(
            here, app_wait_replicas=0,  # its Redis has none
            app_jwt_issuer=ISSUER, app_jwt_audience=AUDIENCE, app_version=here.newcomer.release,
            loadgen_target=service_address(here, inside=True),
        )  # fmt: skip
        api = here.topology.role("api")[0]
        sales = Sales(
            here=here, books=books, url=service_address(here), manager=api.name,
            where="world" if front else "operator",
            token_key=partial(stores.read_secret, here, "user-token-key"),
            rows=partial(stores.query_rows, here),
        )  # fmt: skip
        yield Deployment(
            here=here, hosts=running, balancer=front, books=books, sales=sales,
            release=here.newcomer.release, secrets=partial(stores.read_secrets, here),
        )  # fmt: skip


def service_address(here: Stage, *, inside: bool = False) -> str:
    """The URL of the service for users: the site's name, or the one api host's port. `inside`: for
    hosts."""
    if here.topology.role("balancer"):
        return f"https://{DOMAIN}"
    api = here.topology.role("api")[0]
    return f"http://{api.address if inside else api.public}:8080"


def _write_inventory(here: Stage, record: Record) -> None:
    """The newcomer knows now at which address users call."""
    newcomer, url = here.newcomer, service_address(here)
    newcomer.values |= {"URL": url}
    newcomer.terminal.run(f"export DOMAIN={urlsplit(url).hostname}", {})
    newcomer.play(record, INVENTORY)


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
    places = [one for one in here.topology.places if one.public and one.dns]
    known = [f"{one.public} {one.dns} {DOMAIN}" for one in places]
    file = here.folder / "hosts-file"
    file.write_text("\n".join(["127.0.0.1 localhost", f"{OPERATOR} laptop", *known]) + "\n")
    run_command("mount", "--bind", str(file), "/etc/hosts")
