"""One run: an opening under load while faults are injected, and its verdicts."""

import random
import secrets
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from threading import Thread

from django.db import connection
from django.utils import timezone

from coupons.campaigns import lifecycle
from coupons.errors import CouponError, StockBelowAdmitted
from coupons.identity import user_tokens
from coupons.models import Campaign
from tests.crash import checker, history, people, reading
from tests.crash.data_faults import rebuild_campaign
from tests.crash.faults import DEEDS, IN_THE_WAY, draw_faults, heal_stage
from tests.crash.scene import Fault, Scene
from tests.crash.stage import Stage

ACTOR = "crash"
LASTS_S = 3.0
_TRIES = 5
AGAIN = 0.15  # of all who ask press twice
SETTLE_S = 60.0  # after the last repair; claims that wait then are unsettled


@dataclass(frozen=True, slots=True)
class Sale:
    """Users and stock, drawn from the seed; `lasts_s`: how long new users keep coming."""

    seed: int
    stock: int
    users: int
    lasts_s: float = LASTS_S
    settle_s: float = SETTLE_S


@dataclass(frozen=True, slots=True)
class Plan:
    """A run, drawn from its seed."""

    sale: Sale
    faults: tuple[Fault, ...]


def make_plan(
    seed: int, *, faults: int, kinds: tuple[str, ...] = (), settle_s: float = SETTLE_S
) -> Plan:
    """`kinds`: only these faults; empty: all."""
    chance = random.Random(seed)
    stock = chance.randint(150, 400)
    users = round(stock * chance.uniform(1.05, 1.4))
    drawn = draw_faults(chance, count=faults, lasts_s=LASTS_S, kinds=kinds)
    return Plan(Sale(seed, stock, users, settle_s=settle_s), tuple(drawn))


@dataclass(slots=True)
class Run:
    """The result of a plan. `wrongs` by verdict; all empty: the run passed.

    `missed` are faults that failed because their target was away already; `unknown` are requests
    whose outcome the client never learned.
    """

    seed: int
    faults: Counter[str] = field(default_factory=Counter)
    missed: int = 0
    told: int = 0
    stored: int = 0
    asks: int = 0
    unknown: int = 0
    settled_after_s: float = 0.0
    seconds: float = 0.0
    wrongs: dict[str, list[str]] = field(default_factory=dict)
    history: Path = Path()

    @property
    def kept_its_word(self) -> bool:
        return not any(self.wrongs.values())


Trouble = Callable[[Scene, Run], None]


def play_plan(stage: Stage, planned: Plan) -> Run:
    """Raises TimeoutError if the stage does not serve again."""
    return play_sale(
        stage, planned.sale, lambda scene, run: _play_faults(scene, planned.faults, run)
    )


def play_sale(stage: Stage, sale: Sale, trouble: Trouble) -> Run:
    """An opening during which `trouble` is called; then faults are repaired, the queue drains, and
    the checker judges."""
    stage.cast.await_ready()
    began, run = time.monotonic(), Run(sale.seed)
    campaign = open_campaign(f"crash-{sale.seed}-{secrets.token_hex(2)}", sale.stock)
    file = stage.folder / f"{campaign.slug}.jsonl"
    with reading.sampling_rows(stage, campaign.pk) as samples:
        _under_load(Scene(stage, campaign.slug), sale, run, file, trouble)
        all_asked = time.monotonic()
        reading.await_settled(stage, campaign.slug, patience_s=sale.settle_s)
        run.settled_after_s = time.monotonic() - all_asked
    stage.cast.await_ready("store", "database")  # one that died last may be starting
    run.history = file
    found = reading.read_findings(
        stage, campaign.slug, campaign.pk, stock=sale.stock, sampled=samples.rows
    )
    record_verdicts(run, history.read_history(file), found)
    _close_campaign(stage, campaign.slug)
    run.seconds = time.monotonic() - began
    return run


def record_verdicts(run: Run, asks: Sequence[history.Ask], found: checker.Found) -> None:
    """Judge these requests and write verdicts and counts into the run."""
    run.told = len({ask.user for ask in asks if ask.reply.kind == history.OK})
    run.stored, run.asks = len(found.rows), len(asks)
    run.unknown = sum(ask.reply.kind == history.INFO for ask in asks)
    run.wrongs = checker.judge_asks(asks, found)


def open_campaign(slug: str, stock: int) -> Campaign:
    """A campaign that is open from now on, created as an operator does."""
    connection.close()  # the server may have been restarted since
    now = timezone.now()
    sale = Campaign(
        slug=slug, name=slug, stock=stock, discount_value=10, valid_days=30,
        opens_at=now - timedelta(seconds=1), closes_at=now + timedelta(hours=2),
    )  # fmt: skip
    lifecycle.save_draft(sale, actor=ACTOR)
    return lifecycle.schedule_campaign(slug, actor=ACTOR)


def _close_campaign(stage: Stage, slug: str) -> None:
    """Close the campaign, so that repairs of the next run skip it. It may be under repair."""
    for _ in range(_TRIES):
        connection.close()
        try:
            lifecycle.close_campaign(slug, actor=ACTOR)
            return
        except StockBelowAdmitted:
            return  # a verdict already
        except CouponError:
            rebuild_campaign(Scene(stage, slug))
    raise TimeoutError(f"{slug} could not be closed.")


def _under_load(scene: Scene, sale: Sale, run: Run, file: Path, trouble: Trouble) -> None:
    """Users claim while `trouble` happens; then faults are repaired and the last users served."""
    chance = random.Random(sale.seed)
    named = [f"{scene.slug}-{number}" for number in range(sale.users)]
    signed = [(user, user_tokens.mint_token(user, lifetime_s=900)) for user in named]
    line = people.line_of(signed, lasts_s=sale.lasts_s, again=AGAIN, chance=chance)
    gives_up_at = time.monotonic() + sale.lasts_s + sale.settle_s
    with closing(history.Recorder(file)) as recorder:
        crowd = people.Crowd(scene.stage.web_ports, scene.slug, recorder, gives_up_at=gives_up_at)
        asking = Thread(target=crowd.play, args=(line,), daemon=True)
        asking.start()
        trouble(scene, run)
        heal_stage(scene.stage)
        asking.join()


def _play_faults(scene: Scene, faults: Sequence[Fault], run: Run) -> None:
    """Each fault in its own thread, because many last; returns when the last one has ended."""
    began, threads = time.monotonic(), []
    for fault in faults:
        time.sleep(max(0.0, began + fault.at_s - time.monotonic()))
        thread = Thread(target=_play_fault, args=(scene, fault, run), daemon=True)
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join()


def _play_fault(scene: Scene, fault: Fault, run: Run) -> None:
    try:
        DEEDS[fault.kind](scene, fault)
    except IN_THE_WAY:
        run.missed += 1
    else:
        run.faults[fault.kind] += 1
