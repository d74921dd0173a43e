"""The declared vocabulary of metrics: every name with its labels and help text.

Label values are enums and known campaigns, never users. Counters and histograms are summed over
processes; a gauge's multiprocess mode says how the values of several processes are combined. A
value that is the same for all processes (a queue's length, MySQL's connections) is a `Live` gauge:
it is read at scrape time, by the one process that answers (`coupons.monitoring.collectors`).

Those of a coupon's later life are in `life_metrics`.
"""

from bisect import bisect_right
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from prometheus_client import Counter, Gauge, Histogram

MOST_CAMPAIGNS = 200  # campaigns that a process counts by name in its life; later ones are `OTHER`
OTHER = "other"


class Answer(StrEnum):
    """The kinds of answers to a claim; latency is measured for each kind."""

    ISSUED = "issued"  # holds a place, now or before
    REFUSED = "refused"
    FAILED = "failed"  # nothing was decided


class Breaker(StrEnum):
    """The dependencies with a circuit breaker."""

    REDIS = "redis"
    MYSQL = "mysql"


class Login(StrEnum):
    """The results of operators' login attempts: of passwords, then of the second factor's codes."""

    RIGHT = "right"
    WRONG = "wrong"
    REFUSED = "refused"  # at a limit; no password was checked
    CODE_RIGHT = "code_right"
    CODE_WRONG = "code_wrong"
    CODE_REFUSED = "code_refused"
    LOGOUT = "logout"

    @property
    def label(self) -> str:
        return {
            Login.RIGHT: "right password",
            Login.WRONG: "wrong password",
            Login.REFUSED: "refused without a check of the password",
            Login.CODE_RIGHT: "right code",
            Login.CODE_WRONG: "wrong code",
            Login.CODE_REFUSED: "refused without a check of the code",
            Login.LOGOUT: "logged out",
        }[self]


class Gap(StrEnum):
    """The kinds of differences between Redis and MySQL; `reconcile` counts each."""

    NOT_STORED = "not_stored"  # told, but neither waiting nor parked nor stored
    NOT_TOLD = "not_told"  # a coupon whose claimant Redis does not know
    DIFFERENT = "different"  # both stores have the claim, with different values
    HOLE = "hole"  # a place that was given and has no holder


class Work(StrEnum):
    """Work that is done for many campaigns, one after another."""

    DRAIN = "drain"
    SWEEP = "sweep"
    STATE = "state"  # recording that it opened or closed by the clock
    FAILOVER = "failover"
    RECONCILE = "reconcile"
    GUARD = "guard"
    RETURNS = "returns"  # returned stock and the waitlist
    BULK = "bulk"  # jobs of many lines
    DEMAND = "demand"  # keeping who asked in MySQL
    PROOF = "proof"  # the tree over a closed campaign's places
    REFUSALS = "refusals"  # moving their notes to MySQL
    LIVE_COUNTS = "live_counts"  # gauges, the admin's lists


# -- Claims and requests

CLAIMS = Counter(
    "coupon_claims_total", "Claims by outcome or failure code.", ["campaign", "outcome"]
)
ADMISSION = Histogram(
    "coupon_admission_seconds",
    "Latency of the admission decision, seconds, by kind of answer.",
    ["answer"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1),
)
RESPONSES = Counter("coupon_responses_total", "HTTP responses, without probes.", ["status"])
RESPONSES.labels("500")  # exported as 0, since Prometheus sees no increase at a new series
COUNTS_LOST = Counter(
    "coupon_public_counts_lost_total",
    "Claims missing in a campaign's public counts: Redis did not confirm that it added them.",
)
REQUEST_QUEUE_SECONDS = Gauge(
    "coupon_request_queue_seconds",
    "Most recent queueing delay before a request got a thread, seconds, maximum over processes.",
    multiprocess_mode="livemax",
)
LOGINS = Counter("coupon_logins_total", "Login attempts of operators.", ["outcome"])
REQUESTS_SHED = Counter(
    "coupon_requests_shed_total", "Requests shed because the queueing delay was too long."
)
WAKEUPS_LOST = Counter(
    "coupon_wakeups_lost_total",
    "Wake-up messages that could not be sent; beat's sweep sends others.",
)
BREAKER_OPEN = Gauge(
    "coupon_breaker_open",
    "Circuit breaker on this host; 1: open, 0.5: half-open, 0: closed.",
    ["dependency"],
    multiprocess_mode="livemax",
)
BREAKER_OPENED = Counter("coupon_breaker_opened_total", "Circuit breaker openings.", ["dependency"])

# -- Storing claims in MySQL

STORED = Counter("coupon_stored_total", "Coupons stored.", ["campaign"])
STORED_AFTER = Histogram(
    "coupon_stored_after_seconds",
    "Seconds from admission until the stored claim is off the queue, both by Redis' clock.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
PARKED = Counter("coupon_parked_total", "Claims parked.", ["campaign", "reason"])
DRAIN_BATCH = Histogram(
    "coupon_drain_batch_claims", "Claims per stored batch.", buckets=(1, 5, 20, 50, 100, 200, 500)
)
DRAIN_SECONDS = Histogram(
    "coupon_drain_batch_seconds",
    "Seconds from reading a batch until its claims are off the queue.",
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
DRAIN_WAITS = Counter("coupon_drain_waits_total", "Times a drain waited for the database.")
GROUPS_MADE = Counter(
    "coupon_consumer_groups_recreated_total", "Missing consumer groups that were created again."
)

CAMPAIGN_FAILURES = Counter(
    "coupon_campaign_failures_total",
    "Failures of work on one campaign; the work on other campaigns went on.",
    ["campaign", "work"],
)

# -- Workers, beat and checks

TASKS = Histogram(
    "coupon_task_seconds",
    "Duration of Celery tasks, seconds, by final state.",
    ["task", "state"],
    buckets=(0.005, 0.02, 0.1, 0.5, 2, 10, 30),
)
STALE_MESSAGES = Counter(
    "coupon_stale_messages_total",
    "Messages of beat that a worker skipped because they were too old.",
    ["task"],
)
WORKER_HEARTBEAT = Gauge(
    "coupon_worker_heartbeat_monotonic_seconds",
    "Last heartbeat of the main loop of this host's worker, seconds of the host's monotonic clock.",
    multiprocess_mode="max",
)
WORKER_LAST_TASK = Gauge(
    "coupon_worker_last_task_monotonic_seconds",
    "When a task last began or ended on this host, seconds of the host's monotonic clock.",
    multiprocess_mode="max",
)
WORKERS_TERMINATED = Counter(
    "coupon_workers_terminated_total", "Stalled workers terminated by the consumer.", ["reason"]
)
CANARY = Gauge(
    "coupon_canary_timestamp_seconds",
    "When a worker last handled beat's canary, Redis' clock.",
    multiprocess_mode="max",
)
CANARY_DELAY = Gauge(
    "coupon_canary_delay_seconds",
    "Seconds from sending to handling of the watchdog's last canary.",
    multiprocess_mode="mostrecent",
)
RECONCILED = Gauge(
    "coupon_reconciled_timestamp_seconds",
    "When this host last compared the stores.",
    ["campaign"],
    multiprocess_mode="max",
)
GAPS = Gauge(
    "coupon_gaps",
    "Differences between Redis and MySQL found by the last comparison, by kind.",
    ["campaign", "kind"],
    multiprocess_mode="mostrecent",
)
GAPS_REPAIRED = Counter("coupon_gaps_repaired_total", "Differences repaired.", ["campaign", "kind"])
READINESS_RED = Gauge(
    "coupon_readiness_red_lines",
    "Red lines on a campaign's readiness board at the last check before its opening.",
    ["campaign"],
    multiprocess_mode="mostrecent",
)
OPENINGS_HELD = Counter(
    "coupon_openings_held_total", "Openings held because the readiness board was red."
)

# -- Connections

REDIS_CONNECTIONS = Counter("coupon_redis_connections_opened_total", "Connections made to Redis.")
DATABASE_CONNECTIONS = Counter(
    "coupon_database_connections_opened_total", "Connections made to the database."
)
DATABASE_CALLS_REFUSED = Counter(
    "coupon_database_calls_refused_total",
    "Database calls refused because DATABASE_MOST_AT_ONCE threads of the process were waiting.",
)
DATABASE_SECONDS = Histogram(
    "coupon_database_statement_seconds",
    "Duration of SQL statements (a bulk one counts once), seconds; constraint errors are `failed`.",
    ["end"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2, 10),
)


class Live(NamedTuple):
    """A gauge that is read at scrape time; a counter of another server if it ends in `_total`."""

    name: str
    help: str
    labels: tuple[str, ...] = ()


_CAMPAIGN = ("campaign",)
WAITING = Live("coupon_waiting_claims", "Admitted claims not yet stored.", _CAMPAIGN)
OLDEST = Live(
    "coupon_oldest_waiting_seconds", "Age of the oldest waiting claim, seconds.", _CAMPAIGN
)
PARKED_NOW = Live("coupon_parked_claims", "Parked claims now.", _CAMPAIGN)
STOCK = Live("coupon_stock", "Coupons the campaign may issue.", _CAMPAIGN)
ADMITTED = Live("coupon_admitted", "Places given.", _CAMPAIGN)
REMAINING = Live("coupon_remaining", "Places left.", _CAMPAIGN)
PAUSED = Live("coupon_paused", "1: the campaign is paused.", _CAMPAIGN)
OPENS = Live("coupon_opens_timestamp_seconds", "When the campaign opens.", _CAMPAIGN)
CLOSES = Live("coupon_closes_timestamp_seconds", "When the campaign closes.", _CAMPAIGN)
REPAIR = Live(
    "coupon_closed_for_repair", "1: closed for repair, Redis has no open gate.", _CAMPAIGN
)
DRAIN_FAILED = Live("coupon_drain_failed", "1: the last drain of this campaign failed.", _CAMPAIGN)
DAMAGED = Live(
    "coupon_damaged_keys", "Keys of the campaign in Redis that can't be read.", _CAMPAIGN
)
CAMPAIGNS = Live("coupon_campaigns_installed", "Campaigns installed in Redis.")
NOT_EXPORTED = Live(
    "coupon_campaigns_not_exported", "Installed campaigns without series: not active."
)
REDIS_UP = Live("coupon_redis_up", "1: Redis replied to this scrape in time.")
REDIS_MEMORY = Live("coupon_redis_memory_bytes", "Memory used by Redis.")
REDIS_MEMORY_MAX = Live("coupon_redis_memory_max_bytes", "Redis' maxmemory; 0: unlimited.")
REDIS_CLIENTS = Live("coupon_redis_clients", "Open connections to Redis.")
REDIS_CLIENTS_MAX = Live("coupon_redis_clients_max", "Redis' limit of connections (maxclients).")
REDIS_EVICTED = Live(
    "coupon_redis_evicted_keys_total", "Keys evicted since Redis started: must be 0."
)
REDIS_DURABLE = Live("coupon_redis_append_only_ok", "1: the append-only file is on and written.")
REDIS_REPLICAS = Live("coupon_redis_replicas", "Connected replicas.")
REDIS_CLOCK = Live("coupon_redis_clock_ahead_seconds", "Redis' clock, minus this host's.")
REDIS_TIME = Live(
    "coupon_redis_time_seconds", "Redis' clock, by which ages and windows are measured."
)
CLOCK_AHEAD = Live(
    "coupon_clock_ahead_seconds",
    "A process's wall clock minus Redis' clock, measured by the process; the worst of its name.",
    ("process",),
)
CANARY_AGE = Live(
    "coupon_canary_age_seconds", "Seconds since a worker handled beat's canary; -1: never."
)
SWEEP_AGE = Live("coupon_sweep_age_seconds", "Seconds since the last finished sweep; -1: never.")
WORKER_HEARTBEAT_AGE = Live(
    "coupon_worker_heartbeat_age_seconds", "Seconds since this host's worker's last heartbeat."
)
WORKER_LAST_TASK_AGE = Live(
    "coupon_worker_last_task_age_seconds",
    "Seconds since a task last began or ended on this host; canaries keep it low.",
)
DATABASE_UP = Live("coupon_database_up", "1: the database replied to this scrape in time.")
DATABASE_USED = Live("coupon_database_connections", "Open connections to the database.")
DATABASE_MAX = Live("coupon_database_connections_max", "The database's limit of connections.")
BUILD = Live(
    "coupon_build_info", "Always 1; versions as labels.", ("version", "release", "python", "django")
)


_known: set[str] = set()


def campaign_label(campaign: str) -> str:
    """The campaign's label value. Bounded, since a series stays for a process' life: after
    MOST_CAMPAIGNS names it is `OTHER`."""
    if campaign in _known or len(_known) < MOST_CAMPAIGNS:
        _known.add(campaign)
        return campaign
    return OTHER


def observe_all(histogram: Histogram, values: Sequence[float]) -> None:
    """As `observe` for each of the values, which must be ascending, at the cost of a few. The
    client has no bulk call, so this writes into its private buckets as `observe` does."""
    histogram._sum.inc(sum(values))
    written = 0
    for bound, bucket in zip(histogram._upper_bounds, histogram._buckets, strict=True):
        end = bisect_right(values, bound, lo=written)
        if end > written:
            bucket.inc(end - written)
        written = end
