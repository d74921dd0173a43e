"""The admin's list of those who wait."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from coupons.models import Campaign, WaitlistEntry
from tests.admin.test_form import Page, form_fields
from tests.admin.test_verbs import page_text
from tests.conftest import CampaignMaker

LIST = "/admin/coupons/waitlistentry/"


@pytest.fixture
def waiting(open_campaign: CampaignMaker) -> None:
    for slug in ("sale", "other"):
        open_campaign(slug, returns_to="waitlist", waitlist_limit=5)
        for number, user in enumerate(("ann", "bob"), 1):
            WaitlistEntry.objects.create(
                campaign=Campaign.objects.get(slug=slug),
                user=f"{user}-{slug}",
                number=number,
                asked_at=timezone.now(),
                state="skipped" if user == "ann" else "waiting",
                reason="offer_lapsed" if user == "ann" else "",
            )


def test_it_is_in_order_and_says_why_one_was_skipped(waiting: None, admin_client: Client) -> None:
    page = admin_client.get(LIST, {"q": "sale"}).content.decode()
    assert page.index("ann-sale") < page.index("bob-sale")
    assert "did not accept the offer in time" in page
    assert "other" not in page.partition("result_list")[2].partition("</table>")[0]


def test_it_takes_a_fixed_number_of_queries(
    waiting: None, admin_client: Client, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(9):
        assert admin_client.get(LIST).status_code == 200


def test_nothing_can_be_changed(waiting: None, admin_client: Client) -> None:
    entry = WaitlistEntry.objects.first()
    assert entry is not None
    assert admin_client.get(f"{LIST}{entry.pk}/change/").status_code == 200
    assert admin_client.post(f"{LIST}{entry.pk}/change/", {"number": 9}).status_code == 403
    assert admin_client.post(f"{LIST}{entry.pk}/delete/", {"post": "yes"}).status_code == 403
    assert admin_client.get(f"{LIST}add/").status_code == 403


def test_a_raised_stock_says_what_it_means_for_those_who_wait(
    waiting: None, operator_client: Client, campaign_url: Page
) -> None:
    form = form_fields(operator_client, campaign_url("sale"))
    shown = operator_client.post(campaign_url("sale"), form | {"stock": "20"}, follow=True)
    assert "1 user waits on the waitlist: new stock is open to everybody" in page_text(shown)
