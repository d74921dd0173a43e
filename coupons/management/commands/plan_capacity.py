"""`manage.py plan_capacity`: how many hosts of which class a sale needs. Arithmetic only.

What was measured lives in one file, `coupons/monitoring/measured.json`; the formulas are here, one
a function, and `locust/README.md` explains them.
"""

from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from coupons.claims.quantities import counted_noun
from coupons.management.arguments import ASKED_WRONGLY, Number, Whole, input_file
from coupons.management.base import SentenceCommand
from coupons.monitoring import capacity
from coupons.monitoring.capacity import Measurements

HEADROOM = 0.6  # of what was measured: what a host is planned to carry
HOST_CORES = 2  # of a t3.medium, t2.medium, m7g.large: the classes our specs provision
SPARE_HOSTS = 1  # may be down without harm
STORED_AFTER_S = 60  # after the last claim, everything shall be in MySQL
MOST = 10_000_000_000  # people: more than there are
REDIS_FIXED_BYTES = 50_000_000  # an empty server with its buffers

# (class, memory in bytes, cores): Redis decides on one core, so cores above two only help its I/O
REDIS_CLASSES = (
    ("cache.t4g.micro", 0.5e9, 2), ("cache.t4g.small", 1.37e9, 2), ("cache.t4g.medium", 3.09e9, 2),
    ("cache.m7g.large", 6.38e9, 2), ("cache.r7g.large", 13.07e9, 2),
    ("cache.r7g.xlarge", 26.32e9, 4),
)  # fmt: skip
BURSTABLE_CLAIMS_PER_S = 5_000  # above, a burstable class would live on credits
DATABASE_CLASSES = (
    ("db.t4g.micro", 2), ("db.m7g.large", 2), ("db.m7g.xlarge", 4), ("db.m7g.2xlarge", 8),
    ("db.m7g.4xlarge", 16), ("db.m7g.8xlarge", 32),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sale:
    """So many people in so many seconds, evenly, for so many coupons. A rush has its own peak: plan
    for the people of its busiest seconds."""

    people: int
    seconds: float
    stock: int

    @property
    def claims_per_s(self) -> float:
        return self.people / self.seconds


@dataclass(frozen=True, slots=True)
class Plan:
    api_hosts: int
    consumer_hosts: int
    redis: str
    slots: int
    database: str
    waiting: int
    breaks_first: str


def capacity_plan(sale: Sale, known: Measurements) -> Plan:
    stored_per_s = _stored_per_s(sale)
    workers = ceil(stored_per_s / (known.stored_per_s_per_worker * HEADROOM))
    return Plan(
        api_hosts=_hosts(sale.claims_per_s / (known.claims_per_s_per_core * HEADROOM)),
        consumer_hosts=_hosts(workers),
        redis=_redis(sale, known),
        slots=ceil(sale.claims_per_s / (known.decisions_per_s * HEADROOM)),
        database=_database(stored_per_s, known),
        waiting=_waiting(sale, stored_per_s),
        breaks_first=_breaks_first(sale, known),
    )


def _stored_per_s(sale: Sale) -> float:
    """The rate that has all stored in time: only winners reach MySQL, and they may wait."""
    return min(sale.people, sale.stock) / (sale.seconds + STORED_AFTER_S)


def _waiting(sale: Sale, stored_per_s: float) -> int:
    """The longest the queue gets: all come in at once, and go out at the storing rate."""
    winners = min(sale.people, sale.stock)
    rush_s = winners / sale.claims_per_s
    return max(0, ceil(winners - stored_per_s * rush_s))


def _hosts(cores: float) -> int:
    return ceil(cores / HOST_CORES) + SPARE_HOSTS


def _redis(sale: Sale, known: Measurements) -> str:
    """The smallest class with room for every winner remembered and waiting, half of it empty."""
    winners = min(sale.people, sale.stock)
    need = winners * (known.bytes_per_claimant + known.bytes_per_waiting_claim) + REDIS_FIXED_BYTES
    for name, memory, _ in REDIS_CLASSES:
        burstable = ".t" in name
        if memory / 2 >= need and not (burstable and sale.claims_per_s > BURSTABLE_CLAIMS_PER_S):
            return name
    raise CommandError("No single Redis class has the memory: give the stock out in stripes.")


def _database(stored_per_s: float, known: Measurements) -> str:
    cores = stored_per_s / (known.rows_per_s_per_database_core * HEADROOM)
    for name, has in DATABASE_CLASSES:
        if has >= cores and not (".t" in name and cores > 0.2):  # a t4g.micro earns 0.1 of a core
            return name
    raise CommandError("No single database class stores that fast: allow more time for it.")


def _breaks_first(sale: Sale, known: Measurements) -> str:
    """What is closest to its limit: a slot can't be bought, cores can."""
    if sale.claims_per_s > known.decisions_per_s * HEADROOM:
        return "the campaign's one Redis slot"
    return "API cores"


SCALES = {
    "1,000 claims/s": Sale(60_000, 60, 10_000),
    "10,000 claims/s": Sale(600_000, 60, 100_000),
    "100,000 claims/s": Sale(6_000_000, 60, 1_000_000),
    "1,000,000 people in 10 s": Sale(1_000_000, 10, 100_000),
}
HEAD = ("load", "coupons", "API hosts", "consumer hosts", "Redis", "slots", "database",
        "longest queue", "breaks first")  # fmt: skip


def capacity_table(known: Measurements) -> str:
    """The capacity page's table, in Markdown."""
    rows = [_row(name, sale.stock, capacity_plan(sale, known)) for name, sale in SCALES.items()]
    return "\n".join("| " + " | ".join(row) + " |" for row in (HEAD, ("---",) * len(HEAD), *rows))


def _row(name: str, stock: int, made: Plan) -> tuple[str, ...]:
    return (
        name, f"{stock:,}", str(made.api_hosts), str(made.consumer_hosts), made.redis,
        str(made.slots), made.database, f"{made.waiting:,}", made.breaks_first,
    )  # fmt: skip


def _load(file: Path) -> Measurements:
    try:
        return capacity.load_measurements(file)
    except ValueError as wrong:
        raise CommandError(
            f"{file} holds no measurements: {wrong}.", returncode=ASKED_WRONGLY
        ) from None


class Command(SentenceCommand):
    help = "How many API and consumer hosts, and which Redis and RDS classes, a sale needs."

    def is_read(self, options: dict[str, Any]) -> bool:
        return True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--people", type=Whole(1, MOST), default=1_000_000)
        parser.add_argument(
            "--seconds", type=Number(0.001, 86_400), default=10, help="in which they come"
        )
        parser.add_argument("--stock", type=Whole(1, MOST), default=100_000)
        parser.add_argument(
            "--measured", type=input_file, default=capacity.FILE, help="a file as the bench writes"
        )
        parser.add_argument("--table", action="store_true", help="the table of the capacity page")

    def handle(self, *args: Any, **options: Any) -> None:
        known = _load(options["measured"])
        if options["table"]:
            self.stdout.write(capacity_table(known))
            return
        sale = Sale(options["people"], options["seconds"], options["stock"])
        for name, value in zip(
            HEAD, _row("this sale", sale.stock, capacity_plan(sale, known)), strict=True
        ):
            self.stdout.write(f"{name:16}{value}")
        rate = counted_noun(round(sale.claims_per_s), "claim")
        self.stdout.write(f"At {rate} a second; from: {known.source}.")
