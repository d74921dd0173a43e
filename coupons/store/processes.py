"""What processes report about themselves, for everybody who asks: how far their clocks are off."""

from typing import NamedTuple

from coupons.store import keys
from coupons.store.client import StoreClient, time_ms

FORGOTTEN_AFTER_MS = 3_600_000  # a report of a process that is long gone


class ClockReport(NamedTuple):
    """How far a process's wall clock is ahead of Redis' clock, measured `age_ms` ago, to within
    half the round trip of the measurement."""

    process: str  # celery@host, beat@host, web@host
    pid: int
    ahead_ms: int
    within_ms: int
    age_ms: int


class ProcessCalls(StoreClient):
    """Reports by name and process id. They are overwritten, and removed when they are old."""

    def report_clock(
        self, process: str, pid: int, *, ahead_ms: int, within_ms: int, at_ms: int
    ) -> None:
        """Whatever else lies under the name of the reports gives way: they come again."""
        with self.asking(), self.client.pipeline(transaction=False) as pipe:
            if self.client.type(keys.CLOCKS) not in (b"hash", b"none"):
                self.client.delete(keys.CLOCKS)
            pipe.hset(keys.CLOCKS, f"{process} {pid}", f"{ahead_ms} {within_ms} {at_ms}")
            pipe.hgetall(keys.CLOCKS)
            _, found = pipe.execute()
            known = [(field, _report(field, said, at_ms)) for field, said in found.items()]
            old = [name for name, it in known if it is None or it.age_ms > FORGOTTEN_AFTER_MS]
            if old:
                self.client.hdel(keys.CLOCKS, *old)

    def clock_reports(self) -> list[ClockReport]:
        """All that are known, sorted by process."""
        with self.asking(), self.client.pipeline(transaction=False) as pipe:
            pipe.hgetall(keys.CLOCKS)
            pipe.time()
            found, now = pipe.execute()
        reports = (_report(field, said, time_ms(now)) for field, said in found.items())
        return sorted(report for report in reports if report is not None)


def _report(field: bytes, said: bytes, now_ms: int) -> ClockReport | None:
    """None where it is no report. One from the future is of another Redis' clock, and as old."""
    process, _, pid = field.decode(errors="replace").rpartition(" ")
    try:
        ahead_ms, within_ms, at_ms = map(int, said.split())
        return ClockReport(process, int(pid), ahead_ms, within_ms, abs(now_ms - at_ms))
    except ValueError:
        return None
