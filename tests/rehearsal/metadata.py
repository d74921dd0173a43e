"""The cloud's metadata, as a server on each host's own loopback: root reaches it, nobody else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from provisioning.quantities import counted_noun
from tests.rehearsal.deployment import Deployment
from tests.rehearsal.host import Host
from tests.rehearsal.record import Record, Wrong

SERVE = """
ip address add 169.254.169.254/32 dev lo; ip -6 address add fd00:ec2::254/128 dev lo nodad
systemd-run --quiet --unit=metadata-here --working-directory=/usr/share \
  python3 -m http.server 8111 --bind ::
for _ in $(seq 50); do curl -s -o /dev/null http://127.0.0.1:8111/ && break; sleep 0.1; done
"""
END = """
systemctl stop metadata-here
ip address del 169.254.169.254/32 dev lo; ip -6 address del fd00:ec2::254/128 dev lo
"""
# The user's name, then the status of both addresses; 000 is no connection.
ASK = """
for who in root nobody; do for at in 169.254.169.254 '[fd00:ec2::254]'; do
  setpriv --reuid=$who --clear-groups curl -s -o /dev/null -m 3 -w '%{http_code} ' http://$at:8111/
done; done
"""
WITHOUT = "nft flush chain inet coupon output; " + ASK + "systemctl reload nftables"


def metadata(it: Deployment, record: Record) -> None:
    with record.step("only root reaches the cloud's metadata; without the rule all do") as step:
        with ThreadPoolExecutor() as several:
            found = dict(zip(it.hosts, several.map(reached_by, it.hosts.values()), strict=True))
        wrongs = [f"{name}: {said}" for name, said in found.items() if said != WANTED]
        if wrongs:
            raise Wrong("; ".join(wrongs))
        step.found = f"{counted_noun(len(found), 'host')}, by IPv4 and IPv6"


WANTED = (["200", "200", "000", "000"], ["200", "200", "200", "200"])


def reached_by(host: Host) -> tuple[list[str], list[str]]:
    """Root's and another user's statuses, with the firewall and then without its rule."""
    host.run("sh", "-c", SERVE)
    try:
        said = [host.run("sh", "-c", script).stdout.split() for script in (ASK, WITHOUT)]
        return said[0], said[1]
    finally:
        host.run("sh", "-c", END)
