"""Alerts about claims: the guarantees, and the pipeline from admission to MySQL."""

from alert import REDIS_TIME, SALE, Alert, of_consumer, of_web

SWEEPS = of_consumer("coupon_task_seconds_count", 'task="coupons.sweep",state="success"')
FAILURES = of_consumer("coupon_task_seconds_count", 'task="coupons.drain",state="failure"')

PROMISES = [
    Alert(
        name="GapsFound",
        expr="sum by (campaign, kind) (coupon:gaps:latest) > 0",
        says="The stores differ: a user was told and has no coupon, or has one and was not told.",
        fires={
            of_consumer("coupon_gaps", f'{SALE},kind="not_stored"'): "2x40",
            of_consumer("coupon_reconciled_timestamp_seconds", SALE): "0+15x40",
        },
        # A host that compared long ago still exports its old result; the latest one counts.
        quiet={
            of_consumer("coupon_gaps", f'{SALE},kind="not_stored"'): "2x40",
            of_consumer("coupon_reconciled_timestamp_seconds", SALE): "5x40",
            'coupon_gaps{instance="c2",job="consumer",campaign="sale",kind="not_stored"}': "0x40",
            'coupon_reconciled_timestamp_seconds{instance="c2",job="consumer",campaign="sale"}':
                "0+15x40",
        },
    ),
    Alert(
        name="ClaimsParked",
        expr="max by (campaign) (coupon_parked_claims) > 0",
        says="Claims that can't be stored were parked: each is of a user who was told 'admitted'.",
        for_="0m",
        fires={of_consumer("coupon_parked_claims", SALE): "1x40"},
        quiet={of_consumer("coupon_parked_claims", SALE): "0x40"},
    ),
    Alert(
        name="ClosedForRepair",
        expr="max by (campaign) (coupon_closed_for_repair) == 1",
        says="Redis lost this campaign: no claim is admitted until it is rebuilt from MySQL.",
        for_="0m",
        fires={of_consumer("coupon_closed_for_repair", SALE): "1x40"},
        quiet={of_consumer("coupon_closed_for_repair", SALE): "0x40"},
    ),
    Alert(
        name="ReconcileStale",
        limit="reconcile-age",
        expr=f"{REDIS_TIME} - max by (campaign) (coupon_reconciled_timestamp_seconds) > {{limit}}"
        " and on (campaign)"
        f" max by (campaign) (coupon_closes_timestamp_seconds) > {REDIS_TIME}",
        severity="ticket",
        fires={
            of_consumer("coupon_redis_time_seconds"): "5000+15x80",
            of_consumer("coupon_reconciled_timestamp_seconds", SALE): "5000x80",
            of_consumer("coupon_closes_timestamp_seconds", SALE): "99999x80",
        },
        quiet={  # long ago, and long closed
            of_consumer("coupon_redis_time_seconds"): "5000+15x80",
            of_consumer("coupon_reconciled_timestamp_seconds", SALE): "5000x80",
            of_consumer("coupon_closes_timestamp_seconds", SALE): "5010x80",
        },
    ),
]  # fmt: skip

PIPELINE = [
    Alert(
        name="ClaimsWaitTooLong",
        limit="queue-age",
        expr="max by (campaign) (coupon_oldest_waiting_seconds) > {limit}",
        fires={of_consumer("coupon_oldest_waiting_seconds", SALE): "0+15x40"},
        quiet={of_consumer("coupon_oldest_waiting_seconds", SALE): "29x40"},
    ),
    Alert(
        name="CampaignNotDrained",
        expr="max by (campaign) (coupon_drain_failed) > 0",
        says="Every drain of this campaign fails: its claims wait. Other campaigns are stored.",
        fires={of_consumer("coupon_drain_failed", SALE): "1x40"},
        quiet={of_consumer("coupon_drain_failed", SALE): "0 1 0 0 1 0 0x40"},  # now and then
    ),
    Alert(
        name="CampaignDamaged",
        expr="max by (campaign) (coupon_damaged_keys) > 0",
        says="Keys of this campaign in Redis have a wrong type or can't be read.",
        fires={of_consumer("coupon_damaged_keys", SALE): "1x40"},
        quiet={of_consumer("coupon_damaged_keys", SALE): "0x40"},
    ),
    Alert(
        name="CampaignWorkFails",
        expr="sum by (campaign, work) (increase(coupon_campaign_failures_total[1m])) > 0",
        says="One kind of work on one campaign keeps failing; see the worker's log.",
        for_="5m",
        severity="ticket",
        fires={of_consumer("coupon_campaign_failures_total", f'{SALE},work="reconcile"'): "0+1x40"},
        quiet={
            of_consumer("coupon_campaign_failures_total", f'{SALE},work="reconcile"'): "0x10 1x40",
        },
    ),
    Alert(
        name="CanaryLost",
        limit="canary-age",
        expr="max(coupon_canary_age_seconds) > {limit} or max(coupon_canary_age_seconds) < 0",
        fires={of_consumer("coupon_canary_age_seconds"): "0+15x40"},
        quiet={of_consumer("coupon_canary_age_seconds"): "6x40"},
    ),
    Alert(
        name="WorkerStill",
        limit="worker-beat",
        expr="max by (instance) (coupon_worker_heartbeat_age_seconds) > {limit}",
        fires={of_consumer("coupon_worker_heartbeat_age_seconds"): "0+15x40"},
        quiet={of_consumer("coupon_worker_heartbeat_age_seconds"): "2x40"},
    ),
    Alert(
        name="WorkersStall",
        expr="sum by (reason) (increase(coupon_workers_terminated_total[15m])) > 0",
        says="A worker had stalled and was terminated and restarted; see its log.",
        for_="0m",
        severity="ticket",
        fires={of_consumer("coupon_workers_terminated_total", 'reason="deaf"'): "0 1x40"},
        quiet={of_consumer("coupon_workers_terminated_total", 'reason="deaf"'): "2x40"},
    ),
    Alert(
        name="NobodySweeps",
        limit="sweep-silence",
        expr='sum(rate(coupon_task_seconds_count{task="coupons.sweep",state="success"}[1m])'
        ' or up{job="consumer"} * 0) < {limit}',
        fires={of_consumer("up"): "1x40"},
        quiet={
            of_consumer("up"): "1x40",
            SWEEPS: "0+15x40",
        },
    ),
    Alert(
        name="TasksFail",
        expr='sum by (task) (increase(coupon_task_seconds_count{state="failure"}[5m])) > 0',
        says="Celery tasks end in errors: see the worker's log.",
        for_="0m",
        severity="ticket",
        fires={FAILURES: "0+1x40"},
        quiet={FAILURES: "7x40"},
    ),
    Alert(
        name="BellsLost",
        expr="sum(rate(coupon_wakeups_lost_total[1m])) > 0",
        says="Wake-ups can't be sent to the broker: claims wait for the next sweep.",
        for_="2m",
        severity="ticket",
        fires={of_web("coupon_wakeups_lost_total"): "0+1x40"},
        quiet={of_web("coupon_wakeups_lost_total"): "3x40"},
    ),
]  # fmt: skip
