"""Who stores what is admitted: the broker that rings, and a worker that hears it."""

from celery import current_app
from django.utils.translation import gettext as _

from coupons.readiness.lines import Line, amber, green, red
from coupons.store import store

PATIENCE_S = 2
# Beat sends a canary every five seconds: three are missed, a dozen.
CANARY_AMBER_S, CANARY_RED_S = 15, 60


def broker() -> Line:
    """Bells pass through it; without it nothing is stored before it is back."""
    try:
        with current_app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=PATIENCE_S)
    except Exception as error:  # kombu passes on whatever its transport raises
        return red(
            "broker",
            _("The broker does not answer: {why}").format(why=type(error).__name__),
            _("Start it, or correct CELERY_BROKER_URL. Claims wait in Redis meanwhile."),
        )
    return green("broker", _("The broker answers."))


def canary() -> Line:
    """A bell came all the way through the broker and a worker to Redis. Raises StoreAway."""
    age_ms = store().canary_age_ms()
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
