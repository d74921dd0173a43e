"""Monitoring: rules that fire, a runbook that matches them, thresholds that are defined once."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django_prometheus.db  # noqa: F401 - this and two of config register its metrics
import pytest
import yaml
from django.core.management import get_commands
from prometheus_client import REGISTRY, Metric

from config import (
    counted_cache,  # noqa: F401
    urls,  # noqa: F401
)
from config.request_cycle import RequestCycle
from coupons.monitoring.collectors import live_family
from coupons.observability import (
    grant_metrics,
    life_metrics,
    metrics,
    stranger_metrics,
    webhook_metrics,
)

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
ROLE = ROOT / "ansible" / "roles" / "monitoring"
PROMETHEUS = ROLE / "files" / "prometheus"
DASHBOARDS = sorted((ROLE / "files" / "grafana" / "dashboards").glob("*.json"))
RULES = yaml.safe_load((PROMETHEUS / "coupon.rules.yml").read_text())
ALERTS = {
    rule["alert"]: rule for group in RULES["groups"] for rule in group["rules"] if "alert" in rule
}
THRESHOLDS = tomllib.loads((ROOT / "provisioning" / "thresholds.toml").read_text())
RUNBOOK = (ROLE / "RUNBOOK.md").read_text()


def run_promtool(*words: str, cwd: Path = PROMETHEUS) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *words], cwd=cwd, capture_output=True, text=True)


def test_the_files_are_what_their_builder_writes() -> None:
    builder = [sys.executable, str(ROLE / "generate"), "--check"]
    done = subprocess.run(builder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_prometheus_understands_its_configuration() -> None:
    done = run_promtool("check", "config", "prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_fires_when_it_must_and_only_then() -> None:
    done = run_promtool("test", "rules", "coupon.tests.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_negative_control_a_missing_alert_fails_the_alerts_tests(tmp_path: Path) -> None:
    never = {"groups": [{"name": "records", "rules": _record_rules()}]}
    (tmp_path / "coupon.rules.yml").write_text(yaml.safe_dump(never))
    (tmp_path / "coupon.tests.yml").write_text((PROMETHEUS / "coupon.tests.yml").read_text())
    done = run_promtool("test", "rules", "coupon.tests.yml", cwd=tmp_path)
    output = done.stdout + done.stderr
    assert done.returncode == 1
    assert set(re.findall(r'ALERTS{alertname=\\*"(\w+)', output)) == set(ALERTS)


def _record_rules() -> list[Any]:
    return [rule for rule in RULES["groups"][0]["rules"] if "record" in rule]


@pytest.mark.parametrize(
    ("alert", "line"),
    [
        ("ClaimsWaitTooLong", "queue-age"),
        ("RedisFillsUp", "redis-memory"),
        ("RedisEvicts", "redis-evictions"),
        ("ServerErrors", "server-errors"),
        ("HostBusy", "host-cpu"),
    ],
)
def test_cloudwatch_and_prometheus_have_the_same_thresholds(alert: str, line: str) -> None:
    """For the quantities that both measure."""
    threshold = THRESHOLDS[line]["threshold"]
    assert float(ALERTS[alert]["expr"].rpartition(">")[2]) == threshold
    assert ALERTS[alert]["for"] == f"{THRESHOLDS[line]['minutes']}m"


def test_the_board_of_aws_has_every_alarm_of_cloudwatch_with_its_number() -> None:
    drawn = {}
    for panel in json.loads((DASHBOARDS[0].parent / "coupon-hosts.json").read_text())["panels"]:
        if panel["datasource"]["type"] == "cloudwatch":
            (target,) = panel["targets"]
            steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
            name = panel["title"].removeprefix("AWS: ")
            drawn[name] = (target["namespace"], target["metricName"], steps[-1]["value"])
    lines = {name: line for name, line in THRESHOLDS.items() if "metric" in line}
    assert drawn == {
        name: (line["namespace"], line["metric"], line["threshold"]) for name, line in lines.items()
    }


# The runbook


def runbook_entries() -> dict[str, str]:
    parts = re.split(r"^## (\w+)\n", RUNBOOK, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_the_runbook_has_an_entry_for_every_alert_and_no_other() -> None:
    assert runbook_entries().keys() == ALERTS.keys()
    for name, rule in ALERTS.items():
        assert rule["annotations"]["runbook"] == f"RUNBOOK.md#{name.lower()}"


@pytest.mark.parametrize("alert", ALERTS)
def test_an_entry_says_how_urgent_it_is_and_names_a_command(alert: str) -> None:
    entry = runbook_entries()[alert]
    assert f"*{ALERTS[alert]['labels']['severity']}.*" in entry
    assert re.search(r"```sh\n\S", entry), alert


UNITS = {"coupon-api", "coupon-merchants", "coupon-pages", "coupon-operators", "coupon-worker",
         "coupon-webhooks", "coupon-beat"}  # fmt: skip
PROGRAMS = {"curl", "systemctl", "journalctl", "chronyc", "redis-cli"}


def runbook_commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", RUNBOOK, flags=re.DOTALL)
    return [line.partition("#")[0].strip() for block in blocks for line in block.splitlines()]


@pytest.mark.parametrize("command", sorted(set(runbook_commands())))
def test_a_command_of_the_runbook_exists(command: str) -> None:
    program, *words = command.split()
    if program == "manage.py":
        assert words[0] in get_commands()
    elif program == "python":
        assert words[:2] == ["-m", "provisioning"]
        assert (ROOT / "provisioning" / "verbs" / f"{words[2]}.py").exists()
    else:
        assert program in PROGRAMS
        assert {word for word in words if word.startswith("coupon-")} <= UNITS


# The vocabulary


def declared_metrics() -> set[str]:
    """Names of all metrics that our pages may export."""
    RequestCycle()  # its middleware declares metrics of requests
    live = {value.name for value in _live_gauges()}
    return live | set(REGISTRY._names_to_collectors)


def _live_gauges() -> list[metrics.Live]:
    modules = (metrics, webhook_metrics, grant_metrics, life_metrics, stranger_metrics)
    declared = [value for module in modules for value in vars(module).values()]
    return [value for value in declared if isinstance(value, metrics.Live)]


def queried_metrics() -> set[str]:
    """Names of metrics of Django processes that an alert, a recording rule or a panel queries."""
    rules = [rule["expr"] for group in RULES["groups"] for rule in group["rules"]]
    boards = [file.read_text() for file in DASHBOARDS]
    return set(re.findall(r"\b(?:coupon|django)_[a-z_]+", "\n".join(rules + boards)))


def test_every_queried_metric_is_declared() -> None:
    assert queried_metrics() - declared_metrics() == set()


# Not queried, since others show the same: Redis the canary's age, the worker's signs their ages.
ELSEWHERE = {"coupon_canary_timestamp_seconds", "coupon_canary_delay_seconds"} | {
    f"coupon_worker_{sign}_monotonic_seconds" for sign in ("heartbeat", "last_task")
}


def test_every_metric_is_on_a_panel_or_in_an_alert() -> None:
    parts = re.compile("_(total|created|bucket|sum|count|info)$")
    seen = {parts.sub("", name) for name in queried_metrics()} | ELSEWHERE
    measured = {parts.sub("", name) for name in declared_metrics() if name.startswith("coupon_")}
    assert measured - seen == set()


# Names that were replaced, and words that no name may contain.
BANNED_WORDS = {"bell", "fence", "witness", "exhausted", "line", "sign", "mended", "made", "room"}


def test_metric_names_follow_the_conventions_of_prometheus() -> None:
    """Base units as suffixes, `_total` for counters and for nothing else, a help text for each."""
    page = "".join(_exposition_of(family) for family in _metric_families())
    assert page.count("# TYPE") > 60, "it reads nothing"
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=page, capture_output=True, text=True, check=False
    )
    assert done.stdout + done.stderr == ""
    assert done.returncode == 0


def test_negative_control_promtool_reports_a_counter_without_its_suffix() -> None:
    page = "# HELP coupon_shed Requests.\n# TYPE coupon_shed counter\ncoupon_shed 0\n"
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=page, capture_output=True, text=True, check=False
    )
    assert "_total" in done.stdout + done.stderr


def test_no_metric_has_a_name_that_says_nothing_to_a_stranger() -> None:
    named = {name for name in declared_metrics() if set(name.split("_")) & BANNED_WORDS}
    assert {name for name in named if name.startswith("coupon_")} == set()


def _metric_families() -> Iterator[Metric]:
    yield from (family for family in REGISTRY.collect() if family.name.startswith("coupon_"))
    yield from (live_family(value, {}) for value in _live_gauges())


def _exposition_of(family: Metric) -> str:
    """The family with one sample, as a page shows it; families without samples are not checked."""
    name = f"{family.name}_total" if family.type == "counter" else family.name
    samples = f"{name} 0\n"
    if family.type == "histogram":
        samples = f'{name}_bucket{{le="+Inf"}} 0\n{name}_sum 0\n{name}_count 0\n'
    help_text = family.documentation.replace("\\", "\\\\")
    return f"# HELP {name} {help_text}\n# TYPE {name} {family.type}\n{samples}"


def test_the_lists_of_metric_names_are_not_empty() -> None:
    assert len(queried_metrics()) > 30
    assert {"coupon_claims_total", "coupon_waiting_claims"} <= declared_metrics()
