"""A release that changes what Redis holds of campaigns: its steps, and processes that meet another
layout than theirs."""

from contextlib import suppress
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from coupons import tasks
from coupons.admission import strategies
from coupons.campaigns import lookup
from coupons.claims.values import Claim, Outcome
from coupons.errors import StoreError, WrongLayout
from coupons.models import Coupon
from coupons.monitoring import server_checks
from coupons.readiness.board import readiness_board
from coupons.recovery import layout_upgrade, rebuild, reconcile
from coupons.store import keys, layouts, store
from coupons.store.layout_steps import Moment, Step, all_steps
from coupons.store.layouts import LayoutCalls
from tests.conftest import CampaignMaker

pytestmark = [pytest.mark.django_db(transaction=True)]


def client() -> Any:
    return store().client


def upgrade(*steps: Step, moment: Moment = Moment.BEFORE, wait_s: float = 0) -> Any:
    return layout_upgrade.upgrade_campaigns(
        steps or all_steps(), moment=moment, wait_s=wait_s, tell=lambda _: None
    )


def rename_limit(calls: LayoutCalls, slug: str) -> None:
    """A made-up change in three commands."""
    gate = keys.campaign_keys(slug).gate
    longest = calls.client.hget(gate, "longest")
    if longest is not None:
        calls.client.hset(gate, "limit", longest)
    calls.client.hset(gate, "note", "changed")
    calls.mark_layout(slug, 2, after=1)


MADE_UP = Step(2, Moment.BEFORE, rename_limit)
LATE = Step(2, Moment.AFTER, rename_limit)


@pytest.fixture
def newer_release(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process is of a release that reads layout 2 alone."""
    monkeypatch.setattr(layouts, "OLDEST", 2)
    monkeypatch.setattr(layouts, "NEWEST", 2)


def test_15_8_a_campaign_without_a_mark_has_the_first_layout_and_gets_its_mark_once(
    open_campaign: CampaignMaker,
) -> None:
    campaign = open_campaign(stock=3)
    gate = keys.campaign_keys("sale").gate
    client().hdel(gate, "layout")  # as release 1.0 left it
    before = client().hgetall(gate)
    assert strategies.admit(campaign, Claim("ann")).outcome == Outcome.ADMITTED
    before[b"next"] = b"1"
    assert upgrade().changed == {"sale": 1}
    assert client().hgetall(gate) == before | {b"layout": b"1"}
    assert upgrade().changed == {}
    assert strategies.admit(campaign, Claim("ann")).outcome == Outcome.ALREADY_CLAIMED


def test_a_new_gate_and_one_that_redis_lost_are_made_in_the_layout_of_this_release(
    open_campaign: CampaignMaker,
) -> None:
    open_campaign()
    assert dict(store().layouts.layouts_of(["sale", "nowhere"])) == {"sale": 1, "nowhere": None}
    client().flushall()
    rebuild.rebuild_campaign("sale", actor="Mina")
    assert store().layouts.layouts_of(["sale"])["sale"] == layouts.CREATED


def test_a_campaign_whose_step_fails_keeps_no_other_waiting(make_campaigns: Any) -> None:
    def fail_on_one(calls: LayoutCalls, slug: str) -> None:
        if slug == "b":
            raise StoreError("Redis answered: OOPS")
        if slug == "c":
            raise RuntimeError("a bug")
        rename_limit(calls, slug)

    done = upgrade(Step(2, Moment.BEFORE, fail_on_one))
    assert done.changed == {"a": 2, "d": 2}
    assert set(done.failed) == {"b", "c"}
    assert dict(store().layouts.layouts_of(["a", "b", "c", "d"])) == {
        "a": 2,
        "b": 1,
        "c": 1,
        "d": 2,
    }
    assert upgrade(MADE_UP).changed == {"b": 2, "c": 2}, "a repetition finishes the others"


@pytest.fixture
def make_campaigns(open_campaign: CampaignMaker) -> None:
    for slug in "abcd":
        open_campaign(slug)


class Dead(Exception):
    """Raised in place of a kill."""


@pytest.mark.parametrize("commands", range(1, 5))
def test_a_step_killed_between_two_commands_is_finished_by_the_next_run(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch, commands: int
) -> None:
    open_campaign()
    with monkeypatch.context() as dying, suppress(Dead):
        left = [commands]
        real: Any = store().client.execute_command

        def die(*words: Any, **options: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise Dead
            return real(*words, **options)

        dying.setattr(store().client, "execute_command", die)
        rename_limit(store().layouts, "sale")
    upgrade(MADE_UP)
    fields = client().hgetall(keys.campaign_keys("sale").gate)
    assert (fields[b"layout"], fields[b"limit"], fields[b"note"]) == (
        b"2", fields[b"longest"], b"changed",
    )  # fmt: skip


def test_a_step_that_leaves_no_mark_is_an_error(open_campaign: CampaignMaker) -> None:
    open_campaign()
    done = upgrade(Step(2, Moment.BEFORE, lambda calls, slug: None))
    assert done.changed == {}
    assert "without the mark" in done.failed["sale"]


def test_a_process_that_meets_a_newer_layout_decides_nothing(open_campaign: CampaignMaker) -> None:
    campaign = open_campaign(stock=3)
    assert strategies.admit(campaign, Claim("ann")).place == 1
    lookup.find_snapshot("sale")
    upgrade(MADE_UP)
    for _ in range(2):
        lookup.snapshot_caches.current.snapshots["sale"] = (0.0, campaign)  # expired
        with pytest.raises(WrongLayout, match="layout 2; this release reads 1 to 1: deploy"):
            lookup.find_snapshot("sale")
    tasks.drain("sale")
    assert Coupon.objects.count() == 0, "a claim it may misread waits"
    assert "layout 2" in str(store().wakeups.drain_failures(["sale"])["sale"])
    for repair in (rebuild.rebuild_campaign, rebuild.renew_campaign):
        with pytest.raises(WrongLayout):
            repair("sale", actor="Mina")
    assert client().hget(keys.campaign_keys("sale").gate, "epoch"), "nothing closed it"
    reconcile.reconcile_campaigns()
    assert store().queue.waiting_entries("sale"), "nothing touched its queue"


@pytest.mark.usefixtures("newer_release")
def test_a_process_that_meets_an_older_layout_says_what_to_run(
    open_campaign: CampaignMaker,
) -> None:
    open_campaign()
    lookup.clear_snapshots()
    with pytest.raises(WrongLayout, match=r"manage\.py upgrade_redis"):
        lookup.find_snapshot("sale")
    upgrade(MADE_UP)
    assert lookup.find_snapshot("sale").slug == "sale"


def test_an_unknown_layout_is_red_on_the_board_and_an_error_of_the_check(
    open_campaign: CampaignMaker,
) -> None:
    open_campaign()
    assert server_checks.check_layouts() == []
    client().hset(keys.campaign_keys("sale").gate, "layout", 7)
    [error] = server_checks.check_layouts()
    assert error.id == "coupons.E029"
    assert "layout 7" in str(error.msg)
    lines = {line.name: line for line in readiness_board("sale").reds}
    assert "layout 7" in lines["keys"].seen
    assert "RENAME" not in lines["keys"].do
    with pytest.raises(CommandError, match="sale"):
        call_command("upgrade_redis", check=True)


@pytest.mark.parametrize("damaged", ["", "one", "1.5", "\udcff"])
def test_a_layout_that_is_no_number_is_a_clear_error(
    open_campaign: CampaignMaker, damaged: str
) -> None:
    open_campaign("other")
    open_campaign()
    client().hset(
        keys.campaign_keys("sale").gate, "layout", damaged.encode(errors="surrogateescape") or b" "
    )
    lookup.clear_snapshots()
    with pytest.raises(StoreError):
        store().campaigns.stored_snapshot("sale")
    assert set(upgrade(MADE_UP).failed) == {"sale"}
    assert store().layouts.layouts_of(["other"])["other"] == 2


def test_a_late_step_waits_for_every_process_that_can_not_read_its_layout(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_campaign()
    now = store().server.now_ms()
    for process, oldest, newest in (("web@a", 1, 2), ("web@b", 1, 1)):
        monkeypatch.setattr(layouts, "OLDEST", oldest)
        monkeypatch.setattr(layouts, "NEWEST", newest)
        store().processes.report_clock(process, 7, ahead_ms=0, within_ms=1, at_ms=now)
        store().layouts.report_layouts(process, 7, now)
    store().processes.report_clock(
        "celery@old", 8, ahead_ms=0, within_ms=1, at_ms=now
    )  # release 1.0
    assert [r.process for r in upgrade(LATE, moment=Moment.AFTER).awaited] == [
        "celery@old 8", "web@b 7",
    ]  # fmt: skip
    assert store().layouts.layouts_of(["sale"])["sale"] == 1, "nothing was changed"
    store().processes.forget_clock("celery@old", 8)
    store().processes.forget_clock("web@b", 7)
    done = upgrade(LATE, moment=Moment.AFTER)
    assert (done.awaited, done.changed) == ([], {"sale": 2})


def test_a_process_that_was_killed_is_not_awaited_for_ever(open_campaign: CampaignMaker) -> None:
    open_campaign()
    long_ago = store().server.now_ms() - 60_000
    store().processes.report_clock("web@killed", 9, ahead_ms=0, within_ms=1, at_ms=long_ago)
    assert upgrade(LATE, moment=Moment.AFTER).changed == {"sale": 2}


def test_a_step_runs_at_its_own_moment_only(open_campaign: CampaignMaker) -> None:
    open_campaign()
    assert upgrade(LATE).changed == upgrade(MADE_UP, moment=Moment.AFTER).changed == {}


def test_the_command_marks_what_is_installed_and_says_so(
    open_campaign: CampaignMaker, capsys: pytest.CaptureFixture[str]
) -> None:
    open_campaign()
    client().hdel(keys.campaign_keys("sale").gate, "layout")
    call_command("upgrade_redis")
    assert capsys.readouterr().out == "sale: has layout 1 now.\n"
    call_command("upgrade_redis")
    call_command("upgrade_redis", check=True)
    assert capsys.readouterr().out == "1 campaign has layout 1.\n"


def test_the_steps_of_this_release_lead_to_its_newest_layout() -> None:
    assert [step.layout for step in all_steps()][-1] == layouts.NEWEST
    assert layouts.OLDEST <= layouts.CREATED <= layouts.NEWEST
