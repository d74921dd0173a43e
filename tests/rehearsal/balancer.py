"""haproxy in place of the load balancer: targets as registered in the account, health checks.

haproxy checks the hosts; a thread copies registrations from the account to haproxy and the results
back to the account, so that `describe_target_health` returns the real health. As AWS' balancer it
keeps idle connections to hosts for the account's idle timeout, and never sends a request twice.
"""

from __future__ import annotations

import csv
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from provisioning.aws import Cloud
from provisioning.blueprint.load_balancer import IDLE_ATTRIBUTE
from provisioning.tags import as_dict
from tests.harness.servers import start_process
from tests.rehearsal.cloud import DOMAIN
from tests.rehearsal.onnetwork import Stage
from tests.rehearsal.topology import Place

FOLLOW_S = 0.5  # AWS takes longer; requests to the account cost more CPU than the checks
# As AWS' balancer it says which of the two a request came by.
FORWARD = "  http-request set-header X-Forwarded-Proto {}\n  default_backend api"
REDIRECT = "  http-request redirect scheme https code 301"
SETTINGS = """
global
  stats socket {folder}/control mode 600 level admin
  maxconn 6000
defaults
  mode http
  timeout connect 2s
  timeout check {patience}s
  timeout client {idle}s
  timeout server {idle}s
  timeout http-keep-alive {idle}s
  option forwardfor
  http-reuse always
  retries 0
{listens}
backend api
  balance roundrobin
  option httpchk GET {health}
  http-check expect status 200
  default-server inter 500ms fall {fall} rise {rise} pool-max-conn -1 pool-purge-delay {purge}s
{servers}
"""


@contextmanager
def running_balancer(here: Stage) -> Iterator[Balancer | None]:
    """Yields None if the environment has no balancer."""
    places = here.topology.role("balancer")
    if not places:
        yield None
        return
    folder = here.folder / places[0].name
    folder.mkdir()
    one = Balancer(here, places[0], folder)
    file = folder / "haproxy.cfg"
    file.write_text(one.settings())
    command = here.network.within(
        places[0].name, "setpriv", "--pdeathsig", "KILL", "haproxy", "-W", "-db", "-f", str(file)
    )
    with (
        start_process(command, ready=(folder / "control").exists, log=folder / "log"),
        one.following(),
    ):
        yield one


class Balancer:
    def __init__(self, here: Stage, place: Place, folder: Path) -> None:
        self._cloud: Cloud = here.cloud
        self._control, self._health_file = folder / "control", here.folder / "told" / "health.json"
        self._place, self._folder = place, folder
        self._site = here.authority.signed(DOMAIN)
        self._hosts = {one.id: one for one in here.topology.role("api")}
        [group] = self._cloud.elb.describe_target_groups()["TargetGroups"]
        self._group = group
        [balancer] = self._cloud.elb.describe_load_balancers()["LoadBalancers"]
        self._described: Any = balancer
        self.idle_s = idle_seconds(self._cloud, balancer["LoadBalancerArn"])
        self._stop = threading.Event()
        self._states: dict[str, str] = {}

    def settings(self) -> str:
        described = self._described
        listeners = self._cloud.elb.describe_listeners(LoadBalancerArn=described["LoadBalancerArn"])
        listens = [self._frontend(one) for one in listeners["Listeners"]]
        servers = [
            f"  server {one.name} {one.address}:{self._group['Port']} "
            f"check port {self._group['HealthCheckPort']} disabled"
            for one in self._hosts.values()
        ]
        return SETTINGS.format(
            folder=self._folder, listens="\n".join(listens), servers="\n".join(servers),
            health=self._group["HealthCheckPath"], fall=self._group["UnhealthyThresholdCount"],
            rise=self._group["HealthyThresholdCount"],
            patience=self._group["HealthCheckTimeoutSeconds"],
            idle=self.idle_s, purge=self.idle_s // 2,
        )  # fmt: skip

    def _frontend(self, listener: Any) -> str:
        """A listener of the account, with the site's certificate if it has one."""
        port, secure = listener["Port"], bool(listener.get("Certificates"))
        pem = self._folder / "site.pem"
        if secure:
            pem.touch(0o600)
            pem.write_bytes(b"".join(file.read_bytes() for file in self._site))
        bind = f"{self._place.address}:{port}" + f" ssl crt {pem}" * secure
        redirects = listener["DefaultActions"][0]["Type"] == "redirect"
        does = REDIRECT if redirects else FORWARD.format("https" if secure else "http")
        return f"frontend port-{port}\n  bind {bind}\n{does}"

    @contextmanager
    def following(self) -> Iterator[None]:
        thread = threading.Thread(target=self._follow, name="balancer", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join(5)

    def _follow(self) -> None:
        while not self._stop.wait(FOLLOW_S):
            registered = self._registered()
            for id, host in self._hosts.items():
                wanted = "ready" if id in registered else "drain"
                if self._states.get(id) != wanted:
                    self._send_command(f"set server api/{host.name} state {wanted}")
                    self._send_command(f"enable health api/{host.name}")
                    self._states[id] = wanted
            self._write_health(registered)

    def _registered(self) -> set[str]:
        """Registered, and not deregistering."""
        answer = self._cloud.elb.describe_target_health(
            TargetGroupArn=self._group["TargetGroupArn"]
        )
        return {
            one["Target"]["Id"]
            for one in answer["TargetHealthDescriptions"]
            if one["TargetHealth"]["State"] not in ("draining", "unused")
        }

    def _write_health(self, registered: set[str]) -> None:
        health = self.health(registered)
        new = self._health_file.with_suffix(".new")
        new.write_text(json.dumps(health))
        new.rename(self._health_file)

    def health(self, registered: set[str]) -> dict[str, str]:
        """The health of each host in the words of AWS."""
        return {
            id: _target_state(seen, id in registered)
            for id, host in self._hosts.items()
            if (seen := self._server_rows().get(host.name))
        }

    def _server_rows(self) -> dict[str, dict[str, str]]:
        """haproxy's statistics of each server."""
        text = self._send_command("show stat").removeprefix("# ")
        lines = csv.DictReader(text.splitlines())
        return {one["svname"]: one for one in lines if one["pxname"] == "api"}

    def well(self) -> set[str]:
        """Names of the hosts that get requests now."""
        return {name for name, one in self._server_rows().items() if one["status"] == "UP"} & {
            host.name for host in self._hosts.values()
        }

    def wait_for(self, *names: str, patience: float = 30) -> None:
        """Wait until exactly these get requests. Raises RuntimeError at the timeout."""
        deadline = time.monotonic() + patience
        while self.well() != set(names):
            if time.monotonic() > deadline:
                raise RuntimeError(f"the balancer sends to {self.well() or 'nobody'}, not {names}")
            time.sleep(0.1)

    def _send_command(self, words: str) -> str:
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(str(self._control))
            control.sendall(words.encode() + b"\n")
            return b"".join(iter(lambda: control.recv(65536), b"")).decode()


def idle_seconds(cloud: Cloud, balancer: str) -> int:
    """How long the account's balancer keeps an idle connection."""
    found = cloud.elb.describe_load_balancer_attributes(LoadBalancerArn=balancer)["Attributes"]
    return int(as_dict(found)[IDLE_ATTRIBUTE])


def _target_state(seen: dict[str, str], registered: bool) -> str:
    if not registered:
        return "draining" if int(seen["scur"] or 0) else "unused"
    if seen["check_status"] in ("INI", ""):
        return "initial"
    return "healthy" if seen["status"] == "UP" else "unhealthy"
