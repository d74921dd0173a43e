"""The declared vocabulary of metrics: every name, its labels, and who may set it.

Labels are enums and known campaigns, never users. Counters and histograms add up over processes; a
gauge says by its mode what several processes' values mean together. What every process would see
alike (a queue's length, MySQL's connections) is no process' gauge but a `Live` one: it is asked for
when Prometheus asks, by the one process that answers (`coupons.monitoring.collectors`).

Not here, because there is no such thing yet: webhooks, redemptions.
"""

from bisect import bisect_right
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from prometheus_client import Counter, Gauge, Histogram

MOST_CAMPAIGNS = 200  # campaigns a process counts by name in its life; those after are `OTHER`
OTHER = "other"


class Answer(StrEnum):
    """What kind of answer a claim got: its latency is told for each kind."""

    ISSUED = "issued"  # holds a place, now or before
    REFUSED = "refused"
    FAILED = "failed"  # nothing was decided


class Breaker(StrEnum):
    """A dependency that may be given a rest."""

    REDIS = "redis"
    MYSQL = "mysql"
    BROKER = "broker"


class Login(StrEnum):
    """What became of an operator's attempt to log in."""

    RIGHT = "right"
    WRONG = "wrong"
    REFUSED = "refused"  # at a limit; no password was checked


class Gap(StrEnum):
    """How the two stores may differ about a campaign; `reconcile` counts each."""

    NOT_STORED = "not_stored"  # told, not waiting, not parked, and no coupon
    NOT_TOLD = "not_told"  # a coupon whose claimant Redis does not know
    DIFFERENT = "different"  # both know the claim and say different things
    HOLE = "hole"  # a place that was given and that nobody holds


class Work(StrEnum):
    """What is done for many campaigns, one after the other."""

    DRAIN = "drain"
    SWEEP = "sweep"
    STATE = "state"  # recording that it opened or closed by the clock
    FENCE = "fence"
    RECONCILE = "reconcile"
    GUARD = "guard"
    LIVE_COUNTS = "live_counts"  # gauges, the admin's lists


# -- The way in

CLAIMS = Counter("coupon_claims_total", "Claims answered.", ["campaign", "outcome"])
ADMISSION = Histogram(
    "coupon_admission_seconds",
    "From asking admission to its answer.",
    ["answer"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1),
)
RESPONSES = Counter("coupon_responses_total", "HTTP responses, probes left out.", ["status"])
LINE_SECONDS = Gauge(
    "coupon_line_seconds",
    "How long a request of late waited for a thread, in the worst process.",
    multiprocess_mode="livemax",
)
LOGINS = Counter("coupon_logins_total", "Attempts of operators to log in.", ["outcome"])
SHED = Counter("coupon_shed_total", "Requests turned away because the line was too long.")
BELLS_LOST = Counter("coupon_bells_lost_total", "Bells that could not be sent; beat rings again.")
BREAKER_OPEN = Gauge(
    "coupon_breaker_open",
    "1: this host gives the dependency a rest; 0.5: it tries again; 0: all is well.",
    ["dependency"],
    multiprocess_mode="livemax",
)
BREAKER_OPENED = Counter("coupon_breaker_opened_total", "Rests begun.", ["dependency"])

# -- The way to MySQL

STORED = Counter("coupon_stored_total", "Coupons stored.", ["campaign"])
STORED_AFTER = Histogram(
    "coupon_stored_after_seconds",
    "From admission until the stored claim is off the queue, both by Redis' clock.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
PARKED = Counter("coupon_parked_total", "Claims set aside.", ["campaign", "reason"])
DRAIN_BATCH = Histogram(
    "coupon_drain_batch_claims", "Claims per stored batch.", buckets=(1, 5, 20, 50, 100, 200, 500)
)
DRAIN_SECONDS = Histogram(
    "coupon_drain_batch_seconds",
    "From a batch read to its claims off the queue.",
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
DRAIN_WAITS = Counter("coupon_drain_waits_total", "Times a drain waited for the database.")
GROUPS_MADE = Counter("coupon_groups_made_total", "Consumer groups that were missing, made anew.")

CAMPAIGN_FAILURES = Counter(
    "coupon_campaign_failures_total",
    "Work on one campaign that failed; other campaigns were worked on all the same.",
    ["campaign", "work"],
)

# -- What is always on

TASKS = Histogram(
    "coupon_task_seconds",
    "Celery tasks by their end.",
    ["task", "state"],
    buckets=(0.005, 0.02, 0.1, 0.5, 2, 10, 30),
)
STALE_MESSAGES = Counter(
    "coupon_stale_messages_total",
    "Messages of beat skipped by a worker because newer ones were behind them.",
    ["task"],
)
WORKER_BEAT = Gauge(
    "coupon_worker_beat_monotonic_seconds",
    "When this host's worker last showed that its main loop turns, by the host's monotonic clock.",
    multiprocess_mode="max",
)
WORKER_SIGN = Gauge(
    "coupon_worker_sign_monotonic_seconds",
    "When a task last began or ended on this host, by its monotonic clock.",
    multiprocess_mode="max",
)
WORKER_ENDED = Counter(
    "coupon_worker_ended_total", "Workers ended because they had stalled.", ["reason"]
)
CANARY = Gauge(
    "coupon_canary_timestamp_seconds",
    "When a canary was last seen to have made the whole way.",
    multiprocess_mode="max",
)
CANARY_SECONDS = Gauge(
    "coupon_canary_seconds", "How long its way took.", multiprocess_mode="mostrecent"
)
RECONCILED = Gauge(
    "coupon_reconciled_timestamp_seconds",
    "When this host last compared the stores.",
    ["campaign"],
    multiprocess_mode="max",
)
GAPS = Gauge(
    "coupon_gaps",
    "Differences between told and stored that the last comparison found, by kind.",
    ["campaign", "kind"],
    multiprocess_mode="mostrecent",
)
GAPS_MENDED = Counter("coupon_gaps_mended_total", "Differences repaired.", ["campaign", "kind"])
READINESS_RED = Gauge(
    "coupon_readiness_red_lines",
    "Red lines on a campaign's board at the last look before its opening.",
    ["campaign"],
    multiprocess_mode="mostrecent",
)
OPENINGS_HELD = Counter("coupon_openings_held_total", "Openings held back for a red board.")

# -- Connections

REDIS_CONNECTIONS = Counter("coupon_redis_connections_opened_total", "Connections made to Redis.")
DATABASE_CONNECTIONS = Counter(
    "coupon_database_connections_opened_total", "Connections made to the database."
)
DATABASE_NO_ROOM = Counter(
    "coupon_database_no_room_total",
    "Asks of the database refused: DATABASE_MOST_AT_ONCE threads of the process waited already.",
)
DATABASE_SECONDS = Histogram(
    "coupon_database_statement_seconds",
    "SQL statements, a bulk one counted once; `failed` also when a constraint refused.",
    ["end"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2, 10),
)


class Live(NamedTuple):
    """A gauge that is asked for at scrape time."""

    name: str
    help: str
    labels: tuple[str, ...] = ()


_CAMPAIGN = ("campaign",)
WAITING = Live("coupon_waiting_claims", "Admitted claims not yet stored.", _CAMPAIGN)
OLDEST = Live("coupon_oldest_waiting_seconds", "Age of the longest waiting claim.", _CAMPAIGN)
PARKED_NOW = Live("coupon_parked_claims", "Claims set aside, not yet looked after.", _CAMPAIGN)
STOCK = Live("coupon_stock", "Coupons the campaign may issue.", _CAMPAIGN)
ADMITTED = Live("coupon_admitted", "Places given.", _CAMPAIGN)
REMAINING = Live("coupon_remaining", "Places left.", _CAMPAIGN)
PAUSED = Live("coupon_paused", "1: the campaign is paused.", _CAMPAIGN)
OPENS = Live("coupon_opens_timestamp_seconds", "When the campaign opens.", _CAMPAIGN)
CLOSES = Live("coupon_closes_timestamp_seconds", "When the campaign closes.", _CAMPAIGN)
REPAIR = Live("coupon_closed_for_repair", "1: Redis lost the campaign's gate.", _CAMPAIGN)
NOT_DRAINED = Live("coupon_not_drained", "1: the last drain of this campaign failed.", _CAMPAIGN)
DAMAGED = Live(
    "coupon_damaged_keys", "Keys of the campaign in Redis that can't be read.", _CAMPAIGN
)
CAMPAIGNS = Live("coupon_campaigns_installed", "Campaigns that Redis knows.")
LEFT_OUT = Live("coupon_campaigns_left_out", "Of those, not shown one by one: nothing happens.")
REDIS_UP = Live("coupon_redis_up", "1: Redis answered this scrape in time.")
REDIS_MEMORY = Live("coupon_redis_memory_bytes", "Memory that Redis uses.")
REDIS_MEMORY_MAX = Live("coupon_redis_memory_max_bytes", "Memory it may use; 0: all there is.")
REDIS_CLIENTS = Live("coupon_redis_clients", "Connections open at Redis.")
REDIS_CLIENTS_MAX = Live("coupon_redis_clients_max", "Connections it accepts.")
REDIS_EVICTED = Live("coupon_redis_evicted_keys", "Keys thrown away since it started: must be 0.")
REDIS_DURABLE = Live("coupon_redis_append_only_ok", "1: its append-only file is on and written.")
REDIS_REPLICAS = Live("coupon_redis_replicas", "Replicas connected.")
REDIS_CLOCK = Live("coupon_redis_clock_ahead_seconds", "Redis' clock, minus this host's.")
REDIS_TIME = Live("coupon_redis_time_seconds", "Redis' clock: what ages and windows go by.")
CLOCK_AHEAD = Live(
    "coupon_clock_ahead_seconds",
    "A process's wall clock, minus Redis' clock, as it measured it; the worst of its name.",
    ("process",),
)
CANARY_AGE = Live("coupon_canary_age_seconds", "Since beat's last came all the way; -1: never.")
SWEEP_AGE = Live("coupon_sweep_age_seconds", "Since a sweep was last finished; -1: never.")
WORKER_BEAT_AGE = Live(
    "coupon_worker_beat_age_seconds", "Since this host's worker last showed that its loop turns."
)
WORKER_SIGN_AGE = Live(
    "coupon_worker_sign_age_seconds",
    "Since a task last began or ended on this host: a canary every few seconds sees to it.",
)
DATABASE_UP = Live("coupon_database_up", "1: the database answered this scrape in time.")
DATABASE_USED = Live("coupon_database_connections", "Connections open at the database.")
DATABASE_MAX = Live("coupon_database_connections_max", "Connections it accepts.")
BUILD = Live("coupon_build_info", "Always 1: what runs here.", ("release", "python", "django"))


_known: set[str] = set()


def campaign_label(campaign: str) -> str:
    """The campaign's name as a label: bounded, since series once made stay for a process' life."""
    if campaign in _known or len(_known) < MOST_CAMPAIGNS:
        _known.add(campaign)
        return campaign
    return OTHER


def observe_all(histogram: Histogram, values: Sequence[float]) -> None:
    """As `observe` for each of the ascending values, at the cost of a few. The client has no call
    for it, so this writes into the buckets as its `observe` does."""
    histogram._sum.inc(sum(values))
    counted = 0
    for bound, bucket in zip(histogram._upper_bounds, histogram._buckets, strict=True):
        upto = bisect_right(values, bound, lo=counted)
        if upto > counted:
            bucket.inc(upto - counted)
        counted = upto
