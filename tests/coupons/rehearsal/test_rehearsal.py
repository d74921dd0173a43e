"""What a rehearsal refuses, what it leaves when it dies, and how it yields to a live opening."""

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import load_command_class
from django.test import Client
from django.utils import timezone

from coupons.admission import strategies
from coupons.campaigns import lifecycle, lookup
from coupons.claims.values import Claim
from coupons.errors import Refused, StaleClaims, UnknownCampaign
from coupons.identity import user_tokens
from coupons.issuing.drain import drain
from coupons.models import Campaign, CampaignEvent, Coupon, EventKind, Rehearsal, Slot
from coupons.readiness.rehearsed import OLD, rehearsed_line, site_digest
from coupons.readiness.result import Light
from coupons.rehearsal import crowd, shadow, start, steps, work
from coupons.rehearsal.beside import BESIDE_PER_SECOND, CALM_S, YieldingRate
from coupons.rehearsal.crowd import Pace, Slice
from coupons.rehearsal.start import Plan
from coupons.rehearsal.tally import Tally, tally_of
from coupons.rehearsal.tokens import CrowdTokens
from coupons.rehearsal.verdict import RunFigures, verdict_lines
from coupons.store import store
from coupons.store.demand import Counted
from tests.config.waiting import wait_until
from tests.conftest import CampaignMaker, Settings
from tests.coupons.rehearsal.conftest import keys_of, row_counts
from tests.harness.servers import start_program

pytestmark = pytest.mark.django_db(transaction=True)
PLAN = Plan(people=10, per_second=10, urls=("http://127.0.0.1:1",))


@pytest.fixture
def later(draft: Callable[..., Campaign]) -> Campaign:
    """A campaign that opens in two hours."""
    opens_at = timezone.now() + timedelta(hours=2)
    draft("later", opens_at=opens_at, closes_at=opens_at + timedelta(hours=1))
    return lifecycle.schedule_campaign("later", actor="Mina")


def made_shadow(original: Campaign, **more: Any) -> Campaign:
    return shadow.make_shadow(original, "rehearsal-" + "0" * 20, stock=10, **more)


def test_a_shadow_is_like_its_original_and_nobody_sees_it(later: Campaign, client: Client) -> None:
    Campaign.objects.filter(pk=later.pk).update(audience="vip", per_user=3)
    later.refresh_from_db()
    made = made_shadow(later)
    alike = ("strategy", "audience", "per_user", "discount", "discount_value", "returns_to")
    assert [getattr(made, name) for name in alike] == [getattr(later, name) for name in alike]
    assert (made.merchant_id, made.is_listed) == (None, False)
    with pytest.raises(UnknownCampaign):
        lookup.find_shown(made.slug)
    assert lookup.find_public(made.slug).slug == made.slug  # the crowd may claim
    assert client.get(f"/events/{made.slug}").status_code == 404
    assert made.slug not in client.get("/api/v1/campaigns").content.decode()


def test_a_removed_shadow_leaves_no_row_and_no_key(later: Campaign) -> None:
    before = row_counts()
    made = made_shadow(later)
    snapshot = lookup.find_public(made.slug)
    for number in range(5):
        strategies.admit(snapshot, Claim(f"user-{number}"))
    drain(made.slug, consumer="one")
    strategies.admit(snapshot, Claim("waiting"))
    store().demand.add_counts({made.slug: Counted(6, 0, {"admitted": 6})})
    assert Coupon.objects.count() == 5
    assert keys_of(made.slug)
    shadow.remove_shadow(made.slug)
    assert row_counts() == before
    assert keys_of(made.slug) == []
    shadow.remove_shadow(made.slug)  # safe to repeat


@pytest.mark.parametrize("is_shut_out", [True, False])
def test_a_drain_during_the_removal_stores_nothing(later: Campaign, is_shut_out: bool) -> None:
    """The control: without the new epoch it stores its claims in the middle of the removal."""
    made = made_shadow(later)
    strategies.admit(lookup.find_public(made.slug), Claim("ann"))
    if is_shut_out:
        shadow._shut_out_writers(made)
        with pytest.raises(StaleClaims):
            drain(made.slug, consumer="one")
    else:
        drain(made.slug, consumer="one")
    assert Coupon.objects.exists() != is_shut_out


def test_only_a_shadow_can_be_removed(later: Campaign) -> None:
    with pytest.raises(Refused):
        shadow.remove_shadow("later")
    assert Slot.objects.count() == later.stock


def test_beside_an_opening_it_is_refused_unless_asked_for(
    later: Campaign, open_campaign: CampaignMaker
) -> None:
    soon = timezone.now() + timedelta(minutes=10)
    open_campaign("soon", opens_at=soon, closes_at=soon + timedelta(hours=1))
    with pytest.raises(Refused, match=r"soon opens at .* --beside"):
        start.begin_rehearsal("later", PLAN, actor="Mina")
    lifecycle.close_campaign("soon", actor="Mina")
    assert start.begin_rehearsal("later", PLAN, actor="Mina").running


def test_one_at_a_time(later: Campaign) -> None:
    start.begin_rehearsal("later", PLAN, actor="Mina")
    with pytest.raises(Refused, match="Another rehearsal"):
        start.begin_rehearsal("later", PLAN, actor="Jun")
    assert CampaignEvent.objects.filter(kind=EventKind.REHEARSAL_BEGAN).count() == 1


def test_what_a_dead_process_left_is_removed_by_a_worker(later: Campaign) -> None:
    before = row_counts()
    rehearsal = start.begin_rehearsal("later", PLAN, actor="Mina")
    steps.run_step(rehearsal)  # the shadow is made, and the process dies
    assert not work.work_on_rehearsal()  # as long as its lease lasts
    assert keys_of(rehearsal.shadow)
    past = rehearsal.started_at - timedelta(minutes=1)
    Rehearsal.objects.filter(pk=rehearsal.pk).update(leased_until=past)
    assert not work.work_on_rehearsal()
    rehearsal.refresh_from_db()
    assert (rehearsal.state, rehearsal.running, rehearsal.light) == ("done", None, "")
    assert keys_of(rehearsal.shadow) == []
    more = {name: count - before[name] for name, count in row_counts().items()}
    assert {name: count for name, count in more.items() if count} == {
        "Rehearsal": 1, "CampaignEvent": 2,
    }  # fmt: skip


def test_an_operator_stops_it(later: Campaign) -> None:
    plan = Plan(people=1000, per_second=5, urls=("http://127.0.0.1:1",), by_worker=True)
    rehearsal = start.begin_rehearsal("later", plan, actor="Mina")
    assert start.stop_rehearsal(rehearsal.pk)
    assert not work.work_on_rehearsal()
    rehearsal.refresh_from_db()
    assert (rehearsal.state, rehearsal.light) == ("done", "")
    assert not start.stop_rehearsal(rehearsal.pk)


def test_without_an_address_the_verdict_says_so(later: Campaign, settings: Settings) -> None:
    settings.WARM_UP_URLS = []
    plan = Plan(people=10, per_second=10, by_worker=True)
    rehearsal = start.begin_rehearsal("later", plan, actor="Mina")
    while work.work_on_rehearsal():
        pass
    rehearsal.refresh_from_db()
    assert rehearsal.light == "red"
    (crowd,) = (line for line in rehearsal.lines if line["name"] == "crowd")
    assert "WARM_UP_URLS" in crowd["seen"]["en"]
    assert crowd["do"]["ko"] != crowd["do"]["en"]


def test_the_crowd_ends_with_its_last_answer_and_not_at_the_next_moment() -> None:
    """The next person's moment would be 1,000 s later, and there is no next person."""
    part = Slice(("http://127.0.0.1:1",), "later", 0, 1, 0, (), time_s=10_000)
    playing = crowd._Playing(part, Pace(lambda: 0.001))
    tally = asyncio.run(asyncio.wait_for(playing.play(crowd.SEATS), timeout=200))
    assert (tally.asked, tally.span_s > 0) == (1, True)


def test_the_rate_counts_from_the_first_to_the_last_answer() -> None:
    tally = Tally(outcomes=Counter(admitted=50), span_s=2.0)
    tally.add_tally(Tally(outcomes=Counter(sold_out=30), span_s=2.0))
    seen = RunFigures(80, 20, "", (), 50, tally_of(tally.as_json()))
    assert seen.answered_per_second == 20
    assert replace(seen, per_second=10).answered_per_second == 10  # it never asked faster
    slow = replace(seen, tally=Tally(outcomes=Counter(admitted=50), span_s=5.0))
    rates = [line for line in verdict_lines(slow) if line.name == "rate"]
    assert [line.seen for line in rates] == ["10 answers a second; 20 were planned."]


def test_it_yields_while_people_ask_for_a_live_campaign(open_campaign: CampaignMaker) -> None:
    """The control is the first and the last rate: nothing is asked, and it has been calm."""
    long_ago = timezone.now() - timedelta(hours=1)
    open_campaign("live", opens_at=long_ago)
    clock = [0.0]
    rate = YieldingRate(1_000, clock=lambda: clock[0])

    def after(seconds: float, asked: int) -> float:
        clock[0] += seconds
        store().demand.add_counts({"live": Counted(asked, 0, {"admitted": asked})})
        return rate()

    assert after(0, 0) == 1_000
    assert after(0.5, 50) == BESIDE_PER_SECOND
    assert after(0.5, 0) == BESIDE_PER_SECOND
    assert after(CALM_S, 0) == 1_000
    assert rate.yielded_s > 0


def test_it_yields_around_an_opening(later: Campaign, open_campaign: CampaignMaker) -> None:
    assert YieldingRate(1_000)() == 1_000
    open_campaign("now")
    assert YieldingRate(1_000)() == BESIDE_PER_SECOND


@pytest.fixture
def rehearsed(later: Campaign) -> Rehearsal:
    now = timezone.now()
    return Rehearsal.objects.create(
        campaign=later, shadow="rehearsal-" + "1" * 20, state="done", running=None, people=10,
        per_second=10, actor="Mina", started_at=now, leased_until=now, finished_at=now,
        light="green", figures={"per_second": 2000.0}, site=site_digest(later),
    )  # fmt: skip


def test_the_board_shows_the_last_rehearsal(later: Campaign) -> None:
    line = rehearsed_line(later)
    assert (line.light, line.seen) == (Light.AMBER, "Never rehearsed.")


def test_the_printed_command_knows_the_sites_addresses(later: Campaign, settings: Settings) -> None:
    """It is typed in a shell beside `make run`, whose settings have none."""
    settings.WARM_UP_URLS = ["http://127.0.0.1:8080"]
    printed, digest = rehearsed_line(later).do.split(), site_digest(later)
    settings.WARM_UP_URLS = []
    assert printed[0] == "manage.py"
    given = load_command_class("coupons", printed[1]).create_parser(*printed[:2])
    options = given.parse_args(printed[2:])
    assert (options.slug, options.url) == ("later", ["http://127.0.0.1:8080"])
    assert site_digest(later) == digest  # so that the board does not say "settings changed" after
    settings.PRODUCTION, settings.WARM_UP_URLS = True, ["http://10.0.1.1:8080"]
    assert "--url" not in rehearsed_line(later).do  # each host has them in its settings


def test_a_fresh_green_one_is_green_until_something_changes(
    rehearsed: Rehearsal, settings: Settings
) -> None:
    line = rehearsed_line(rehearsed.campaign)
    assert (line.light, line.seen) == (Light.GREEN, "Rehearsed 0 min ago at 2,000 a second: green.")
    settings.SHED_AFTER_S = 0.1
    line = rehearsed_line(rehearsed.campaign)
    assert line.light is Light.AMBER
    assert line.seen.endswith("Since then these changed: settings.")


def test_an_old_one_is_amber_and_a_red_one_names_its_reason(rehearsed: Rehearsal) -> None:
    rehearsed.started_at -= OLD + timedelta(hours=1)
    rehearsed.finished_at = rehearsed.started_at
    rehearsed.save()
    assert rehearsed_line(rehearsed.campaign).seen.startswith("Rehearsed 25 h ago")
    assert rehearsed_line(rehearsed.campaign).light is Light.AMBER
    rehearsed.started_at = rehearsed.finished_at = timezone.now()
    rehearsed.light = "red"
    rehearsed.lines = [{"name": "x", "light": "red", "seen": {"en": "Why.", "ko": "."}, "do": {}}]
    rehearsed.save()
    line = rehearsed_line(rehearsed.campaign)
    assert (line.light, line.seen[-4:]) == (Light.RED, "Why.")


@pytest.mark.slow
def test_ctrl_c_removes_everything(
    later: Campaign, child_environment: dict[str, str], tmp_path: Path
) -> None:
    before = row_counts()
    command = [sys.executable, "manage.py", "dress_rehearsal", "later", "--people", "1000",
               "--per-second", "2", "--url", "http://127.0.0.1:1"]  # fmt: skip
    log = tmp_path / "log"
    with start_program(command, log=log, env=child_environment) as running:
        wait_until(lambda: Rehearsal.objects.filter(state="asking").exists())
        os.kill(running.pid, signal.SIGINT)
        wait_until(lambda: not Rehearsal.objects.filter(running=True).exists())
        wait_until(lambda: running.status is not None)
        assert running.status == 130, log.read_text()
    assert "Stopped." in log.read_text()
    rehearsal = Rehearsal.objects.get()
    assert (rehearsal.state, rehearsal.light) == ("done", "")
    assert keys_of(rehearsal.shadow) == []
    assert row_counts()["Campaign"] == before["Campaign"]


def test_a_token_of_the_crowd_is_one_that_the_site_believes() -> None:
    caller = user_tokens.verify_token(CrowdTokens(("vip",)).sign_token("rehearsal-1"))
    assert (caller.user, caller.segments) == ("rehearsal-1", ("vip",))
