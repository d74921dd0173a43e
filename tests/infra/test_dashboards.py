"""Every query of a panel, evaluated by a real Prometheus that scrapes a running site."""

import http.client
import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.db import connection

from config.development.process import commands
from coupons.identity import user_tokens
from tests.config.waiting import wait_until
from tests.conftest import CampaignMaker
from tests.harness import front, services
from tests.harness.servers import START_S, free_port, is_listening, start_program
from tests.infra.test_monitoring import ALERTS, DASHBOARDS, PROMETHEUS

pytestmark = pytest.mark.slow

PATIENCE_S = 150
SCRAPE_S = 1
Environment = dict[str, str]


def panel_queries() -> list[tuple[str, str]]:
    """(board and panel, expression) for every Prometheus query of the dashboards."""
    return [
        (f"{board['title']}: {panel['title']}", target["expr"].replace("$campaign", ".+"))
        for board in (json.loads(file.read_text()) for file in DASHBOARDS)
        for panel in board["panels"]
        for target in panel["targets"]
        if "expr" in target
    ]


class Prometheus:
    def __init__(self, port: int) -> None:
        self.port = port

    def call_api(self, path: str, **words: str) -> Any:
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(words)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            with error:
                raise ValueError(json.load(error)["error"]) from error

    def is_ready(self) -> bool:
        """Whether it has replayed its (empty) data and answers."""
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=10).close()
        except urllib.error.HTTPError as error:
            error.close()
            return False
        return True

    def query_series(self, expr: str) -> list[Any]:
        return list(self.call_api("query", query=expr)["result"])


@pytest.fixture
def running_prometheus(
    open_campaign: CampaignMaker, child_environment: Environment, tmp_path: Path
) -> Iterator[Prometheus]:
    """The Prometheus of a site under a small load."""
    if connection.vendor != "mysql":
        pytest.skip("SQLite has no connections to be counted")
    open_campaign("sale", stock=300)
    connection.close()  # the server ends sessions that are silent for as long as this takes
    ports = {
        name: free_port() for name in ("web", "users", "front", "consumer", "node", "prometheus")
    }
    with ExitStack() as stack:
        door = services.start_web(
            child_environment | {"DOOR": "operators"}, tmp_path, name="operators"
        )
        operators = stack.enter_context(door)
        both = {"METRICS_FOLDERS": str(tmp_path / "operators")}
        start_programs(child_environment, tmp_path, ports, stack, **both)
        stack.enter_context(_Crowd(ports["users"], operators))
        prometheus = Prometheus(ports["prometheus"])
        wait_until(prometheus.is_ready)
        yield prometheus


def start_programs(
    environment: Environment,
    folder: Path,
    ports: dict[str, int],
    until_end: ExitStack,
    **of_web: str,
) -> dict[str, int]:
    """Start a site and what watches it, all together, and wait until they listen. Their pids.
    `of_web`: more settings of the web."""
    for role in ("web", "worker", "webhooks"):
        (folder / role).mkdir(exist_ok=True)
    web = environment | {"PROMETHEUS_MULTIPROC_DIR": str(folder / "web")} | of_web
    worker = environment | {
        "PROMETHEUS_MULTIPROC_DIR": str(folder / "worker"),
        "CONSUMER_PORT": str(ports["consumer"]),
        "METRICS_FOLDERS": str(folder / "webhooks"),
    }  # fmt: skip
    webhooks = environment | {"PROMETHEUS_MULTIPROC_DIR": str(folder / "webhooks")}
    node = ["prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{ports['node']}"]
    programs = {
        "web": (commands.granian_command(ports["web"]), web),
        "front": (_front_command(folder / "haproxy", ports), environment),
        "worker": (commands.worker_command(pool=2), worker),
        "webhooks": (commands.webhook_worker_command(), webhooks),
        "beat": (commands.beat_command(), worker),
        "consumer": (commands.consumer_command(), worker),
        "node": (node, environment),
        "prometheus": (_prometheus_command(folder / "prometheus", ports), environment),
    }
    running = {
        name: until_end.enter_context(start_program(command, log=folder / f"{name}.log", env=env))
        for name, (command, env) in programs.items()
    }
    for name in ("web", "front", "consumer", "node", "prometheus"):
        port = ports["users" if name == "front" else name]
        running[name].wait_until(partial(is_listening, port), patience_s=START_S)
    return {name: program.pid for name, program in running.items()}


def _front_command(folder: Path, ports: dict[str, int]) -> list[str]:
    door = front.FrontDoor("users", ports["users"], ports["web"])
    return front.haproxy_command(front.write_configuration(folder, [door], metrics=ports["front"]))


def _prometheus_command(folder: Path, ports: dict[str, int]) -> list[str]:
    """The real configuration, with short intervals and our targets."""
    (folder / "targets").mkdir(parents=True)
    whole = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    whole["global"] = dict.fromkeys(("scrape_interval", "evaluation_interval"), f"{SCRAPE_S}s")
    for job in whole["scrape_configs"]:
        job.pop("scrape_interval", None)
        port = ports.get(job["job_name"])  # no panel queries an exporter of Redis or MySQL
        target = [{"targets": [f"127.0.0.1:{port}"]}] if port else []
        (folder / "targets" / f"{job['job_name']}.json").write_text(json.dumps(target))
    (folder / "prometheus.yml").write_text(yaml.safe_dump(whole))
    (folder / "coupon.rules.yml").write_text((PROMETHEUS / "coupon.rules.yml").read_text())
    return [
        "prometheus",
        f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{ports['prometheus']}", "--log.level=error",
    ]  # fmt: skip


class _Crowd(threading.Thread):
    """A new user claims every 50 ms; now and then a request has no token, and an operator comes."""

    def __init__(self, port: int, operators: int) -> None:
        super().__init__(daemon=True)
        self._port, self._operators, self._over = port, operators, threading.Event()

    def __enter__(self) -> None:
        self.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        number = 0
        while not self._over.wait(0.05):
            number += 1
            with suppress(OSError):  # a busy machine
                self._ask(number)

    def _ask(self, number: int) -> None:
        token = (
            f"Bearer {user_tokens.mint_token(f'user-{number}')}" if number % 10 else "Bearer forged"
        )
        path = "/api/v1/campaigns/sale"
        self._send("POST", f"{path}/claims", self._port, token)
        if number % 10 == 0:
            self._send("GET", path, self._port, token)
            self._send("GET", "/admin/login/", self._operators, token)

    def _send(self, method: str, path: str, port: int, token: str) -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as asking:
            headers = {"Authorization": token, "Cookie": "sessionid=of-nobody-known"}
            asking.request(method, path, headers=headers)
            asking.getresponse().read()


def test_every_panel_shows_something_while_the_site_works(running_prometheus: Prometheus) -> None:
    silent = dict.fromkeys(panel_queries())
    for _, expr in silent:
        running_prometheus.call_api("format_query", query=expr)  # raises ValueError with the reason
    with pytest.raises(ValueError, match="parse error"):
        running_prometheus.call_api("format_query", query="sum(coupon_claims_total")
    deadline = time.monotonic() + PATIENCE_S
    while silent and time.monotonic() < deadline:
        silent = {at: None for at in silent if not running_prometheus.query_series(at[1])}
        time.sleep(0.5)
    assert not silent
    assert not running_prometheus.query_series(
        "sum(rate(coupon_clams_total[1m]))"
    )  # misspelt: no data
    _no_alert_has_cause(running_prometheus)


def _no_alert_has_cause(prometheus: Prometheus) -> None:
    """The site is healthy, so an alert that fires is wrong. Pending ones are ignored (a worker may
    still be starting), and those about this machine's own disk and memory."""
    hosts = {"HostBusy", "DiskNearlyFull", "MemoryNearlyGone"}
    alerts = prometheus.call_api("alerts")["alerts"]
    assert {alert["labels"]["alertname"] for alert in alerts} <= ALERTS.keys()
    firing = {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}
    assert firing - hosts == set()
