"""Prometheus' rule files, and promtool's tests of them."""

from typing import Any

from alerts import ALL, GROUPS, Alert

TESTED_AT = "10m"  # longer than the `for` of most alerts
LATER = {"ReconcileStale": "15m", "HostBusy": "14m", "WebhookEndpointsFail": "45m"}


def _quantile(share: float, metric: str, *labels: str) -> str:
    by = ", ".join((*labels, "le"))
    return f"histogram_quantile({share:g}, sum by ({by}) (rate({metric}_bucket[1m])))"


# Recording rules: expressions that several panels and alerts use.
RECORDS = {
    "coupon:claims:rate1m": "sum by (campaign, outcome) (rate(coupon_claims_total[1m]))",
    "coupon:stored:rate1m": "sum by (campaign) (rate(coupon_stored_total[1m]))",
    "coupon:admission_seconds:p50": _quantile(0.5, "coupon_admission_seconds", "answer"),
    "coupon:admission_seconds:p99": _quantile(0.99, "coupon_admission_seconds", "answer"),
    "coupon:stored_after_seconds:p99": _quantile(0.99, "coupon_stored_after_seconds"),
    # Each host exports the result of its own last comparison; use that of the latest one.
    "coupon:gaps:latest": (
        "coupon_gaps and on (instance, campaign) (coupon_reconciled_timestamp_seconds"
        " == on (campaign) group_left ()"
        " max by (campaign) (coupon_reconciled_timestamp_seconds))"
    ),
}


def make_rules() -> dict[str, Any]:
    records = [{"record": name, "expr": expr} for name, expr in RECORDS.items()]
    groups: list[dict[str, Any]] = [{"name": "records", "rules": records}]
    groups += [
        {"name": name, "rules": [_rule(alert) for alert in alerts]}
        for name, alerts in GROUPS.items()
    ]
    return {"groups": groups}


def _rule(alert: Alert) -> dict[str, Any]:
    return {
        "alert": alert.name,
        "expr": alert.full_expr,
        "for": alert.for_duration,
        "labels": {"severity": alert.severity},
        "annotations": {
            "summary": alert.summary,
            "value": "{{ $value | humanize }}",
            "runbook": f"RUNBOOK.md#{alert.name.lower()}",
        },
    }


def make_tests() -> dict[str, Any]:
    """Two tests for each alert: with series for which it must fire, and with similar ones for which
    it must not."""
    cases = [_test(alert, alert.fires, firing=True) for alert in ALL]
    cases += [_test(alert, alert.quiet, firing=False) for alert in ALL]
    return {"rule_files": ["coupon.rules.yml"], "evaluation_interval": "15s", "tests": cases}


def _test(alert: Alert, series: dict[str, str], *, firing: bool) -> dict[str, Any]:
    expr = f'count(ALERTS{{alertname="{alert.name}",alertstate="firing"}})'
    samples = [{"labels": "{}", "value": 1}] if firing else []
    at = LATER.get(alert.name, TESTED_AT)
    return {
        "name": f"{alert.name} {'fires' if firing else 'keeps quiet'}",
        "interval": "15s",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [{"expr": expr, "eval_time": at, "exp_samples": samples}],
    }
