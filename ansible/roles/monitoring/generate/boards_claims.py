"""Panels about claims: the opening, and the pipeline from admission to MySQL."""

from alert import REDIS_TIME, TURNED_AWAY, USERS_BACKENDS
from panels import Panel

SALE = 'campaign=~"$campaign"'


def _stat(title: str, expr: str, **more: object) -> Panel:
    return Panel(title=title, queries={"": expr}, kind="stat", columns=4, rows=4, **more)  # type: ignore[arg-type]


def _counted(counter: str, label: str, window: str) -> str:
    """The counter's increase by label; while it has no series, a 0 with the label "none"."""
    return (
        f"sum by ({label}) (increase({counter}[{window}]))"
        f' or label_replace(vector(0), "{label}", "none", "", "")'
    )


OPENING = [
    _stat("Places left", f"max by (campaign) (coupon_remaining{{{SALE}}})"),
    _stat("Admitted", f"max by (campaign) (coupon_admitted{{{SALE}}})"),
    _stat("Waiting to be stored", f"max by (campaign) (coupon_waiting_claims{{{SALE}}})"),
    _stat(
        "Oldest waiting", f"max by (campaign) (coupon_oldest_waiting_seconds{{{SALE}}})",
        unit="s", limit="queue-age",
    ),
    _stat(
        "Opens in",
        f"max by (campaign) (coupon_opens_timestamp_seconds{{{SALE}}}) - {REDIS_TIME}",
        unit="s", says="Negative: it has been open for so long.",
    ),
    _stat("Alarms", 'count(ALERTS{alertstate="firing"}) or vector(0)'),
    Panel(
        title="Claims answered a second", unit="reqps", stacked=True, columns=12,
        queries={"{{campaign}} {{outcome}}": f"coupon:claims:rate1m{{{SALE}}}"},
        says="By outcome. After the last coupon every claim gets sold_out, and must stay fast.",
    ),
    Panel(
        title="Latency of claims", unit="s", limit="admission-p99", columns=12,
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
            "{{campaign}} admitted and not waiting":
                f"max by (campaign) (coupon_admitted{{{SALE}}} - coupon_waiting_claims{{{SALE}}})",
            "{{campaign}} stock": f"max by (campaign) (coupon_stock{{{SALE}}})",
        },
        says="Both end at the smaller of stock and users; the difference is the claims that wait.",
    ),
    Panel(
        title="Load shedding and queueing", columns=12,
        queries={
            "refused a second": TURNED_AWAY,
            "waiting for a thread": f"sum(haproxy_backend_current_queue{{{USERS_BACKENDS}}})",
            "mean wait of a claim for a thread, seconds": (
                'max(haproxy_backend_queue_time_average_seconds{proxy="users"})'
            ),
            "without a front, refused a second": "sum(rate(coupon_requests_shed_total[1m]))",
            "without a front, longest wait, seconds": "max(coupon_request_queue_seconds)",
        },
        says="More requests than the hosts can serve: the refused ones get 503 and Retry-After.",
    ),
    Panel(
        title="Admitted → stored, p99", unit="s", limit="queue-age",
        queries={"p99": "coupon:stored_after_seconds:p99"},
    ),
    Panel(
        title="Told and not stored",
        queries={"{{campaign}} {{kind}}": f"coupon:gaps:latest{{{SALE}}}"},
        says="Differences that the last comparison of both stores found. Must be 0.",
    ),
    Panel(
        title="Paused, closed for repair",
        queries={
            "{{campaign}} paused": f"max by (campaign) (coupon_paused{{{SALE}}})",
            "{{campaign}} closed for repair":
                f"max by (campaign) (coupon_closed_for_repair{{{SALE}}})",
        },
        says="1: no claim is admitted; all get 503 and Retry-After.",
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
        says="Small batches: claims arrive slower than they are stored. 500: the full batch size.",
    ),
    Panel(
        title="Time per batch, p50 and p99", unit="s",
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
            "{{reason}}, in an hour": _counted("coupon_parked_total", "reason", "1h"),
        },
        says="Claims that can't be stored, by reason; each is of a user who was told 'admitted'.",
    ),
    Panel(
        title="Failing campaigns",
        queries={
            "{{campaign}} not drained": f"max by (campaign) (coupon_drain_failed{{{SALE}}})",
            "{{campaign}} damaged keys": f"max by (campaign) (coupon_damaged_keys{{{SALE}}})",
            "{{work}} failed, in an hour":
                _counted("coupon_campaign_failures_total", "work", "1h"),
        },
        says="Failures are isolated: the work on all other campaigns continues.",
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
        title="Beat and worker: seconds since", unit="s", limit="canary-age",
        queries={
            "canary": "max(coupon_canary_age_seconds)",
            "sweep": "max(coupon_sweep_age_seconds)",
            "worker {{instance}}": "max by (instance) (coupon_worker_heartbeat_age_seconds)",
            "{{instance}}: a task began or ended":
                "max by (instance) (coupon_worker_last_task_age_seconds)",
        },
    ),
    Panel(
        title="Wake-ups lost, waits for MySQL",
        queries={
            "{{task}}, stale and skipped":
                "sum by (task) (rate(coupon_stale_messages_total[1m]))"
                ' or label_replace(vector(0), "task", "none", "", "")',
            "wake-ups lost": "sum(rate(coupon_wakeups_lost_total[1m]))",
            "public counts lost": "sum(rate(coupon_public_counts_lost_total[1m]))",
            "refusals without a note, {{why}}":
                "sum by (why) (rate(coupon_refusals_not_noted_total[1m]))"
                ' or label_replace(vector(0), "why", "none", "", "")',
            "drains that waited": "sum(rate(coupon_drain_waits_total[1m]))",
        },
    ),
    Panel(
        title="Circuit breakers open",
        queries={
            "{{dependency}}": "max by (dependency) (coupon_breaker_open) or label_replace("
                              'vector(0), "dependency", "none", "", "")',
            "{{dependency}}, openings in an hour":
                _counted("coupon_breaker_opened_total", "dependency", "1h"),
        },
    ),
    Panel(
        title="Repaired automatically, in an hour",
        queries={
            "claims, {{kind}}": _counted("coupon_gaps_repaired_total", "kind", "1h"),
            "workers terminated, {{reason}}":
                _counted("coupon_workers_terminated_total", "reason", "1h"),
            "consumer groups":
                "sum(increase(coupon_consumer_groups_recreated_total[1h])) or vector(0)",
        },
        says="Gaps that reconcile repaired; stalled workers that were terminated; missing consumer"
             " groups that were created again.",
    ),
    Panel(
        title="Time since the last comparison", unit="s", limit="reconcile-age",
        queries={
            "{{campaign}}":
                f"{REDIS_TIME}"
                f" - max by (campaign) (coupon_reconciled_timestamp_seconds{{{SALE}}})",
        },
    ),
]  # fmt: skip
