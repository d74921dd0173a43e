"""Who stores what is admitted: the broker that rings, and the web hosts that answer."""

from celery import current_app
from django.utils.translation import gettext as _

from coupons.readiness.lines import Line, green, red

PATIENCE_S = 2


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
