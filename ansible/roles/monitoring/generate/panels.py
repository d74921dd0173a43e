"""Builds dashboards in Grafana's JSON; only the parts of it that we use."""

from dataclasses import dataclass, field
from typing import Any

import thresholds

WIDE = 24  # columns of a dashboard
PROMETHEUS = {"type": "prometheus", "uid": "prometheus"}
CLOUDWATCH = {"type": "cloudwatch", "uid": "cloudwatch"}
Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Panel:
    """`queries`: legend → PromQL expression. `limit`: a threshold's name, drawn as a red line;
    `limit_times` converts its unit into the panel's."""

    title: str
    queries: dict[str, str] = field(default_factory=dict)
    says: str = ""
    unit: str = "short"
    kind: str = "timeseries"
    limit: str = ""
    limit_times: float = 1
    stacked: bool = False
    targets: tuple[Json, ...] = ()  # queries of a source other than Prometheus
    source: Json = field(default_factory=lambda: PROMETHEUS)
    columns: int = 8
    rows: int = 8


def make_dashboard(
    uid: str, title: str, says: str, panels: list[Panel], *, per_campaign: bool
) -> Json:
    return {
        "uid": uid,
        "title": title,
        "description": says,
        "tags": ["coupon"],
        "editable": False,
        "timezone": "browser",
        "refresh": "5s",
        "schemaVersion": 39,
        "time": {"from": "now-30m", "to": "now"},
        "links": [
            {"type": "dashboards", "tags": ["coupon"], "title": "Coupons", "asDropdown": False}
        ],
        "templating": {"list": [_campaign()] if per_campaign else []},
        "annotations": {"list": [_alerts()]},
        "panels": _with_positions(panels),
    }


def _with_positions(panels: list[Panel]) -> list[Json]:
    """Places panels from left to right, and starts a new row when one is full."""
    placed: list[Json] = []
    x = y = height = 0
    for number, panel in enumerate(panels, 1):
        if x + panel.columns > WIDE:
            x, y, height = 0, y + height, 0
        place = {"x": x, "y": y, "w": panel.columns, "h": panel.rows}
        placed.append(_panel(panel) | {"id": number, "gridPos": place})
        x, height = x + panel.columns, max(height, panel.rows)
    return placed


def _panel(panel: Panel) -> Json:
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.says,
        "datasource": panel.source,
        "targets": list(panel.targets) or _targets(panel),
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _options(panel),
    }


def _targets(panel: Panel) -> list[Json]:
    return [
        {"refId": chr(ord("A") + number), "expr": expr, "legendFormat": legend,
         "datasource": panel.source, "instant": panel.kind == "stat"}
        for number, (legend, expr) in enumerate(panel.queries.items())
    ]  # fmt: skip


def _defaults(panel: Panel) -> Json:
    steps: list[Json] = [{"color": "green", "value": None}]
    if panel.limit:
        at = thresholds.alarm_threshold(panel.limit) * panel.limit_times
        steps.append({"color": "red", "value": at})
    custom: Json = {"fillOpacity": 10, "lineWidth": 2, "showPoints": "never"}
    custom["thresholdsStyle"] = {"mode": "line" if panel.limit else "off"}
    if panel.stacked:
        custom["stacking"] = {"mode": "normal", "group": "A"}
    return {
        "unit": panel.unit,
        "min": 0,
        "thresholds": {"mode": "absolute", "steps": steps},
        "custom": custom if panel.kind == "timeseries" else {},
    }


def _options(panel: Panel) -> Json:
    if panel.kind == "stat":
        return {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value"}
    if panel.kind != "timeseries":
        return {}
    return {
        "legend": {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"]},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }


def _campaign() -> Json:
    return {
        "name": "campaign",
        "label": "Campaign",
        "type": "query",
        "datasource": PROMETHEUS,
        "query": {"query": "label_values(coupon_stock, campaign)", "refId": "campaign"},
        "includeAll": True,
        "multi": True,
        "allValue": ".+",
        "refresh": 2,
        "current": {"text": "All", "value": "$__all"},
    }


def _alerts() -> Json:
    return {
        "name": "Alerts",
        "enable": True,
        "datasource": PROMETHEUS,
        "expr": 'ALERTS{alertstate="firing"}',
        "titleFormat": "{{alertname}}",
        "iconColor": "red",
    }
