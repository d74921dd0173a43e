"""Clock reports: each process writes to Redis how far its wall clock differs from Redis' clock."""

from typing import NamedTuple

from coupons.store import keys
from coupons.store.client import SubjectCalls, time_ms

FORGOTTEN_AFTER_MS = 3_600_000  # older reports are of processes that ended; they are deleted


class ClockReport(NamedTuple):
    """How far a process's wall clock is ahead of Redis' clock, measured `age_ms` ago. `within_ms`
    is the error: half the round trip of the measurement."""

    process: str  # celery@host, beat@host, web@host
    pid: int
    ahead_ms: int
    within_ms: int
    age_ms: int


class ProcessCalls(SubjectCalls):
    """One report per process name and pid, overwritten by the next one, deleted when old."""

    def report_clock(
        self, process: str, pid: int, *, ahead_ms: int, within_ms: int, at_ms: int
    ) -> None:
        """Write this process's report and delete old ones. A key of another type under the reports'
        name is deleted: processes report again."""
        with self.guard_call(), self.client.pipeline(transaction=False) as pipe:
            if self.client.type(keys.CLOCKS) not in (b"hash", b"none"):
                self.client.delete(keys.CLOCKS)
            pipe.hset(keys.CLOCKS, f"{process} {pid}", f"{ahead_ms} {within_ms} {at_ms}")
            pipe.hgetall(keys.CLOCKS)
            _, stored = pipe.execute()
            reports = [(field, _report(field, text, at_ms)) for field, text in stored.items()]
            old = [
                name
                for name, report in reports
                if report is None or report.age_ms > FORGOTTEN_AFTER_MS
            ]
            if old:
                self.client.hdel(keys.CLOCKS, *old)
                self.client.hdel(keys.LAYOUTS, *old)

    def forget_clock(self, process: str, pid: int) -> None:
        """Delete the report of a process that ends."""
        with self.guard_call():
            self.client.hdel(keys.CLOCKS, f"{process} {pid}")
            self.client.hdel(keys.LAYOUTS, f"{process} {pid}")

    def clock_reports(self) -> list[ClockReport]:
        """All readable reports, sorted by process."""
        with self.guard_call(), self.client.pipeline(transaction=False) as pipe:
            pipe.hgetall(keys.CLOCKS)
            pipe.time()
            stored, now = pipe.execute()
        reports = (_report(field, text, time_ms(now)) for field, text in stored.items())
        return sorted(report for report in reports if report is not None)


def _report(field: bytes, text: bytes, now_ms: int) -> ClockReport | None:
    """None if it can't be parsed. A report from the future was measured by another Redis' clock;
    its age is the absolute difference."""
    process, _, pid = field.decode(errors="replace").rpartition(" ")
    try:
        ahead_ms, within_ms, at_ms = map(int, text.split())
        return ClockReport(process, int(pid), ahead_ms, within_ms, abs(now_ms - at_ms))
    except ValueError:
        return None
