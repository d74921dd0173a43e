"""Stock that comes back is given on once, to whom the campaign says, and never twice."""

from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command

from coupons import store
from coupons.campaigns import update
from coupons.errors import StockGivenOn
from coupons.grants import returns
from coupons.models import Campaign, CampaignEvent, Returned
from coupons.observability import grant_metrics
from coupons.recovery import reconcile
from tests.coupons.grants.conftest import Sale

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]


def test_burnt_stock_stays_away(sold_out: Callable[..., Sale], strategy: str) -> None:
    sale = sold_out(returns_to="burn", strategy=strategy)
    sale.revoke("ann")
    assert returns.give_on_returned("sale") == 0
    returns.give_on_everywhere()
    assert sale.claim("jun") == [0]
    assert returns.check_returned("sale").faults == []
    sale.undo("ann")


def test_the_pool_gives_it_to_whoever_claims_first(
    sold_out: Callable[..., Sale], strategy: str
) -> None:
    sale = sold_out(returns_to="pool", strategy=strategy)
    sale.revoke("ann", "bob")
    assert returns.give_on_returned("sale") == 2
    assert returns.give_on_returned("sale") == 0
    assert sale.claim("jun", "mina", "late") == [3, 4, 0]
    assert sale.claim("ann") == [1]  # keeps the place, and gets no other
    assert sale.store() == {"ann": 1, "bob": 2, "jun": 3, "mina": 4}
    row = Returned.objects.get()
    assert (row.returned, row.given_on, Campaign.objects.get().stock) == (2, 2, 4)
    check = returns.check_returned("sale")
    assert (check.faults, check.promised, check.usable) == ([], 2, 2)
    assert CampaignEvent.objects.get(kind="given_on").data == {"count": 2, "to": "pool"}


def test_what_was_given_on_can_not_be_taken_back(sold_out: Callable[..., Sale]) -> None:
    sale = sold_out(returns_to="pool")
    sale.revoke("ann", "bob")
    sale.undo("bob")  # in time: nothing of it was given on
    assert returns.give_on_returned("sale") == 1
    with pytest.raises(StockGivenOn):
        sale.undo("ann")
    assert sale.claim("jun", "late") == [3, 0]
    sale.store()
    assert returns.check_returned("sale").faults == []


def test_a_process_that_dies_after_its_commit_leaves_it_to_the_next_round(
    sold_out: Callable[..., Sale], monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = sold_out(returns_to="pool")
    sale.revoke("ann")
    with monkeypatch.context() as dead:
        dead.setattr(update, "copy_definition", lambda slug: None)
        returns.give_on_returned("sale")
    assert sale.claim("early") == [0]  # Redis does not know yet: too few, never too many
    returns.give_on_everywhere()
    assert sale.claim("jun", "late") == [3, 0]
    assert store.store().campaigns.gate("sale").stock == Campaign.objects.get().stock == 3


def test_the_check_reports_what_is_wrong(sold_out: Callable[..., Sale]) -> None:
    sale = sold_out(returns_to="pool")
    sale.revoke("ann")
    Campaign.objects.update(stock=3)
    update.copy_definition("sale")  # raised, and not counted as given on
    sale.claim("jun", "mina")
    sale.store()
    Returned.objects.update(returned=3, given_on=2)
    assert returns.check_returned("sale").faults == [
        "returned units are not those of returned coupons",
        "more coupons may be used than were promised",
    ]


def test_reconcile_finds_nothing_wrong_after_all_this(sold_out: Callable[..., Sale]) -> None:
    sale = sold_out(returns_to="pool")
    sale.revoke("ann")
    returns.give_on_returned("sale")
    sale.claim("jun")
    sale.store()
    assert reconcile.reconcile_campaigns() == []
    assert reconcile.compare_campaign("sale").left == 0


def test_what_two_checks_have_found_is_reported(
    sold_out: Callable[..., Sale], caplog: pytest.LogCaptureFixture
) -> None:
    sale = sold_out(returns_to="pool")
    sale.revoke("ann")
    gauge = grant_metrics.RETURNED_FAULTS.labels("sale")._value
    returns.watch_returned()
    returns.watch_returned()
    assert gauge.get() == 0
    Returned.objects.update(returned=2)
    returns.watch_returned()
    assert gauge.get() == 0  # it may have looked between two steps
    returns.watch_returned()
    assert gauge.get() == 1
    assert "returned units are not those of returned coupons" in caplog.text
    with pytest.raises(CommandError, match="Not in order: sale"):
        call_command("reconcile", "sale")
