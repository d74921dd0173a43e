"""Celery: the broker's settings, each with its reason, and the schedule of all periodic tasks.

A message is a wake-up: it carries a campaign's slug, never a claim. If one is lost, draining is a
second late (beat sends another); if one is repeated, nothing happens. So the broker needs no
durability.
"""

import os
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from celery import Celery, signals
from celery.schedules import schedule

from config import env, store_urls, tracing
from config.worker import process
from config.worker.transport import SOFT_TIME_LIMIT_S, TIME_LIMIT_S

if tracing.ON:
    from config.tracing import worker as tracing_worker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("coupons", task_cls="config.worker.process:WakeupTask")

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def _monotonic_now() -> datetime:
    """For intervals only. If the wall clock were set back, beat would send nothing until it has
    caught up."""
    return _EPOCH + timedelta(seconds=time.monotonic())


def _every(seconds: float) -> schedule:
    return schedule(seconds, nowfun=_monotonic_now)


# Of workers and beat, which reconnect by themselves. Who must not wait for the broker, as a web
# process, uses `coupons.broker.connections`.
_TRANSPORT: dict[str, Any] = {
    "visibility_timeout": 60,  # seconds until redelivery without an ack; above every time limit
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_timeout": 5,  # without one a publish on a dead socket waits for ever
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    # kombu 5.7 loses a message over a half-open socket without these two.
    "retry_on_timeout": True,
    "health_check_interval": 5,
    "global_keyprefix": "cq:",
    "client_name": "coupon-worker",
    # Seconds between two attempts to reconnect, for `worker.reconnection` and for beat.
    "interval_start": 0.2,
    "interval_step": 0.2,
    "interval_max": 1.0,
}


def _broker_url() -> str:
    """On a laptop one server is both store and broker; in production the broker has its own."""
    laptop = env.store_url("REDIS_URL", local=env.LAPTOP_REDIS_URL)
    return env.store_url("CELERY_BROKER_URL", local=laptop)


_BROKER_URL = _broker_url()
app.conf.update(
    broker_url=_BROKER_URL,
    broker_use_ssl=store_urls.broker_tls(_BROKER_URL),
    broker_transport_options=_TRANSPORT,
    visibility_timeout=60,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,  # a worker outlives any outage of its broker
    broker_pool_limit=10,
    broker_pool_acquire_timeout=0.3,
    task_acks_late=True,  # a wake-up whose worker died is delivered again
    task_reject_on_worker_lost=True,  # also when only the pool's process died
    worker_consumer="config.worker.reconnection:Listener",
    worker_prefetch_multiplier=1,  # a busy worker does not reserve wake-ups that others could take
    task_ignore_result=True,
    result_backend=None,
    task_serializer="json",
    accept_content=["json"],  # pickle from a reachable broker would be code execution
    task_soft_time_limit=SOFT_TIME_LIMIT_S,
    task_time_limit=TIME_LIMIT_S,
    worker_max_tasks_per_child=1000,  # these two bound a memory leak; the second in KiB
    worker_max_memory_per_child=1024 * env.integer("WORKER_CHILD_MEMORY_MB", 400, low=150),
    # With it, anyone who reaches the broker could stop every worker. Flower uses events instead.
    worker_enable_remote_control=env.boolean("CELERY_REMOTE_CONTROL", default=False),
    worker_send_task_events=True,
    # Let a drain finish when the broker is lost: storing is idempotent.
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_soft_shutdown_timeout=30,
    worker_hijack_root_logger=False,
    timezone="UTC",
    # Webhooks have a worker of their own: a receiver that hangs must not delay a drain.
    task_routes={
        "coupons.deliver": {"queue": "webhooks"},
        "coupons.tend_webhooks": {"queue": "webhooks"},
        "coupons.bulk": {"queue": "bulk"},
        "coupons.expire": {"queue": "bulk"},
        "coupons.prove": {"queue": "bulk"},
        "coupons.report": {"queue": "bulk"},
        "coupons.rehearse": {"queue": "bulk"},
        "coupons.notify": {"queue": "bulk"},
        "coupons.keep_demand": {"queue": "bulk"},
        "coupons.move_refusals": {"queue": "bulk"},
    },
    # All periodic tasks. No message has Celery's `expires`: see `worker.queue_limits`.
    beat_scheduler="config.beat:LeasedScheduler",
    beat_schedule={
        "sweep": {"task": "coupons.sweep", "schedule": _every(1.0)},
        "canary": {"task": "coupons.canary", "schedule": _every(5.0)},
        "guard": {"task": "coupons.guard", "schedule": _every(10.0)},
        "reconcile": {"task": "coupons.reconcile", "schedule": _every(5.0)},
        "forget_calls": {"task": "coupons.forget_calls", "schedule": _every(600.0)},
        "webhooks": {"task": "coupons.tend_webhooks", "schedule": _every(1.0)},
        "bulk": {"task": "coupons.bulk", "schedule": _every(2.0)},
        "expire": {"task": "coupons.expire", "schedule": _every(30.0)},
        "prove": {"task": "coupons.prove", "schedule": _every(30.0)},
        "report": {"task": "coupons.report", "schedule": _every(30.0)},
        "rehearse": {"task": "coupons.rehearse", "schedule": _every(5.0)},
        "notify": {"task": "coupons.notify", "schedule": _every(5.0)},
        "keep_demand": {"task": "coupons.keep_demand", "schedule": _every(30.0)},
        "move_refusals": {"task": "coupons.move_refusals", "schedule": _every(60.0)},
        "watch_returned": {"task": "coupons.watch_returned", "schedule": _every(300.0)},
        "returns": {"task": "coupons.returns", "schedule": _every(2.0)},
    },
)
app.autodiscover_tasks(["coupons"])
process.install_worker_parts(app)
if tracing.ON:
    signals.worker_init.connect(tracing_worker.begin_tracing, weak=False)
