"""Complaints 51 to 57: the waitlist."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from coupons.errors import StockGivenOn
from coupons.grants import returns, waitlist, waitlist_turns
from coupons.models import Coupon, Returned, WaitlistEntry
from tests.coupons.grants.conftest import Sale, sold_out  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db(transaction=True)

Make = Callable[..., Sale]


def test_complaint_51_a_coupon_that_was_given_on_neither_revives_nor_blocks_stock(
    sold_out: Make,  # noqa: F811
) -> None:
    sale = sold_out()
    sale.join("jun")
    sale.revoke("ann")
    assert returns.give_on_returned("sale") == 1
    with pytest.raises(StockGivenOn):
        sale.undo("ann")
    sale.revoke("jun" if "jun" in sale.store() else "bob")
    assert Returned.objects.get().returned == 2
    assert returns.check_returned("sale").faults == []


def test_complaint_53_why_nobody_was_served_is_written_at_the_entry(
    sold_out: Make,  # noqa: F811
) -> None:
    soon = timezone.now() + timedelta(minutes=50)
    sale = sold_out(closes_at=soon, valid_until=soon + timedelta(minutes=1), valid_days=None)
    sale.join("jun")
    sale.revoke("ann")
    returns.give_on_everywhere()
    entry = WaitlistEntry.objects.get()
    assert (entry.state, entry.reason) == ("skipped", waitlist_turns.NO_TIME_LEFT)


def test_complaint_54_the_first_on_the_list_is_served_first(
    sold_out: Make,  # noqa: F811
) -> None:
    sale = sold_out()
    assert sale.join("jun", "mina", "carl") == [1, 2, 3]
    served = []
    for user in ("ann", "bob"):
        sale.revoke(user)
        returns.give_on_everywhere()
        served += [
            row.user
            for row in WaitlistEntry.objects.filter(state="served")
            if row.user not in served
        ]
    assert served == ["jun", "mina"]


def test_complaint_56_a_user_waits_once(sold_out: Make) -> None:  # noqa: F811
    sale = sold_out()
    assert sale.join("jun", "jun", "jun") == [1, 1, 1]
    returns.give_on_everywhere()
    assert WaitlistEntry.objects.count() == 1


def test_complaint_57_the_coupon_itself_is_sent_not_a_link_to_a_claim(
    sold_out: Make,  # noqa: F811
) -> None:
    """Served at once: nobody has to do anything in time, nobody has to send a mail by hand."""
    sale = sold_out()
    sale.join("jun")
    sale.revoke("ann")
    returns.give_on_everywhere()
    assert "jun" in sale.store()
    assert Coupon.objects.get(user="jun").code
    assert waitlist.find_standing(sale.campaign, "jun").entry.place == 3
