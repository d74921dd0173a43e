"""Redis is emptied while claims wait: the processes replay their recent admissions, and none is
lost."""

import os
import subprocess
import sys
from typing import Any

import pytest

from config import env
from coupons import store
from coupons.admission import recent, strategies
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.values import AdmittedClaim, Claim, Outcome, Reason
from coupons.errors import NotInstalled
from coupons.issuing import dead_letters, drain
from coupons.models import Campaign, Coupon, Tally
from coupons.observability import request_id
from coupons.recovery import lost_admissions, rebuild, reconcile
from coupons.recovery.known_claims import KnownClaims
from tests.conftest import CampaignMaker
from tests.harness.another_process import another_process

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]


def admit_users(campaign: CampaignSnapshot, *users: str) -> list[int]:
    return [strategies.admit(campaign, Claim(user)).place for user in users]


def empty_redis(campaign: CampaignSnapshot, *, asked: bool = True) -> None:
    """Empty Redis; then a user claims, and gets 503."""
    store.store().client.flushall()
    if asked:
        with pytest.raises(NotInstalled):
            strategies.admit(campaign, Claim("somebody"))


def lost_claims(campaign: Campaign) -> list[AdmittedClaim]:
    known = KnownClaims(campaign)
    list(known.pages())
    return known.lost


def test_claims_that_waited_are_put_back_with_the_answer_of_then(
    open_campaign: CampaignMaker,
) -> None:
    campaign = open_campaign(stock=10)
    admit_users(campaign, "ann", "ben")
    drain.drain("sale", consumer="one")
    request_id.begin_request("the-request")
    told = strategies.admit(campaign, Claim("cho"))
    request_id.end_request()
    admit_users(campaign, "dan")
    empty_redis(campaign)
    done = rebuild.rebuild_campaign("sale", actor="Mina")
    assert (done.highest, done.waiting) == (4, 2)
    again = strategies.admit(campaign, Claim("cho"))
    assert (again.outcome, again.place, again.at_ms) == (Outcome.ALREADY_CLAIMED, 3, told.at_ms)
    assert admit_users(campaign, "late") == [5]
    assert drain.drain("sale", consumer="one").stored == 3
    assert dict(Coupon.objects.values_list("place", "request_id"))[3] == "the-request"
    assert reconcile.compare_campaign("sale").left == 0


def test_negative_control_without_recent_admissions_they_are_lost_and_their_places_given_again(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent, "publish_admissions", lambda campaign: None)
    campaign = open_campaign(stock=10)
    admit_users(campaign, "ann", "ben")
    empty_redis(campaign)
    rebuild.rebuild_campaign("sale", actor="Mina")
    assert admit_users(campaign, "late") == [1]
    drain.drain("sale", consumer="one")
    assert set(Coupon.objects.values_list("user", flat=True)) == {"late"}


def test_each_process_publishes_its_admissions(open_campaign: CampaignMaker) -> None:
    campaign = open_campaign(stock=10)
    admit_users(campaign, "ann")
    with another_process():
        admit_users(campaign, "ben")
        empty_redis(campaign)
    with pytest.raises(NotInstalled):
        admit_users(campaign, "somebody")
    assert rebuild.rebuild_campaign("sale", actor="Mina").waiting == 2
    assert drain.drain("sale", consumer="one").stored == 2


def test_what_is_known_elsewhere_is_not_put_back(open_campaign: CampaignMaker) -> None:
    """Admissions that are stored, given up, or of an older epoch whose place another user has."""
    campaign = open_campaign(stock=10)
    admit_users(campaign, "ann", "ben", "cho")
    taken = store.store().queue.read_new("sale", consumer="one", count=2).entries
    store.store().queue.park_entry("sale", taken[1].id, Reason.REJECTED)
    (entry,) = store.store().queue.parked_entries("sale")
    dead_letters.give_up("sale", entry.id, actor="Mina", why="asked for it")
    assert drain.drain("sale", consumer="two").stored == 1
    for place in (1, 3):
        recent.remember_admission(campaign, Claim("old"), place, 5)
    empty_redis(campaign)
    assert [claim.user for claim in lost_claims(Campaign.objects.get())] == ["ann"]


def test_a_stranger_who_writes_there_gives_nobody_a_coupon_beyond_the_stock(
    open_campaign: CampaignMaker,
) -> None:
    campaign = open_campaign(stock=3)
    empty_redis(campaign)
    store.store().recent_admissions.publish_admissions(
        "sale", "who", b'[["eve",1,4,1,""],["eve",1,-1,1,""],["",1,1,1,""]]'
    )
    assert rebuild.rebuild_campaign("sale", actor="Mina").waiting == 0
    assert lost_claims(Campaign.objects.get()) == []


def test_a_rebuild_that_died_before_it_put_them_back_leaves_them_to_reconcile(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = open_campaign(stock=10)
    admit_users(campaign, "ann")
    empty_redis(campaign)

    def raise_interrupt(*asked: Any) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying, pytest.raises(KeyboardInterrupt):
        dying.setattr(lost_admissions, "requeue_lost", raise_interrupt)
        rebuild.rebuild_campaign("sale", actor="Mina")
    reconcile.reconcile_campaigns()
    assert drain.drain("sale", consumer="one").stored == 1
    coupon = Coupon.objects.get()
    assert (coupon.user, coupon.request_id) == ("ann", "put-back")


# What each batch notes


def test_a_batch_notes_how_many_places_were_given(
    open_campaign: CampaignMaker, settings: Any
) -> None:
    settings.DRAIN_BATCH = 2
    campaign = open_campaign(stock=10)
    admit_users(campaign, "ann", "ben", "cho", "dan", "eve")
    assert drain.drain("sale", consumer="one", time_s=0).stored == 2
    assert Tally.objects.get().highest == 5
    empty_redis(campaign, asked=False)  # three are lost, and their places are not given again
    assert rebuild.rebuild_campaign("sale", actor="Mina").highest == 5
    assert admit_users(campaign, "late") == [6]


def test_with_confirming_replicas_admissions_are_not_recorded(
    open_campaign: CampaignMaker, settings: Any
) -> None:
    """A place that no replica confirmed was answered to no user, and shall not stay empty."""
    campaign = open_campaign(stock=10)
    admit_users(campaign, "ann", "ben")
    settings.REDIS_WAIT_REPLICAS = 1
    settings.DRAIN_BATCH = 1
    drain.drain("sale", consumer="one", time_s=0)
    assert Tally.objects.get().highest == 0


def test_the_last_places_are_kept_and_no_more(open_campaign: CampaignMaker) -> None:
    campaign = open_campaign(stock=10)
    for place in range(recent.BUFFER_SIZE + 5):
        recent.remember_admission(campaign, Claim("ann"), place + 1, 1)
    assert len(recent.recent_admissions.current.admissions) == recent.BUFFER_SIZE


def test_a_claim_is_what_it_was(open_campaign: CampaignMaker) -> None:
    campaign = open_campaign(stock=10, per_user=3)
    told = strategies.admit(campaign, Claim("é:2", 2))
    empty_redis(campaign)
    sale = Campaign.objects.get()
    assert lost_claims(sale) == [AdmittedClaim("é:2", 2, 1, told.at_ms)]


def test_processes_forked_from_one_publish_under_ids_of_their_own() -> None:
    """With one id the first would overwrite the others."""
    program = (
        "import os, django; django.setup()\n"
        "from coupons.admission import recent\n"
        "for _ in range(2):\n"
        "    if os.fork() == 0:\n"
        "        print(recent.recent_admissions.current.process, flush=True)\n"
        "        os._exit(0)\n"
        "    os.wait()\n"
        "print(recent.recent_admissions.current.process)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=env.BASE_DIR, capture_output=True, text=True,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"}, check=True,
    )  # fmt: skip
    assert len(set(done.stdout.split())) == 3
