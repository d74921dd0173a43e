"""The only access to the Redis that decides. Every reply is typed, every driver error translated.

One script per decision (`lua/`), one method per script or command, grouped by subject:
`admission` decides, `campaigns` reads and writes the gates, `queue` holds the claims to be stored,
`wakeups` the pending flags of wake-up messages, `processes` the clock reports of our processes,
`login_failures` counts logins, `recovery` and `recent_admissions` restore what Redis lost.
A call about many campaigns returns one result per campaign (`replies.ByCampaign`): an error of one
campaign does not fail the others.
"""

from functools import cache

from django.conf import settings

from coupons.store.admission import AdmissionCalls, Decision
from coupons.store.campaigns import CampaignCalls, Definition, Gate
from coupons.store.login_failures import LoginCalls
from coupons.store.processes import ProcessCalls
from coupons.store.queue import Entry, QueueCalls
from coupons.store.recent_admissions import RecentAdmissionCalls
from coupons.store.recovery import Claimant, Marks, RepairCalls
from coupons.store.replies import ByCampaign
from coupons.store.wakeups import WAKEUP_TTL_MS, WakeupCalls

__all__ = [
    "WAKEUP_TTL_MS",
    "ByCampaign",
    "Claimant",
    "Decision",
    "Definition",
    "Entry",
    "Gate",
    "Marks",
    "Store",
    "store",
]


class Store(
    AdmissionCalls,
    CampaignCalls,
    LoginCalls,
    ProcessCalls,
    QueueCalls,
    RepairCalls,
    RecentAdmissionCalls,
    WakeupCalls,
):
    """All calls on one Redis endpoint."""


@cache
def store() -> Store:
    """This process's store. Made once, on the first call."""
    return Store(
        settings.REDIS_URL,
        timeout_s=settings.REDIS_TIMEOUT_S,
        max_connections=settings.REDIS_MAX_CONNECTIONS,
    )
