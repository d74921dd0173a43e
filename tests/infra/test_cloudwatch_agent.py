"""CloudWatch's agent publishes the figures that alarms watch, with exactly their dimensions."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from provisioning.blueprint.environment import build_blueprint
from tests.infra.templating import ANSIBLE, render_template
from tests.provisioning.specs import environment_spec

TEMPLATES = ANSIBLE / "roles" / "cloudwatch" / "templates"
STATSD_TYPES = {"g": "gauge", "c": "counter", "ms": "timing", "h": "histogram", "s": "set"}
Dimensions = frozenset[tuple[str, str]]


def published_dimensions(agent: dict[str, Any], sent: str) -> set[Dimensions]:
    """What the agent makes of a line of StatsD: the line's tags and `metric_type`, and the host
    unless that is omitted; and each rollup, which has some of these only."""
    _, kind, tags = sent.split("|")
    named = dict(tag.split(":", 1) for tag in tags.removeprefix("#").split(","))
    named["metric_type"] = STATSD_TYPES[kind]
    if not agent["agent"].get("omit_hostname"):
        named["host"] = "ip-10-20-10-5"
    rollups = agent["metrics"].get("aggregation_dimensions", [])
    return {frozenset(named.items())} | {
        frozenset((name, named[name]) for name in names)
        for names in rollups
        if set(names) <= named.keys()
    }


def rendered_program(environment: str, figure: str, port: int = 8081) -> str:
    """The program that measures a figure, reading the metrics page at this port."""
    variables = {
        "coupon_environment": environment, "coupon_address": "127.0.0.1",
        "coupon_consumer_port": port, "coupon_operators_port": port,
    }  # fmt: skip
    return str(render_template((TEMPLATES / f"{figure}.py.j2").read_text(), variables))


def rendered_agent(environment: str) -> dict[str, Any]:
    variables = {"coupon_environment": environment, "inventory_hostname": "coupon-consumer-1"}
    rendered = render_template((TEMPLATES / "agent.json.j2").read_text(), variables)
    return rendered if isinstance(rendered, dict) else json.loads(rendered)


def test_the_agent_publishes_what_our_alarms_ask_for() -> None:
    """An alarm finds a metric by all of its dimensions: one more or less is another metric, which
    has no data."""
    spec = environment_spec("production", "198.51.100.7/32")
    watched = {
        want.props["metric"]: want.props
        for want in build_blueprint(spec)
        if want.kind == "alarm" and want.props["namespace"] == "Coupon"
    }
    agent = rendered_agent(spec.environment.name)
    assert agent["metrics"]["namespace"] == "Coupon"
    told = set()
    for figure in ("oldest-waiting", "unforeseen-errors"):
        line = re.search('^line = f"(.+)"$', rendered_program(spec.environment.name, figure), re.M)
        assert line
        metric = line[1].partition(":")[0]
        asked = frozenset(watched[metric]["dimensions"].items())
        assert asked in published_dimensions(agent, line[1])
        told.add(metric)
    assert told == watched.keys()


@contextmanager
def metrics_page(text: Callable[[], str]) -> Iterator[int]:
    """A web server whose every page is this text. Yields its port."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(text().encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_only_failures_that_were_not_meant_are_told_and_each_once(tmp_path: Path) -> None:
    counts = {"200": 900, "429": 20, "500": 4, "502": 0, "503": 70}

    def page() -> str:
        return "".join(
            f'coupon_responses_total{{status="{status}"}} {number}.0\n'
            for status, number in counts.items()
        )

    with metrics_page(page) as port, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as agent:
        agent.bind(("127.0.0.1", 0))
        agent.settimeout(30)
        program = tmp_path / "program.py"
        text = rendered_program("production", "unforeseen-errors", port)
        program.write_text(text.replace("8125", str(agent.getsockname()[1])))

        def told() -> str:
            done = {**os.environ, "STATE_DIRECTORY": str(tmp_path)}
            subprocess.run([sys.executable, str(program)], env=done, check=True)
            return agent.recv(1000).decode()

        assert told() == "UnforeseenErrors:0|c|#Environment:production", "an older one is no news"
        counts |= {"503": 9_000, "200": 9_000}
        assert told().startswith("UnforeseenErrors:0|")
        counts |= {"500": 6, "502": 1}
        assert told().startswith("UnforeseenErrors:3|")
        assert told().startswith("UnforeseenErrors:0|")
        counts |= {"500": 2, "502": 0}
        assert told().startswith("UnforeseenErrors:2|"), "the site was restarted"
