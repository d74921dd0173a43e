"""Undo restores every row and every key but the history's, and adds one event to the verb's own.

More of it: DRAWN_UNDOS=1000 .venv/bin/python -m pytest -s
tests/coupons/operations/test_undo.py -k drawn
"""

import os
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from hypothesis import HealthCheck, Phase, given, settings

from coupons.admission import strategies
from coupons.bulk import jobs
from coupons.campaigns import lifecycle, slots, undoable
from coupons.claims.values import Claim, Outcome
from coupons.errors import CouponError, Refused, StockBelowAdmitted
from coupons.issuing import drain
from coupons.models import Campaign, Coupon, EventKind, Job, JobLine, Undoable, UndoableVerb
from coupons.operations import undo, undo_offers
from coupons.redemption import lifecycle as coupon_life
from coupons.store import store
from tests.conftest import CampaignMaker
from tests.coupons.campaigns.sales import Broker
from tests.coupons.operations import drawn

pytestmark = pytest.mark.django_db
EXAMPLES = int(os.environ.get("DRAWN_UNDOS", "20"))
DRAWN: Any = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
    phases=(Phase.generate,), suppress_health_check=list(HealthCheck),
)  # fmt: skip
Drafts = Callable[..., Campaign]
UNDONE_VERBS = ("pause", "stock", "revoke")


def stored(slug: str) -> tuple[Any, Any]:
    """Rows and keys; of a coupon's life what it is, not how often it has changed."""
    rows = drawn.stored_rows(slug)
    for life in rows["lives"]:
        del life["version"], life["changed_at"]
    # A coupon without a life is issued.
    plain = [life for life in rows["lives"] if life["state"] != "issued" or life["is_returned"]]
    rows["lives"] = plain
    rows["returned"] = [row for row in rows["returned"] if row["returned"] or row["given_on"]]
    return rows, drawn.stored_keys(slug)


def newest(slug: str) -> Undoable:
    return Undoable.objects.filter(campaign__slug=slug).latest("pk")


def test_an_undo_restores_rows_and_keys_of_drawn_cases(
    open_campaign: CampaignMaker, draft: Drafts, fake_broker: Broker
) -> None:
    played: Counter[str] = Counter()

    @DRAWN  # type: ignore[untyped-decorator]
    @given(case=drawn.drawn_cases(UNDONE_VERBS))
    def play(case: drawn.Drawn) -> None:
        slug = drawn.make_case(case, open_campaign, draft)
        attempt = drawn.attempt_of(slug, case)
        before, noted = stored(slug), Undoable.objects.count()
        events = Campaign.objects.get(slug=slug).events
        count = events.count()
        try:
            attempt.run()
        except CouponError:
            played["refused"] += 1
            return
        if Undoable.objects.count() == noted:
            played["nothing to undo"] += 1  # a lower stock, a list without effect
            return
        undo.undo_verb(newest(slug).pk, actor="bob")
        assert stored(slug) == before, case
        of_the_verb = 0 if case.verb == "revoke" else 1  # its events are the coupons' own
        assert events.count() == count + of_the_verb + 1
        assert events.latest("pk").kind == EventKind.UNDONE
        played[case.verb] += 1

    play()
    print(f"{played.total()} cases: {dict(played)}")
    assert played.total() >= EXAMPLES
    assert set(UNDONE_VERBS) <= set(played)


def test_a_broken_undo_is_found(
    open_campaign: CampaignMaker, draft: Drafts, fake_broker: Broker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Control: one that forgets the moment of the last place, and one that keeps the slots."""
    case = drawn.Drawn("stock", "queued", "open", False, 3, 4, 3, 0, 0, 5)
    for broken in ("last place", "slots"):
        slug = drawn.make_case(case, open_campaign, draft)
        before = stored(slug)
        with monkeypatch.context() as patch:
            if broken == "last place":
                patch.setattr(undoable, "_last_place", lambda campaign: None)
            else:
                patch.setattr(slots, "remove_surplus_slots", lambda slug: None)
            drawn.attempt_of(slug, case).run()
            undo.undo_verb(newest(slug).pk, actor="bob")
        assert stored(slug) != before, broken


def offered_changes() -> list[str]:
    return [offer.change for offer in undo_offers.offered_undos(Campaign.objects.get())]


@pytest.fixture
def paused(open_campaign: CampaignMaker) -> Undoable:
    open_campaign("sale")
    lifecycle.pause_campaign("sale", actor="ann", reason="load")
    return newest("sale")


def test_an_undo_is_offered_for_ten_minutes_by_the_database_s_clock(paused: Undoable) -> None:
    (offer,) = undo_offers.offered_undos(Campaign.objects.get())
    assert (offer.verb, offer.actor) == (UndoableVerb.PAUSE, "ann")
    assert offer.change == "paused → scheduled"
    assert 590 <= offer.left_s <= 600
    Undoable.objects.update(at=F("at") - timedelta(minutes=10, seconds=1))
    assert offered_changes() == []
    with pytest.raises(Refused, match="for 10 minutes only"):
        undo.undo_verb(paused.pk, actor="bob")
    assert Campaign.objects.get().state == "paused"


def test_the_second_undo_is_refused(paused: Undoable) -> None:
    undo.undo_verb(paused.pk, actor="bob", reason="the load is over")
    assert Campaign.objects.get().state == "scheduled"
    with pytest.raises(Refused, match="bob has undone it already"):
        undo.undo_verb(paused.pk, actor="jun")
    assert offered_changes() == []
    kinds = Campaign.objects.get().events.values_list("kind", flat=True)
    assert list(kinds)[:2] == ["undone", "paused"]


def test_a_pause_that_was_resumed_is_not_undone(paused: Undoable) -> None:
    lifecycle.resume_campaign("sale", actor="bob")
    assert offered_changes() == []
    with pytest.raises(Refused):
        undo.undo_verb(paused.pk, actor="ann")
    lifecycle.pause_campaign("sale", actor="jun")
    with pytest.raises(Refused, match="done again since"):
        undo.undo_verb(paused.pk, actor="ann")
    assert Campaign.objects.get().state == "paused"


def test_a_raised_stock_comes_back_unless_a_place_of_it_was_given(
    open_campaign: CampaignMaker, fake_broker: Broker, strategy: str
) -> None:
    sale = open_campaign("sale", stock=1, strategy=strategy)
    strategies.admit(sale, Claim("ann"))
    lifecycle.change_stock("sale", stock=3, actor="mina")
    first = newest("sale")
    undo.undo_verb(first.pk, actor="mina")
    assert Campaign.objects.get().stock == drawn.count_slots("sale") == 1
    lifecycle.change_stock("sale", stock=3, actor="mina")
    assert offered_changes() == ["3 → 1"]
    assert strategies.admit(sale, Claim("bob")).outcome is Outcome.ADMITTED
    assert offered_changes() == []
    with pytest.raises(StockBelowAdmitted, match="has admitted 2 claims already"):
        undo.undo_verb(newest("sale").pk, actor="mina")
    assert Campaign.objects.get().stock == 3


def test_a_stock_that_was_set_again_is_not_undone(open_campaign: CampaignMaker) -> None:
    open_campaign("sale", stock=5)
    lifecycle.change_stock("sale", stock=9, actor="mina")
    raised = newest("sale")
    assert offered_changes() == ["9 → 5"]
    lifecycle.change_stock("sale", stock=7, actor="jun")
    assert offered_changes() == []
    with pytest.raises(Refused, match="changed again since"):
        undo.undo_verb(raised.pk, actor="mina")
    assert Campaign.objects.get().stock == store().campaigns.gate("sale").stock == 7


def _granted_job(slug: str, users: list[str]) -> Job:
    job = drawn.make_job(slug, drawn.Drawn("grants", "queued", "open", False, 1, 0, 0, 0, 0, 1))
    Job.objects.filter(pk=job.pk).update(kind=Job.Kind.GRANTS, lines=len(users))
    JobLine.objects.filter(job=job).delete()
    for number, user in enumerate(users, 1):
        JobLine.objects.create(job=job, line=number, data={"user": user})
    job.refresh_from_db()
    while jobs.run_batch(job):
        pass
    return job


def test_while_redis_is_away_no_raise_is_offered(
    open_campaign: CampaignMaker, redis_away: Callable[[], None]
) -> None:
    open_campaign("sale", stock=5, strategy="queued")
    lifecycle.change_stock("sale", stock=9, actor="mina")
    redis_away()
    assert offered_changes() == []


@pytest.mark.django_db(transaction=True)
def test_granted_coupons_are_taken_back_if_nobody_uses_them(
    open_campaign: CampaignMaker, fake_broker: Broker, strategy: str
) -> None:
    open_campaign("sale", strategy=strategy)
    _granted_job("sale", ["ann", "bob"])
    granted = newest("sale")
    if strategy == "queued":
        with pytest.raises(Refused, match="Not all of its coupons are stored yet"):
            undo.undo_verb(granted.pk, actor="mina")
        drain.drain("sale", consumer="test")
    ann = Coupon.objects.get(user="ann")
    coupon_life.extend_coupon(
        ann.pk, ann.expires_at + timedelta(days=1), actor=drawn.OPERATOR, reason="test"
    )
    undo.undo_verb(granted.pk, actor="mina", reason="the wrong list")
    states = dict(Coupon.objects.values_list("user", "life__state"))
    assert states == {"ann": "revoked", "bob": "revoked"}
    data = Campaign.objects.get().events.latest("pk").data or {}
    assert (data["verb"], data["count"], data["kept"]) == ("grants", 2, 0)
