"""Checks of storing: the broker, beat, and a worker that receives wake-ups."""

from django.utils.translation import gettext as _

from coupons.broker import connections
from coupons.readiness.result import Line, amber, green, red
from coupons.store import store

PATIENCE_S = 2
# Beat sends a canary every five seconds: amber after three are missing, red after a dozen.
CANARY_AMBER_S, CANARY_RED_S = 15, 60
# Beat requests a sweep every second; those that waited for 5 s behind drains are skipped.
SWEEP_AMBER_S, SWEEP_RED_S = 10, 30


def broker_line() -> Line:
    """Wake-ups pass through the broker; while it is unreachable nothing is stored."""
    try:
        with connections.impatient_connection() as connection:
            connection.ensure_connection(max_retries=1, timeout=PATIENCE_S)
    except Exception as error:  # kombu lets any exception of its transport through
        return red(
            "broker",
            _("The broker does not answer: {why}").format(why=type(error).__name__),
            _("Start it, or correct CELERY_BROKER_URL. Claims wait in Redis meanwhile."),
        )
    return green("broker", _("The broker answers."))


def canary_line() -> Line:
    """A canary of beat passed through the broker and a worker to Redis. Raises StoreAway."""
    age_ms = store().wakeups.canary_age_ms()
    do = _("Start beat and a worker: systemctl status coupon-beat coupon-worker")
    if age_ms is None:
        return red(
            "canary", _("No worker has answered a wake-up yet: no claim would be stored."), do
        )
    age_s = age_ms / 1000
    seen = _("A worker answered a wake-up {age:.0f} s ago.").format(age=age_s)
    if age_s > CANARY_RED_S:
        return red("canary", seen, do)
    return amber("canary", seen, do) if age_s > CANARY_AMBER_S else green("canary", seen)


def beat_line() -> Line:
    """Beat's sweep ran recently: it opens and closes campaigns by the clock and sends wake-ups for
    claims whose own was lost. Raises StoreAway."""
    age_ms = store().wakeups.sweep_age_ms()
    do = _("Start beat: systemctl restart coupon-beat. If it runs, see the worker's log.")
    if age_ms is None:
        return red("beat", _("Beat has not swept yet: nothing opens or closes by itself."), do)
    age_s = age_ms / 1000
    seen = _("Beat swept {age:.0f} s ago.").format(age=age_s)
    if age_s > SWEEP_RED_S:
        return red("beat", seen, do)
    return amber("beat", seen, do) if age_s > SWEEP_AMBER_S else green("beat", seen)
