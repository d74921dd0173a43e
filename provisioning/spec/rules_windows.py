"""Rules for AWS' windows of backup and maintenance: their form, and what must stay free."""

from __future__ import annotations

import re

from provisioning.spec.model import Spec
from provisioning.spec.problems import Problems

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
TIME = r"([01]\d|2[0-3]):([0-5]\d)"
DAILY = re.compile(f"^{TIME}-{TIME}$")
WEEKLY = re.compile(f"^({'|'.join(DAYS)}):{TIME}-({'|'.join(DAYS)}):{TIME}$")
DAY, WEEK = 24 * 60, 7 * 24 * 60  # minutes
SHORTEST, LONGEST = 60, DAY  # ElastiCache's shortest; RDS takes half of it

Minutes = frozenset[int]  # of the week


def judge_windows(spec: Spec, problems: Problems) -> None:
    backup = _daily("windows.backup", spec.windows.backup, problems)
    openings = _daily("windows.openings", spec.windows.openings, problems)
    maintenance = _weekly("windows.maintenance", spec.windows.maintenance, problems)
    for path, busy in (("windows.backup", backup), ("windows.maintenance", maintenance)):
        if busy and not SHORTEST <= _length(path, busy) < LONGEST:
            problems.add(path, "must be an hour at least, and less than a day")
        if busy & openings:
            problems.add(path, f"reaches into the openings, {spec.windows.openings} UTC")
    if backup & maintenance:
        problems.add("windows.maintenance", f"overlaps the backup at {spec.windows.backup} UTC")


def _length(path: str, busy: Minutes) -> int:
    return len(busy) // (7 if path.endswith("backup") else 1)


def _daily(path: str, text: str, problems: Problems) -> Minutes:
    found = DAILY.match(text)
    if not found:
        problems.add(path, f"{text!r} is no time of the day in UTC, like 18:00-19:00")
        return frozenset()
    first, last = _minute(found[1], found[2]), _minute(found[3], found[4])
    length = (last - first) % DAY
    return frozenset((day * DAY + first + n) % WEEK for day in range(7) for n in range(length))


def _weekly(path: str, text: str, problems: Problems) -> Minutes:
    found = WEEKLY.match(text)
    if not found:
        problems.add(path, f"{text!r} is no time of the week in UTC, like mon:19:30-mon:20:30")
        return frozenset()
    first = DAYS.index(found[1]) * DAY + _minute(found[2], found[3])
    last = DAYS.index(found[4]) * DAY + _minute(found[5], found[6])
    return frozenset((first + n) % WEEK for n in range((last - first) % WEEK))


def _minute(hour: str, minute: str) -> int:
    return int(hour) * 60 + int(minute)
