"""The four dashboards: the opening, the pipeline, what is left of capacity, hosts and AWS."""

import thresholds
from panels import CLOUDWATCH, Json, Panel, dashboard

SALE = 'campaign=~"$campaign"'
_AREA = (
    {"host": "InstanceId", "burstable-host": "InstanceId"}
    | dict.fromkeys(("database", "burstable-database"), "DBInstanceIdentifier")
    | dict.fromkeys(("cache", "burstable-cache"), "CacheClusterId")
)
_DIMENSION = _AREA | {"balancer": "LoadBalancer", "service": "Environment"}


def _stat(title: str, expr: str, **more: object) -> Panel:
    return Panel(title=title, queries={"": expr}, kind="stat", columns=4, rows=4, **more)  # type: ignore[arg-type]


OPENING = [
    _stat("Places left", f"max by (campaign) (coupon_remaining{{{SALE}}})"),
    _stat("Admitted", f"max by (campaign) (coupon_admitted{{{SALE}}})"),
    _stat("Waiting to be stored", f"max by (campaign) (coupon_waiting_claims{{{SALE}}})"),
    _stat(
        "Oldest waiting", f"max by (campaign) (coupon_oldest_waiting_seconds{{{SALE}}})",
        unit="s", limit="queue-age",
    ),
    _stat(
        "Opens in", f"max by (campaign) (coupon_opens_timestamp_seconds{{{SALE}}}) - time()",
        unit="s", says="Below zero: open for so long.",
    ),
    _stat("Alarms", 'count(ALERTS{alertstate="firing"}) or vector(0)'),
    Panel(
        title="Claims answered a second", unit="reqps", stacked=True, columns=12,
        queries={"{{campaign}} {{outcome}}": f"coupon:claims:rate1m{{{SALE}}}"},
        says="By outcome. Right after sold out, everything turns into sold_out, and stays fast.",
    ),
    Panel(
        title="Time to an answer", unit="s", limit="admission-p99", columns=12,
        queries={
            "{{answer}} p50": "coupon:admission_seconds:p50",
            "{{answer}} p99": "coupon:admission_seconds:p99",
        },
        says="issued: admitted now or before. refused: sold out, not open, ... failed: 503.",
    ),
    Panel(
        title="Admitted and stored", columns=12,
        queries={
            "{{campaign}} admitted": f"max by (campaign) (coupon_admitted{{{SALE}}})",
            "{{campaign}} admitted and off the queue":
                f"max by (campaign) (coupon_admitted{{{SALE}}} - coupon_waiting_claims{{{SALE}}})",
            "{{campaign}} stock": f"max by (campaign) (coupon_stock{{{SALE}}})",
        },
        says="Both end at the smaller of stock and people; the gap between them is what waits.",
    ),
    Panel(
        title="Admitted → stored, p99", unit="s", columns=6, limit="queue-age",
        queries={"p99": "coupon:stored_after_seconds:p99"},
    ),
    Panel(
        title="Told and not stored", columns=6,
        queries={"{{campaign}} {{kind}}": f"coupon:gaps:latest{{{SALE}}}"},
        says="What the last comparison of both stores found. Must be 0.",
    ),
]  # fmt: skip

PIPELINE = [
    Panel(
        title="Waiting",
        queries={"{{campaign}}": f"max by (campaign) (coupon_waiting_claims{{{SALE}}})"},
    ),
    Panel(
        title="Age of the oldest", unit="s", limit="queue-age",
        queries={"{{campaign}}": f"max by (campaign) (coupon_oldest_waiting_seconds{{{SALE}}})"},
    ),
    Panel(
        title="Stored a second", unit="cps",
        queries={"{{campaign}}": f"coupon:stored:rate1m{{{SALE}}}"},
    ),
    Panel(
        title="Claims per batch",
        queries={
            "mean": "sum(rate(coupon_drain_batch_claims_sum[1m]))"
                    " / sum(rate(coupon_drain_batch_claims_count[1m]))",
        },
        says="Small batches: claims come slower than they are stored. 500: as fast as it goes.",
    ),
    Panel(
        title="A batch, p50 and p99", unit="s",
        queries={
            share: f"histogram_quantile({number}, sum by (le)"
                   " (rate(coupon_drain_batch_seconds_bucket[1m])))"
            for share, number in (("p50", 0.5), ("p99", 0.99))
        },
    ),
    Panel(
        title="Parked",
        queries={
            "{{campaign}} now": f"max by (campaign) (coupon_parked_claims{{{SALE}}})",
        },
        says="Set aside with a reason; each is somebody who was told 'yours'.",
    ),
    Panel(
        title="Tasks a second", unit="ops", stacked=True,
        queries={
            "{{task}} {{state}}": "sum by (task, state) (rate(coupon_task_seconds_count[1m]))",
        },
    ),
    Panel(
        title="Tasks, p99", unit="s",
        queries={
            "{{task}}": "histogram_quantile(0.99, sum by (task, le)"
                        " (rate(coupon_task_seconds_bucket[1m])))",
        },
    ),
    Panel(
        title="Canary and worker: seconds since", unit="s", limit="canary-age",
        queries={
            "canary": "max(coupon_canary_age_seconds)",
            "worker {{instance}}":
                "time() - max by (instance) (coupon_worker_beat_timestamp_seconds)",
        },
    ),
    Panel(
        title="Bells lost, waits for MySQL",
        queries={
            "bells lost": "sum(rate(coupon_bells_lost_total[1m]))",
            "drains that waited": "sum(rate(coupon_drain_waits_total[1m]))",
        },
    ),
    Panel(
        title="Rests given to dependencies",
        queries={
            "{{dependency}}": "max by (dependency) (coupon_breaker_open) or label_replace("
                              'vector(0), "dependency", "none", "", "")',
        },
    ),
    Panel(
        title="Since the stores were compared", unit="s", limit="reconcile-age",
        queries={
            "{{campaign}}":
                f"time() - max by (campaign) (coupon_reconciled_timestamp_seconds{{{SALE}}})",
        },
    ),
]  # fmt: skip

CAPACITY = [
    Panel(
        title="Responses a second", unit="reqps", stacked=True,
        queries={"{{status}}": "sum by (status) (rate(coupon_responses_total[1m]))"},
    ),
    Panel(
        title="Redis memory", unit="bytes",
        queries={
            "used": "max(coupon_redis_memory_bytes)",
            "bound (0: none)": "max(coupon_redis_memory_max_bytes)",
        },
    ),
    Panel(
        title="Connections at Redis",
        queries={
            "open": "max(coupon_redis_clients)",
            "opened a second": "sum(rate(coupon_redis_connections_opened_total[1m]))",
        },
    ),
    Panel(
        title="Share of MySQL's connections", unit="percentunit",
        limit="database-connections-share",
        queries={
            "used": "max(coupon_database_connections / (coupon_database_connections_max > 0))",
        },
    ),
    Panel(
        title="SQL statements a second", unit="ops",
        queries={"{{end}}": "sum by (end) (rate(coupon_database_statement_seconds_count[1m]))"},
    ),
    Panel(
        title="A statement, p99", unit="s",
        queries={
            "{{end}}": "histogram_quantile(0.99, sum by (end, le)"
                       " (rate(coupon_database_statement_seconds_bucket[1m])))",
        },
    ),
    Panel(
        title="Redis' clock ahead of the consumer's", unit="s", limit="redis-clock",
        queries={"ahead": "max(abs(coupon_redis_clock_ahead_seconds))"},
    ),
    Panel(
        title="Campaigns",
        queries={
            "installed": "max(coupon_campaigns_installed)",
            "of these not shown one by one": "max(coupon_campaigns_left_out)",
        },
    ),
    Panel(
        title="What runs", kind="table",
        queries={"": "count by (job, release, python, django) (coupon_build_info)"},
    ),
]  # fmt: skip

HOSTS = [
    Panel(
        title="Processors busy", unit="percent", limit="host-cpu",
        queries={
            "{{instance}}": "100 * (1 - avg by (instance)"
                            ' (rate(node_cpu_seconds_total{mode="idle"}[1m])))',
        },
    ),
    Panel(
        title="Memory that could be had", unit="percent", limit="host-memory",
        queries={
            "{{instance}}": "100 * node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes",
        },
    ),
    Panel(
        title="Disk left", unit="percent", limit="disk-free",
        queries={
            "{{instance}} {{mountpoint}}":
                "100 * min by (instance, mountpoint)"
                ' (node_filesystem_avail_bytes{fstype!~"tmpfs|ramfs"}'
                ' / node_filesystem_size_bytes{fstype!~"tmpfs|ramfs"})',
        },
    ),
    Panel(
        title="Network", unit="Bps", columns=12,
        queries={
            "{{instance}} in":
                'sum by (instance) (rate(node_network_receive_bytes_total{device!="lo"}[1m]))',
            "{{instance}} out":
                'sum by (instance) (rate(node_network_transmit_bytes_total{device!="lo"}[1m]))',
        },
    ),
    Panel(
        title="Up", columns=12, queries={"{{job}} {{instance}}": "up"},
    ),
]  # fmt: skip


def _aws() -> list[Panel]:
    """A panel per CloudWatch alarm, with the alarm's own figure and line."""
    return [
        Panel(
            title=f"AWS: {name}", says=line["says"], limit=name, source=CLOUDWATCH,
            targets=(_cloudwatch(line),), columns=6, rows=6,
        )
        for name, line in thresholds.of_cloudwatch().items()
    ]  # fmt: skip


def _cloudwatch(line: Json) -> Json:
    return {
        "refId": "A",
        "datasource": CLOUDWATCH,
        "region": "default",
        "namespace": line["namespace"],
        "metricName": line["metric"],
        "statistic": line["statistic"],
        "dimensions": {_DIMENSION[line["of"]]: "*"},
        "matchExact": False,
        "period": "60",
        "queryMode": "Metrics",
        "metricQueryType": 0,
        "metricEditorMode": 0,
    }


ALL = [
    dashboard(
        "coupon-opening", "Opening", "From ten minutes before the opening until all is stored.",
        OPENING, per_campaign=True,
    ),
    dashboard(
        "coupon-pipeline", "Pipeline", "From admission to the row in MySQL.",
        PIPELINE, per_campaign=True,
    ),
    dashboard(
        "coupon-capacity", "Capacity", "What the stores and processes have left.",
        CAPACITY, per_campaign=False,
    ),
    dashboard(
        "coupon-hosts", "Hosts and AWS", "Machines by node_exporter, AWS' services by CloudWatch.",
        HOSTS + _aws(), per_campaign=False,
    ),
]  # fmt: skip
