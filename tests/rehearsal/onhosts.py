"""The steps that need hosts: deployment by Ansible, access, openings."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from provisioning.quantities import counted_noun
from tests.rehearsal import deployment, newcomer, opening
from tests.rehearsal.deployment import Deployment
from tests.rehearsal.host import Host
from tests.rehearsal.playbooks import Recap, read_recap
from tests.rehearsal.record import Record, Wrong

USERS, STOCK = 2000, 1000
# Seconds by which an opening comes before the balancer would close connections that are idle since
# users opened the page: those to the hosts are reused, and are as old as they become.
BEFORE_IDLE_ENDS_S = 3
SCAN = Path(__file__).with_name("secrets_scan.py")
JAVA = "command -v java javac; find / -xdev -name 'java' -type f 2>/dev/null; ls /usr/lib/jvm"
DIRECT_S = 3
# Pages, at the address of the API, and their statuses.
PAGES = {"/events/none": 404, "/static/pages/event.css": 200, "/coupon-button.js": 200}
# Pages of operators, which must be 404 for the public.
OPERATORS_PATHS = (
    "/readyz",
    "/livez",
    "/metrics",
    "/admin/login/",
    "/api/v1/docs",
    "/api/v1/schema",
)
ASK_OPERATORS = (
    "at=$(ss -Hltn 'sport = :8090' | awk '{print $4; exit}'); for path in \"$@\"; do"
    " curl -s -o /dev/null -w '%{http_code}\\n' -H 'X-Forwarded-Proto: https'"
    ' -H "Host: ${at%:*}" http://$at$path; done'
)


def install(it: Deployment, record: Record) -> None:
    with record.step("site.yml on bare hosts, through the bastion") as step:
        done = _install_by_page(it, record) if it.newcomer else it.books.run("site")
        hosts = counted_noun(done.hosts, "host")
        step.found = f"{hosts}, {done.changed} changed, by {it.books.strategy}"
        insist_on_recap(done)
        it.restore_balancer()


def _install_by_page(it: Deployment, record: Record) -> Recap:
    """Its output is kept where that of `books` is."""
    assert it.newcomer is not None
    output = it.newcomer.play(record, newcomer.INSTALL)
    (it.books.logs / "site.log").write_text(output)
    return read_recap(0, output)


def first_coupon(it: Deployment, record: Record) -> None:
    """The newcomer's operator, campaign, token and claim; and a mistake on the page is seen."""
    assert it.newcomer is not None
    it.newcomer.play(record, newcomer.COUPON)
    with record.step("the operator of the page logs in to the admin") as step:
        step.found = newcomer.look_at_admin("http://localhost:8090/admin/", "first-1")
    with record.step("mutation: a wrong command on the page") as step:
        step.found = f"seen: {it.newcomer.detect_mistakes('The first campaign')}"


def install_again(it: Deployment, record: Record) -> None:
    with record.step("site.yml once more") as step:
        done = it.books.run("site", log="site-again")
        step.found = f"changed={done.changed}"
        insist_on_recap(done)
        if done.changed:
            things = counted_noun(done.changed, "thing")
            raise Wrong(f"a second run changed {things}; see build/rehearsal/")


def private_hosts(it: Deployment, record: Record) -> None:
    """As the packets have shown, but with ssh and its keys."""
    with record.step("private hosts only through the bastion") as step:
        inner = [place.name for place in it.here.topology.hosts if not place.public]
        with ThreadPoolExecutor(len(inner) or 1) as several:
            wrongs = [wrong for wrong in several.map(partial(_access_fault, it), inner) if wrong]
        if wrongs:
            raise Wrong("; ".join(wrongs))
        step.found = f"{counted_noun(len(inner), 'host')}: reached through it, not past it"


def _access_fault(it: Deployment, name: str) -> str:
    """The fault in the access to a private host; empty: none."""
    if it.books.ssh(name, "true").returncode:
        return f"{name} can't be reached through the bastion"
    past = it.books.ssh("-o", "ProxyJump=none", "-o", f"ConnectTimeout={DIRECT_S}", name, "true")
    return "" if past.returncode else f"{name} lets the operator in past the bastion"


def service(it: Deployment, record: Record) -> None:
    with record.step("the service answers where users look for it") as step:
        status = deployment.ask_status(it.sales.url + "/api/v1/campaigns/none")
        pages = {path: deployment.ask_status(it.sales.url + path) for path in PAGES}
        shown = ", ".join(f"{path} {answered}" for path, answered in pages.items())
        step.found = f"{it.sales.url}: a campaign that is not there {status}, {shown}"
        if status != 404 or pages != PAGES:
            raise Wrong(step.found)


def doors(it: Deployment, record: Record) -> None:
    """The operators' door has its own port; no spelling of its paths is public."""
    with record.step("the operators' door is theirs alone") as step:
        public = {path: deployment.ask_status(it.sales.url + path) for path in OPERATORS_PATHS}
        if set(public.values()) != {404}:
            raise Wrong(f"from outside: {public}")
        for host in it.of_role("api"):
            statuses = host.run("sh", "-c", ASK_OPERATORS, "sh", *OPERATORS_PATHS).stdout.split()
            if set(statuses) != {"200"}:
                raise Wrong(f"{host.name}, on its operators' door: {statuses}")
        step.found = f"{len(OPERATORS_PATHS)} paths: 404 from outside, 200 on port 8090"


def rush(it: Deployment, record: Record) -> None:
    with record.step(f"an opening: {USERS:,} people, {STOCK:,} coupons") as step:
        idle_s = it.balancer.idle_s - BEFORE_IDLE_ENDS_S if it.balancer else opening.AHEAD_S
        played = opening.play_rush(it.sales, users=USERS, stock=STOCK, ahead_s=idle_s)
        step.found = f"{played.summary()}, after {idle_s} s without a request"
        played.insist()


def no_java(it: Deployment, record: Record) -> None:
    with record.step("no JDK anywhere") as step:
        for host in it.hosts.values():
            if found := host.run("sh", "-c", JAVA).stdout.strip():
                raise Wrong(f"{host.name} has {found}")
        step.found = f"none on {counted_noun(len(it.hosts), 'host')}"


def no_leaks(it: Deployment, record: Record) -> None:
    with record.step("no secret readable by others") as step:
        secrets = it.secrets()
        with ThreadPoolExecutor() as several:
            found = several.map(
                lambda host: (host.name, scan_host(host, secrets)), it.hosts.values()
            )
            leaks = [f"{name}: {line}" for name, lines in found for line in lines]
        if leaks:
            raise Wrong("; ".join(leaks[:5]))
        hosts = counted_noun(len(it.hosts), "host")
        step.found = f"{counted_noun(len(secrets), 'secret')} looked for on {hosts}"


def scan_host(host: Host, secrets: list[str]) -> list[str]:
    """Places on the host where others could read a secret."""
    done = host.run("python3", "-c", SCAN.read_text(), given="\n".join(secrets))
    if done.returncode:
        raise Wrong(f"{host.name} can't be searched: {done.stderr[-300:]}")
    return done.stdout.splitlines()


def insist_on_recap(done: Recap) -> None:
    if not done.ok:
        raise Wrong(f"Ansible failed:\n{done.end}")
