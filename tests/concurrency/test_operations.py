"""Two operators at one moment: two approvals, two undos, an undo and a claim. Each in a thread with
its own connection; a control without the protection."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import connection

from coupons.admission import strategies
from coupons.campaigns import lifecycle
from coupons.claims.values import Claim, Outcome
from coupons.errors import CouponError
from coupons.models import ApprovalRequest, Campaign, RequestState, Undoable
from coupons.operations import approvals, undo
from coupons.store import store
from tests.conftest import CampaignMaker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Run all at one moment; for each its result, or its refusal's code."""
    start, results = threading.Barrier(len(works)), [None] * len(works)

    def run(at: int) -> None:
        start.wait()
        try:
            works[at]()
            results[at] = "done"  # type: ignore[call-overload]
        except CouponError as refusal:
            results[at] = refusal.code  # type: ignore[call-overload]
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(at,)) for at in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.fixture(autouse=True)
def on_mysql() -> None:
    if connection.vendor != "mysql":
        pytest.skip("SQLite has no row locks")


def test_of_two_approvals_at_one_moment_one_closes(open_campaign: CampaignMaker) -> None:
    for number in range(5):
        slug = f"sale-{number}"
        open_campaign(slug)
        asked = approvals.ask_close(slug, actor="ann", reason="over")
        results = at_once(
            partial(approvals.approve_request, asked.pk, approver="bob"),
            partial(approvals.approve_request, asked.pk, approver="jun"),
        )
        assert sorted(results) == ["done", "refused"]
        events = Campaign.objects.get(slug=slug).events
        assert events.filter(kind="approved").count() == events.filter(kind="closed").count() == 1
        assert ApprovalRequest.objects.get(pk=asked.pk).state == RequestState.APPROVED


def test_of_two_undos_at_one_moment_one_is_done(open_campaign: CampaignMaker) -> None:
    for number in range(5):
        slug = f"sale-{number}"
        open_campaign(slug, stock=5)
        lifecycle.change_stock(slug, stock=8, actor="ann")
        pk = Undoable.objects.latest("pk").pk
        results = at_once(
            partial(undo.undo_verb, pk, actor="bob"),
            partial(undo.undo_verb, pk, actor="jun"),
        )
        assert sorted(results) == ["done", "refused"]
        assert Campaign.objects.get(slug=slug).stock == store().campaigns.gate(slug).stock == 5


def test_without_the_row_lock_both_would_be_done(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: both read that the raise is open; the units would be taken back twice."""
    open_campaign("sale", stock=5)
    lifecycle.change_stock("sale", stock=8, actor="ann")
    row = Undoable.objects.select_related("campaign").get()
    monkeypatch.setattr(undo, "_lock_open", lambda pk: row)
    monkeypatch.setattr(undo, "_mark_undone", lambda row, actor: None)
    results = at_once(
        lambda: undo.undo_verb(row.pk, actor="bob"), lambda: undo.undo_verb(row.pk, actor="jun")
    )
    assert results == ["done", "done"]
    assert Campaign.objects.get().stock == 2


def test_an_undo_and_a_claim_of_the_raised_stock_never_both(open_campaign: CampaignMaker) -> None:
    seen = set()
    for number in range(12):
        slug = f"sale-{number}"
        sale = open_campaign(slug, stock=1)
        strategies.admit(sale, Claim("ann"))
        lifecycle.change_stock(slug, stock=2, actor="mina")
        pk = Undoable.objects.latest("pk").pk
        outcomes: list[Any] = []

        def claim(sale: Any = sale, outcomes: list[Any] = outcomes) -> None:
            outcomes.append(strategies.admit(sale, Claim("bob")).outcome)

        undone, _claimed = at_once(partial(undo.undo_verb, pk, actor="mina"), claim)
        gate, row = store().campaigns.gate(slug), Campaign.objects.get(slug=slug)
        assert gate.admitted <= gate.stock == row.stock
        admitted = outcomes == [Outcome.ADMITTED]
        assert (undone, admitted) in {("done", False), ("stock_below_admitted", True)}
        seen.add(admitted)
    print(f"claims first: {seen}")
