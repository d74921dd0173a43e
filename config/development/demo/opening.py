"""`make demo`: start everything, let a crowd play the opening, check the result, stop."""

import json
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from config.development import environment
from config.development.demo import crowd, django_subprocess, figures, record
from config.development.demo.figures import Figures
from config.development.demo.second_act import SecondAct, play_second_act
from config.development.demo.told_stored import Row
from config.development.demo.verdict import Answer, Opening, Verdict, judge_opening
from config.development.environment import Site
from config.development.process import ports, screen, servers, signals
from config.development.process.errors import Stopped, Trouble
from config.development.process.programs import Program
from coupons.claims.quantities import counted_noun

CROWDS = 2  # processes; one alone can't ask as fast as two web processes answer
AHEAD_S = 4  # from scheduling to opening: time for the crowd to connect
GIVE_UP_S = 60  # after the opening: users without an answer by then do not ask again
STORING_S = 30  # after the last answer: timeout for storing all claims
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Play:
    """The options of one demo, and where to write the verdict."""

    users: int
    stock: int
    connections: int
    impatient: float
    record: Path


def run_demo(play: Play) -> int:
    """Returns 0 if the verdict has no faults. Raises Trouble otherwise."""
    with _fresh_folder() as folder:
        verdict = _play(play, folder)
        if verdict.faults:
            raise Trouble("The opening did not go as it should.")
    return 0


@contextmanager
def _fresh_folder() -> Iterator[Path]:
    """A temporary folder, removed at the end; kept after Trouble, for its logs."""
    folder = Path(tempfile.mkdtemp(prefix="coupons-demo-"))
    try:
        yield folder
    except Trouble as trouble:
        raise Trouble(f"{trouble}\nThe logs are kept in {folder}/log.") from None
    except Stopped:
        shutil.rmtree(folder)
        raise
    shutil.rmtree(folder)


def _play(play: Play, folder: Path) -> Verdict:
    site = environment.make_site(
        folder,
        ports.free_ports(),
        environment=environment.given_environment(),
    )
    slug = f"demo-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
    with _running_site(site):
        verdict, measured, act = _play_opening(play, site, slug)
        if not (site.own_redis and site.own_database):
            django_subprocess.run_work(site, "close_campaign", "--slug", slug)
    verdict = replace(verdict, faults=(*verdict.faults, *act.faults))
    record.show_record(verdict, measured)
    record.write_record(play.record, verdict, measured, act)
    _report_result(play, site, slug, verdict, act)
    return verdict


@contextmanager
def _running_site(site: Site) -> Iterator[None]:
    with ExitStack() as stack:
        screen.say("[bold]Starting[/] everything on free ports")
        stack.enter_context(servers.deciding_store(site))
        django_subprocess.run_work(site, "migrate")
        screen.say_step("database", site.env["DATABASE_URL"].partition(":")[0] + ", migrated")
        stack.enter_context(servers.running_servers(site, servers.ALL))
        yield


def _play_opening(play: Play, site: Site, slug: str) -> tuple[Verdict, Figures, SecondAct]:
    expected = min(play.users, play.stock)
    campaign = django_subprocess.run_work(
        site, "prepare_opening", "--slug", slug, "--users", str(play.users),
        "--stock", str(play.stock), "--ahead", str(AHEAD_S),
    )  # fmt: skip
    asks = crowd.asks_of(campaign["people"], impatient=play.impatient, seed=1)
    with django_subprocess.start_work(
        site, "watch_stored", "--slug", slug, "--expected", str(expected)
    ) as watching:
        answers = _crowd(play, site, slug, campaign["starts_at"], asks)
        all_stored_ms = _all_stored_ms(site, watching)
    verdict, rows = _judge(Opening(play.stock, play.users, len(asks)), answers, site, slug)
    measured = figures.measure_answers(
        answers, stock=play.stock, opens_ms=campaign["opens_ms"], all_stored_ms=all_stored_ms
    )
    return verdict, measured, play_second_act(site, slug, campaign["key"], rows)


def _crowd(
    play: Play, site: Site, slug: str, starts_at: float, asks: list[tuple[str, int, str]]
) -> list[Answer]:
    """Run the crowd in processes of its own, so that watching does not slow it down."""
    plans = [site.file(f"crowd-{number}.json") for number in range(CROWDS)]
    for number, path in enumerate(plans):
        plan = crowd.Plan(
            f"{site.web_url}/api/v1/campaigns/{slug}", starts_at, starts_at + GIVE_UP_S,
            max(1, play.connections // CROWDS), asks[number::CROWDS],
        )  # fmt: skip
        path.write_text(json.dumps(asdict(plan)))
    with ExitStack() as stack:
        programs = [stack.enter_context(_start_crowd(site, path)) for path in plans]
        _announce(play, starts_at)
        _show_progress(programs, total=len(asks))
    return [
        Answer(**fields)
        for path in plans
        for fields in json.loads(crowd.answers_of(path).read_text())
    ]


def _start_crowd(site: Site, plan: Path) -> Program:
    command = [sys.executable, "-m", "config.development.demo.crowd", str(plan)]
    return Program(plan.stem, command, env=site.env, log=site.log(plan.stem))


def _announce(play: Play, starts_at: float) -> None:
    repeated_asks = round(play.users * play.impatient)
    screen.say(
        f"\n[bold]{counted_noun(play.users, 'person wants', 'people want')}[/]"
        f" [bold]{counted_noun(play.stock, 'coupon')}[/];"
        f" {counted_noun(repeated_asks, 'asks', 'ask')} twice."
        f" {counted_noun(play.connections, 'connection')}."
    )
    screen.say(f"  The sale opens in {max(0.0, starts_at - time.time()):.1f} s, by Redis' clock …")
    signals.interruptible_sleep(max(0.0, starts_at - time.time()))


def _show_progress(programs: list[Program], *, total: int) -> None:
    done = dict.fromkeys((program.name for program in programs), 0)
    with screen.progress("asking", total=total) as show:
        while any(program.status is None for program in programs):
            for program in programs:
                done[program.name] = max([done[program.name], *_numbers(program.new_lines())])
            show(sum(done.values()))
            signals.interruptible_sleep(_POLL_S)
        for program in programs:
            program.finish(patience_s=0)
        show(total)


def _numbers(lines: list[str]) -> list[int]:
    return [int(line) for line in lines if line.isdigit()]


def _all_stored_ms(site: Site, watching: Program) -> int | None:
    """When all claims were stored, by Redis' clock; None: not within STORING_S."""
    deadline = time.monotonic() + STORING_S
    while watching.status is None and time.monotonic() < deadline:
        signals.interruptible_sleep(_POLL_S)
    if watching.status is None:
        return None
    watching.finish(patience_s=0)
    return int(django_subprocess.work_result(site, "watch_stored")["all_stored_ms"])


def _judge(
    opening: Opening, answers: list[Answer], site: Site, slug: str
) -> tuple[Verdict, list[Row]]:
    """The verdict on the stored rows, plus a fault for claims still in the queue or parked; and the
    rows."""
    stored: Any = django_subprocess.run_work(site, "read_coupons", "--slug", slug)
    rows = [Row(*row) for row in stored["rows"]]
    verdict = judge_opening(opening, answers, rows)
    leftovers = [
        f"{counted_noun(stored[name], 'claim is', 'claims are')} {name}."
        for name in ("waiting", "parked")
        if stored[name]
    ]
    return replace(verdict, faults=(*verdict.faults, *leftovers)), rows


def _report_result(play: Play, site: Site, slug: str, verdict: Verdict, act: SecondAct) -> None:
    if not (site.own_redis and site.own_database):
        screen.say(f"Campaign {slug} is closed and stays in the stores it was played on.")
    if verdict.faults:
        return
    screen.say(
        f"[bold green]✓ {verdict.told:,} told = {verdict.stored:,} stored.[/] {act.sentence}"
        f" Everything is stopped again; the figures are in {play.record}."
    )
