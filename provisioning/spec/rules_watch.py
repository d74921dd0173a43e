"""Rules for logs, alarms, budget and waiting."""

from __future__ import annotations

import re

from provisioning.spec.model import Spec, Watch
from provisioning.spec.problems import Problems
from provisioning.spec.rules_stores import ARN

LOG_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653)
EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")


def judge_observation(spec: Spec, problems: Problems) -> None:
    if spec.watch:
        _watch(spec.watch, problems)
    if spec.budget and spec.budget.monthly_usd < 1:
        problems.add("budget.monthly_usd", "must be at least 1")
    if spec.budget and spec.budget.email and not EMAIL.match(spec.budget.email):
        problems.add("budget.email", f"{spec.budget.email!r} is no e-mail address")
    if spec.waiting.minutes <= 0 or spec.waiting.poll_seconds < 0:
        problems.add("waiting", "times must be positive")


def _watch(wanted: Watch, problems: Problems) -> None:
    if wanted.log_days not in LOG_DAYS:
        allowed = ", ".join(str(days) for days in LOG_DAYS)
        problems.add("watch.log_days", f"CloudWatch keeps logs for one of {allowed} days")
    if wanted.notify_topic and not ARN.match(wanted.notify_topic):
        problems.add("watch.notify_topic", "is no ARN")
    if wanted.notify_topic and wanted.emails:
        problems.add("watch.notify_topic", "leave it or watch.emails out: alarms tell one topic")
    for i, address in enumerate(wanted.emails):
        if not EMAIL.match(address):
            problems.add(f"watch.emails[{i}]", f"{address!r} is no e-mail address")
