"""What concerns claims: the opening, and their way to MySQL."""

from alert import REDIS_TIME, TURNED_AWAY
from panels import Panel

SALE = 'campaign=~"$campaign"'


def _stat(title: str, expr: str, **more: object) -> Panel:
    return Panel(title=title, queries={"": expr}, kind="stat", columns=4, rows=4, **more)  # type: ignore[arg-type]


def _counted(counter: str, label: str, window: str) -> str:
    """What it grew by; a 0 by the name of none while it has never counted."""
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
        title="Turned away, and the line", columns=12,
        queries={
            "turned away a second": TURNED_AWAY,
            "waiting for a thread": 'sum(haproxy_backend_current_queue{proxy="users"})',
            "mean wait for a thread, seconds": (
                'max(haproxy_backend_queue_time_average_seconds{proxy="users"})'
            ),
            "without a front, turned away a second": "sum(rate(coupon_shed_total[1m]))",
            "without a front, longest wait, seconds": "max(coupon_line_seconds)",
        },
        says="More come than the hosts can serve: these are told 503 and Retry-After.",
    ),
    Panel(
        title="Admitted → stored, p99", unit="s", limit="queue-age",
        queries={"p99": "coupon:stored_after_seconds:p99"},
    ),
    Panel(
        title="Told and not stored",
        queries={"{{campaign}} {{kind}}": f"coupon:gaps:latest{{{SALE}}}"},
        says="What the last comparison of both stores found. Must be 0.",
    ),
    Panel(
        title="Paused, closed for repair",
        queries={
            "{{campaign}} paused": f"max by (campaign) (coupon_paused{{{SALE}}})",
            "{{campaign}} closed for repair":
                f"max by (campaign) (coupon_closed_for_repair{{{SALE}}})",
        },
        says="1: nobody is admitted, and everybody is told to come back.",
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
            "{{reason}}, in an hour": _counted("coupon_parked_total", "reason", "1h"),
        },
        says="Set aside with a reason; each is somebody who was told 'yours'.",
    ),
    Panel(
        title="Campaigns that fail",
        queries={
            "{{campaign}} not drained": f"max by (campaign) (coupon_not_drained{{{SALE}}})",
            "{{campaign}} damaged keys": f"max by (campaign) (coupon_damaged_keys{{{SALE}}})",
            "{{work}} failed, in an hour":
                _counted("coupon_campaign_failures_total", "work", "1h"),
        },
        says="Each fails alone: the work on all other campaigns goes on.",
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
            "worker {{instance}}": "max by (instance) (coupon_worker_beat_age_seconds)",
            "{{instance}}: a task began or ended":
                "max by (instance) (coupon_worker_sign_age_seconds)",
        },
    ),
    Panel(
        title="Bells lost, waits for MySQL",
        queries={
            "{{task}}, skipped for newer ones":
                "sum by (task) (rate(coupon_stale_messages_total[1m]))"
                ' or label_replace(vector(0), "task", "none", "", "")',
            "bells lost": "sum(rate(coupon_bells_lost_total[1m]))",
            "drains that waited": "sum(rate(coupon_drain_waits_total[1m]))",
        },
    ),
    Panel(
        title="Rests given to dependencies",
        queries={
            "{{dependency}}": "max by (dependency) (coupon_breaker_open) or label_replace("
                              'vector(0), "dependency", "none", "", "")',
            "{{dependency}}, begun in an hour":
                _counted("coupon_breaker_opened_total", "dependency", "1h"),
        },
    ),
    Panel(
        title="Mended by itself, in an hour",
        queries={
            "claims, {{kind}}": _counted("coupon_gaps_mended_total", "kind", "1h"),
            "workers ended, {{reason}}": _counted("coupon_worker_ended_total", "reason", "1h"),
            "consumer groups": "sum(increase(coupon_groups_made_total[1h])) or vector(0)",
        },
        says="Gaps that reconcile repaired; workers that had stalled and were ended; consumer"
             " groups that were missing.",
    ),
    Panel(
        title="Since the stores were compared", unit="s", limit="reconcile-age",
        queries={
            "{{campaign}}":
                f"{REDIS_TIME}"
                f" - max by (campaign) (coupon_reconciled_timestamp_seconds{{{SALE}}})",
        },
    ),
]  # fmt: skip
