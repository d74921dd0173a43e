"""All alerts, in the groups in which Prometheus evaluates them."""

from alert import Alert
from alerts_claims import PIPELINE, PROMISES
from alerts_grants import GRANTS
from alerts_life import LIFE
from alerts_site import FRONT, HOSTS, STORES
from alerts_webhooks import WEBHOOKS

__all__ = ["ALL", "GROUPS", "Alert"]

GROUPS = {
    "promises": PROMISES,
    "pipeline": PIPELINE,
    "front": FRONT,
    "stores": STORES,
    "hosts": HOSTS,
    "webhooks": WEBHOOKS,
    "grants": GRANTS,
    "life": LIFE,
}
ALL = [alert for group in GROUPS.values() for alert in group]
