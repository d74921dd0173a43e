"""The only access to the Redis that decides. Every reply is typed, every driver error translated.

One script per decision (`lua/`), one method per script or command, one attribute of `store()` per
subject: `admission` decides, `grants` gives named users a place, `campaigns` reads and writes the
gates, `queue` holds the claims to be stored, `waitlist` the users who wait, `wakeups` the pending
flags of wake-up messages, `processes` the clock reports of our processes, `logins` counts
operators' logins, `live` reads what everybody may see, `demand` counts who asks, second by second,
`refusals` keeps notes of refused claims, `recovery` and `recent_admissions` restore what Redis
lost, and `server` asks the server about itself: clock, identity, INFO.
A call about many campaigns returns one result per campaign (`replies.ByCampaign`): an error of one
campaign does not fail the others.
"""

from django.conf import settings

from coupons.runtime import ProcessState
from coupons.store.admission import AdmissionCalls, Decision
from coupons.store.campaigns import CampaignCalls, Definition, Gate
from coupons.store.client import StoreClient
from coupons.store.demand import DemandCalls
from coupons.store.grants import Given, GrantCalls, Grantee
from coupons.store.layouts import LayoutCalls
from coupons.store.live import LiveCalls
from coupons.store.login_failures import LoginCalls
from coupons.store.processes import ProcessCalls
from coupons.store.queue import Entry, QueueCalls
from coupons.store.recent_admissions import RecentAdmissionCalls
from coupons.store.recovery import Claimant, Marks, RecoveryCalls
from coupons.store.refusals import RefusalCalls
from coupons.store.replies import ByCampaign
from coupons.store.server import ServerCalls
from coupons.store.waitlist import WaitlistCalls
from coupons.store.wakeups import WAKEUP_TTL_MS, WakeupCalls

__all__ = [
    "WAKEUP_TTL_MS",
    "ByCampaign",
    "Claimant",
    "Decision",
    "Definition",
    "Entry",
    "Gate",
    "Given",
    "Grantee",
    "Marks",
    "Store",
    "store",
]


class Store:
    """All calls on one Redis endpoint, one attribute per subject. `client` is redis-py's client,
    `breaker` the circuit breaker of all calls."""

    def __init__(self, url: str, *, timeout_s: float, max_connections: int) -> None:
        shared = StoreClient(url, timeout_s=timeout_s, max_connections=max_connections)
        self.client, self.breaker = shared.client, shared.breaker
        self.admission = AdmissionCalls(shared)
        self.campaigns = CampaignCalls(shared)
        self.demand = DemandCalls(shared)
        self.grants = GrantCalls(shared)
        self.layouts = LayoutCalls(shared)
        self.live = LiveCalls(shared)
        self.logins = LoginCalls(shared)
        self.processes = ProcessCalls(shared)
        self.queue = QueueCalls(shared)
        self.recent_admissions = RecentAdmissionCalls(shared)
        self.recovery = RecoveryCalls(shared)
        self.refusals = RefusalCalls(shared)
        self.server = ServerCalls(shared)
        self.waitlist = WaitlistCalls(shared)
        self.wakeups = WakeupCalls(shared)


class _Holder:
    """Makes the store on the first call: a command that needs no Redis reads no REDIS_URL."""

    __slots__ = ("store",)

    def __init__(self) -> None:
        self.store: Store | None = None

    def make_store(self) -> Store:
        self.store = Store(
            settings.REDIS_URL,
            timeout_s=settings.REDIS_TIMEOUT_S,
            max_connections=settings.REDIS_MAX_CONNECTIONS,
        )
        return self.store


process_store = ProcessState(_Holder)


def store() -> Store:
    """This process's store. Made once, on the first call."""
    return process_store.current.store or process_store.current.make_store()
