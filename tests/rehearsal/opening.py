"""Sales on the deployed service: users in the world, and the verdict."""

from __future__ import annotations

import json
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from config.development.demo import crowd
from config.development.demo.told_stored import Row
from config.development.demo.verdict import Answer, Opening, Verdict, judge_opening
from config.development.process.errors import Trouble
from config.development.process.programs import Program, leash_command
from coupons.claims.coupon_codes import grouped_code
from tests.rehearsal.cloud import ROOT
from tests.rehearsal.onnetwork import Ground
from tests.rehearsal.people import sign_people
from tests.rehearsal.playbooks import Playbooks
from tests.rehearsal.record import Wrong

AHEAD_S = 4  # from scheduling to opening
GIVE_UP_S = 90
STORING_S = 60  # after the last answer; the death of a worker must be detected first
CONNECTIONS = 100
PER_SECOND = 25.0  # of users during a release, over STEADY_CONNECTIONS
STEADY_CONNECTIONS = 8
FAILED = 500  # and above; 0 is no answer


@dataclass(frozen=True, kw_only=True)
class Sales:
    """Where sales are held, and how they are created and read."""

    here: Ground
    books: Playbooks
    token_key: Callable[[], str]  # the shop's
    rows: Callable[[str], list[list[str]]]  # of a query to the database
    url: str  # of the service for users
    manager: str  # an api host, where manage.py is
    where: str = "world"  # where users are; the write-up's topology allows only the operator

    def schedule(self, *, stock: int, opens_in: float = 0) -> tuple[str, float]:
        """Schedule a campaign. Returns (slug, its opening by this machine's clock)."""
        slug = f"sale-{secrets.token_hex(3)}"
        done = self.books.ssh(
            self.manager, "sudo", "coupon-manage", "new_campaign", slug,
            f"--stock={stock}", f"--opens-in={opens_in}",
        )  # fmt: skip
        if done.returncode:
            raise Wrong(f"no campaign could be made: {done.stderr[-500:]}")
        return slug, json.loads(done.stdout)["opens_ms"] / 1000

    def people(self, count: int, prefix: str) -> list[tuple[str, str]]:
        """(user, token), signed with the shop's key."""
        return list(sign_people(self.token_key(), prefix, count))

    def url_of(self, slug: str) -> str:
        return f"{self.url}/api/v1/campaigns/{slug}"


@dataclass
class Played:
    verdict: Verdict
    answers: list[Answer]
    seconds: float = 0.0
    failed: list[Answer] = field(default_factory=list)

    def summary(self) -> str:
        v = self.verdict
        return f"{len(self.answers):,} answers, {v.told:,} told = {v.stored:,} stored"

    def insist(self) -> None:
        """Raises Wrong if the verdict has a fault."""
        if self.verdict.faults:
            raise Wrong(" ".join(self.verdict.faults))


def play_rush(
    sales: Sales, *, users: int, stock: int, during: Callable[[], None] = lambda: None,
    ahead_s: float = AHEAD_S,
) -> Played:  # fmt: skip
    """An opening: all users at once. `during` is called meanwhile. Users open the campaign's page
    when it is scheduled and are idle until it opens, `ahead_s` later."""
    slug, opens = sales.schedule(stock=stock, opens_in=ahead_s)
    asks = crowd.asks_of(sales.people(users, slug), impatient=0.1, seed=1)
    url = sales.url_of(slug)
    plan = crowd.Plan(url, opens, opens + GIVE_UP_S, CONNECTIONS, asks)
    began = time.monotonic()
    with _out_there(sales, slug, plan) as finish:
        time.sleep(max(0.0, opens - time.time()))
        during()
    answers = finish()
    opening = Opening(stock, users, len(asks))
    return Played(_judge_stored(sales, slug, opening, answers), answers, time.monotonic() - began)


@contextmanager
def play_steadily(sales: Sales, *, longest_s: float) -> Iterator[Callable[[], Played]]:
    """Users who come one after another during the block. Yields a function that returns the result
    after it."""
    count = int(longest_s * PER_SECOND)
    slug, _ = sales.schedule(stock=count)
    until = sales.here.folder / f"{slug}.until"
    asks = [(user, 1, token) for user, token in sales.people(count, slug)]
    plan = crowd.Plan(
        sales.url_of(slug), 0, 0, STEADY_CONNECTIONS, asks, per_second=PER_SECOND, until=str(until)
    )
    with _out_there(sales, slug, plan) as finish:
        try:
            yield lambda: _judge_steady(sales, slug, count, finish())
        finally:
            until.touch()


def _judge_steady(sales: Sales, slug: str, stock: int, answers: list[Answer]) -> Played:
    opening = Opening(stock, len(answers), len(answers))
    failed = [one for one in answers if not 0 < one.status < FAILED]
    return Played(_judge_stored(sales, slug, opening, answers), answers, failed=failed)


@contextmanager
def _out_there(sales: Sales, slug: str, plan: crowd.Plan) -> Iterator[Callable[[], list[Answer]]]:
    """Run the crowd where users are. Yields a function that returns its answers after the block."""
    here = sales.here
    file: Path = here.folder / f"{slug}.json"
    file.write_text(json.dumps(asdict(plan)))
    log = here.folder / f"{slug}.log"
    words = (*leash_command("KILL"), sys.executable, "-m", crowd.__name__, str(file))
    asking = Program(
        "the crowd", here.network.within(sales.where, *words), env=os.environ, log=log, cwd=ROOT
    )
    try:
        yield lambda: [Answer(**one) for one in json.loads(crowd.answers_of(file).read_text())]
        try:
            asking.finish(patience_s=GIVE_UP_S * 2)
        except Trouble as trouble:
            raise Wrong(f"the crowd broke off: {trouble}") from trouble
    finally:
        asking.kill()


def _judge_stored(sales: Sales, slug: str, opening: Opening, answers: list[Answer]) -> Verdict:
    """Wait for the drain, then compare the places told with the rows stored."""
    deadline = time.monotonic() + STORING_S
    while True:
        verdict = judge_opening(opening, answers, _stored_rows(sales, slug))
        if verdict.told <= verdict.stored or time.monotonic() > deadline:
            return verdict
        time.sleep(0.3)


def _stored_rows(sales: Sales, slug: str) -> list[Row]:
    query = (
        "SELECT c.user, c.place, c.code FROM coupons_coupon c JOIN coupons_campaign s "
        f"ON c.campaign_id = s.id WHERE s.slug = '{slug}'"
    )
    return [Row(user, int(place), grouped_code(code)) for user, place, code in sales.rows(query)]
