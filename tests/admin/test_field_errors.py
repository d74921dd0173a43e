"""Refusals that concern several fields, or that come from the stores, are shown at their field."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from coupons.admission import strategies
from coupons.campaigns import confirmations
from coupons.claims.values import Claim
from coupons.models import Campaign
from tests.admin.test_form import ADD, FILLED, CampaignMaker, Page, form_fields

BOTH = {"valid_until", "valid_days"}
AMOUNT = {"discount": "amount", "discount_value": "5000", "minimum_order": "20000"}


def fields_of(answer: Any) -> dict[str, list[str]]:
    """The texts by field; `__all__`: above the form."""
    assert answer.status_code == 200, answer.status_code
    errors = answer.context["adminform"].form.errors
    page = answer.content.decode()
    for name in errors.keys() - {"__all__"}:
        assert f'id="id_{name}_error"' in page
    return dict(errors)


@pytest.mark.parametrize(("changes", "fields"), [
    ({"opens_at": "2099-12-01T13:00"}, {"closes_at"}),
    ({"announced_at": "2099-12-01T12:01"}, {"announced_at"}),
    ({"valid_days": ""}, BOTH),
    ({"valid_until": "2099-12-31T00:00"}, BOTH),
    ({"valid_until": "2099-12-01T12:00", "valid_days": ""}, {"valid_until"}),
    ({"opens_at": "2199-12-01T12:00", "closes_at": "2199-12-02T12:00", "valid_days": "100"},
     {"valid_days"}),
    (AMOUNT | {"discount_value": "500000"}, {"discount_value"}),
    (AMOUNT | {"discount_cap": "5000"}, {"discount_cap"}),
    (AMOUNT | {"discount_value": "5000.5"}, {"discount_value"}),
    ({"discount_value": "101", "minimum_order": "-1", "offer_hours": "3"},
     {"discount_value", "minimum_order", "offer_hours"}),
])  # fmt: skip
def test_each_rule_across_fields_is_shown_at_its_field(
    operator_client: Client, changes: dict[str, str], fields: set[str]
) -> None:
    found = fields_of(operator_client.post(ADD, FILLED | changes))
    assert found.keys() == fields
    assert not Campaign.objects.exists()


def test_a_slug_taken_meanwhile_is_shown_at_the_slug(
    operator_client: Client, draft: Callable[..., Campaign], monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(*given: Any) -> None:
        """After the check, before the save."""
        monkeypatch.undo()
        draft("autumn")

    monkeypatch.setattr(confirmations, "ask_about_terms", taken)
    found = fields_of(operator_client.post(ADD, FILLED))
    assert found == {"slug": ["A campaign with this slug already exists."]}


def test_a_stock_below_what_was_given_is_shown_at_the_stock(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    sale = open_campaign("sale", stock=10)
    for user in ("ann", "bob"):
        strategies.admit(sale, Claim(user))
    typed = form_fields(operator_client, campaign_url("sale")) | {"stock": "1"}
    assert fields_of(operator_client.post(campaign_url("sale"), typed)).keys() == {"stock"}


def test_an_opening_that_has_been_is_shown_at_the_opening(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale")
    window = {"opens_at": "2098-12-01T12:00", "closes_at": "2099-12-01T12:00"}
    typed = form_fields(operator_client, campaign_url("sale")) | window
    assert fields_of(operator_client.post(campaign_url("sale"), typed)).keys() == {"opens_at"}


def test_a_closing_beyond_the_coupons_fixed_end_is_shown_at_the_closing(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    """The end itself can't be changed any more, so its field is not in the form."""
    sale = open_campaign("sale", valid_days=None, valid_until="2098-01-01T00:00Z")
    before = Campaign.objects.get(pk=sale.id).closes_at
    typed = form_fields(operator_client, campaign_url("sale")) | {"closes_at": "2099-12-01T12:00"}
    found = fields_of(operator_client.post(campaign_url("sale"), typed))
    assert found.keys() == {"closes_at"}
    assert "valid for longer" in found["closes_at"][0]
    assert Campaign.objects.get().closes_at - before == timedelta(0)
