"""CloudWatch's agent publishes the figure that an alarm watches, with exactly its dimensions."""

from __future__ import annotations

import json
import re
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


def rendered_agent(environment: str) -> tuple[dict[str, Any], str]:
    """The agent's configuration, and a line as the program that measures sends it."""
    variables = {"coupon_environment": environment, "inventory_hostname": "coupon-consumer-1"}
    text = (TEMPLATES / "agent.json.j2").read_text()
    program = render_template(
        (TEMPLATES / "tell.py.j2").read_text(),
        {**variables, "coupon_address": "10.20.10.5", "coupon_consumer_port": 8081},
    )
    line = re.search('^line = f"(.+)"$', str(program), re.M)
    assert line
    rendered = render_template(text, variables)
    return rendered if isinstance(rendered, dict) else json.loads(rendered), line[1]


def test_the_agent_publishes_what_the_alarm_on_waiting_claims_asks_for() -> None:
    """An alarm finds a metric by all of its dimensions: one more or less is another metric, which
    has no data, and for this alarm missing data is breaching."""
    spec = environment_spec("production", "198.51.100.7/32")
    watched = [
        want.props
        for want in build_blueprint(spec)
        if want.kind == "alarm" and want.props["namespace"] == "Coupon"
    ]
    assert [alarm["metric"] for alarm in watched] == ["OldestWaitingSeconds"]
    agent, line = rendered_agent(spec.environment.name)
    assert agent["metrics"]["namespace"] == watched[0]["namespace"]
    assert line.startswith(f"{watched[0]['metric']}:")
    asked = frozenset(watched[0]["dimensions"].items())
    assert asked in published_dimensions(agent, line)
