"""Check of the clock skew that the site's processes report."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coupons.monitoring import clock_skew
from coupons.readiness.result import Line, amber, green, grey, red
from coupons.store.processes import ClockReport

MOST_NAMED = 5


def host_clocks() -> Line:
    """Every worker, beat and web process that reported within FRESH_MS. Raises StoreAway."""
    name, reports = "host_clocks", clock_skew.reported_skews()
    if not reports:
        return grey(name, _("No process has reported its clock."))
    by_skew = sorted(reports, key=clock_skew.off_of, reverse=True)
    worst_ms = clock_skew.off_of(by_skew[0])
    if worst_ms < clock_skew.AMBER_MS:
        seen = ngettext(
            "{count} process is within {ms:,} ms of Redis' clock.",
            "{count} processes are within {ms:,} ms of Redis' clock.",
            len(reports),
        )
        return green(name, seen.format(count=len(reports), ms=round(worst_ms)))
    seen = _("Off from Redis' clock: {processes}.").format(processes=_named(by_skew))
    do = _("Let these hosts keep time by NTP: chronyc tracking, systemctl restart chrony")
    return (red if worst_ms >= clock_skew.RED_MS else amber)(name, seen, do)


def _named(reports: list[ClockReport]) -> str:
    """The names and skews of the worst, MOST_NAMED of them at most."""
    off = [report for report in reports if clock_skew.off_of(report) >= clock_skew.AMBER_MS]
    named = [f"{report.process} {report.ahead_ms:+,} ms" for report in off[:MOST_NAMED]]
    return ", ".join([*named, *["…"][: len(off) > MOST_NAMED]])
