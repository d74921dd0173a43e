"""The one door to the Redis that decides. Every answer is typed, every driver error translated.

One script per decision (`lua/`), one method per script or command, grouped by subject:
`admission` decides, `campaigns` holds the gates, `queue` what waits to be stored, `wakeups` who is
told of it, `processes` what ours say of themselves, `repair` and `testimony` are for what was lost.
Questions about many campaigns are answered one by one (`replies.Each`): what is wrong with one says
nothing about another.
"""

from functools import cache

from django.conf import settings

from coupons.store.admission import AdmissionCalls, Decision
from coupons.store.campaigns import CampaignCalls, Definition, Gate
from coupons.store.login_failures import LoginCalls
from coupons.store.processes import ProcessCalls
from coupons.store.queue import Entry, QueueCalls
from coupons.store.recent_admissions import TestimonyCalls
from coupons.store.recovery import Claimant, Marks, RepairCalls
from coupons.store.replies import Each
from coupons.store.wakeups import BELL_MS, WakeupCalls

__all__ = [
    "BELL_MS",
    "Claimant",
    "Decision",
    "Definition",
    "Each",
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
    TestimonyCalls,
    WakeupCalls,
):
    """All calls on one Redis endpoint."""


@cache
def store() -> Store:
    """This process's store."""
    return Store(
        settings.REDIS_URL,
        timeout_s=settings.REDIS_TIMEOUT_S,
        max_connections=settings.REDIS_MAX_CONNECTIONS,
    )
