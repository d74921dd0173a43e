"""Panels about the site: capacity, hosts, AWS' services."""

import thresholds
from panels import CLOUDWATCH, Json, Panel

_AREA = (
    {"host": "InstanceId", "burstable-host": "InstanceId"}
    | dict.fromkeys(("database", "burstable-database"), "DBInstanceIdentifier")
    | dict.fromkeys(("cache", "burstable-cache"), "CacheClusterId")
)
_DIMENSION = _AREA | {
    "balancer": "LoadBalancer", "targets": "TargetGroup", "certificate": "CertificateArn",
    "service": "Environment",
}  # fmt: skip

CAPACITY = [
    Panel(
        title="Responses a second", unit="reqps", stacked=True,
        queries={"{{status}}": "sum by (status) (rate(coupon_responses_total[1m]))"},
    ),
    Panel(
        title="Logins of operators a minute",
        queries={"{{outcome}}": "sum by (outcome) (60 * rate(coupon_logins_total[5m]))"},
        says="refused: at a limit, no password was checked. Many: passwords are guessed.",
    ),
    Panel(
        title="Strangers, a minute",
        queries={
            "refused by Django: {{kind}}":
                "sum by (kind) (60 * rate(coupon_security_refusals_total[5m]))",
            "messages dropped: {{why}}":
                "sum by (why) (60 * rate(coupon_messages_dropped_total[5m]))",
            "over a limit: {{limit}}":
                "sum by (limit) (60 * rate(coupon_requests_limited_total[5m]))",
            "failures of limiters": "sum(60 * rate(coupon_limiter_failures_total[5m]))",
            "log records left out": "sum(60 * rate(coupon_log_records_left_out_total[5m]))",
        },
        says="What clients and messages caused that is none of ours. Nothing to do by itself.",
    ),
    Panel(
        title="Redis memory", unit="bytes",
        queries={
            "used": "max(coupon_redis_memory_bytes)",
            "limit (0: none)": "max(coupon_redis_memory_max_bytes)",
        },
    ),
    Panel(
        title="Connections to Redis",
        queries={
            "open": "max(coupon_redis_clients)",
            "limit": "max(coupon_redis_clients_max)",
        },
    ),
    Panel(
        title="Connections opened a second", unit="ops",
        queries={
            "to Redis": "sum(rate(coupon_redis_connections_opened_total[1m]))",
            "to MySQL": "sum(rate(coupon_database_connections_opened_total[1m]))",
        },
        says="Each process keeps its connections: some time after a start this is nearly 0.",
    ),
    Panel(
        title="Concurrency, on average",
        queries={
            "claims at Redis": "sum(rate(coupon_admission_seconds_sum[1m]))",
            "statements at MySQL": "sum(rate(coupon_database_statement_seconds_sum[1m]))",
            "uses of MySQL refused, a second": "sum(rate(coupon_database_calls_refused_total[1m]))",
        },
        says="Seconds spent a second. Refused: DATABASE_MOST_AT_ONCE threads waited already.",
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
        title="Time per SQL statement, p99", unit="s",
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
        title="Clocks of hosts ahead of Redis' clock", unit="s",
        queries={"{{process}}": "max by (process) (coupon_clock_ahead_seconds)"},
        says="Behind: negative. NTP does not work on such a host; no guarantee depends on it.",
    ),
    Panel(
        title="Campaigns",
        queries={
            "installed": "max(coupon_campaigns_installed)",
            "of these, not exported one by one": "max(coupon_campaigns_not_exported)",
        },
    ),
    Panel(
        title="Releases", kind="table",
        queries={"": "count by (job, version, release, python, django) (coupon_build_info)"},
    ),
]  # fmt: skip

HOSTS = [
    Panel(
        title="CPU used", unit="percent", limit="host-cpu",
        queries={
            "{{instance}}": "100 * (1 - avg by (instance)"
                            ' (rate(node_cpu_seconds_total{mode="idle"}[1m])))',
        },
    ),
    Panel(
        title="Memory available", unit="percent", limit="host-memory",
        queries={
            "{{instance}}": "100 * node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes",
        },
    ),
    Panel(
        title="Disk free", unit="percent", limit="disk-free",
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


def cloudwatch_panels() -> list[Panel]:
    """One panel for each CloudWatch alarm, with its metric and its threshold."""
    return [
        Panel(
            title=f"AWS: {name}", says=line["says"], limit=name, source=CLOUDWATCH,
            targets=(_cloudwatch(line),), columns=6, rows=6,
        )
        for name, line in thresholds.cloudwatch_alarms().items()
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
