"""12.13, 12.22: a value that is allowed but seldom intended needs a confirmation; once confirmed it
is saved."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from coupons.campaigns import confirmations
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.models import Campaign
from coupons.store import store
from tests.admin.test_form import ADD, FILLED, Page, form_errors, form_fields
from tests.admin.test_verbs import LIST, campaign_state, page_text, run_action

CampaignMaker = Callable[..., CampaignSnapshot]
Drafts = Callable[..., Campaign]

FIXED = {"discount": "amount", "discount_value": "5000"}
DOUBTFUL = [
    (FIXED | {"minimum_order": "4000"}, "more than the minimum order", "free_orders"),
    (FIXED | {"minimum_order": "0"}, "more than the minimum order", "free_orders"),
    ({"discount_value": "100"}, "every order will cost nothing", "free_orders"),
    (
        {"discount_value": "50", "minimum_order": "100000", "discount_cap": "100"},
        "every order will get the same amount",
        "cap_always_reached",
    ),
    ({"waitlist_limit": "50", "returns_to": "burn"}, "will ever get a coupon", "waitlist_unserved"),
    ({"waitlist_limit": "50", "returns_to": "pool"}, "will ever get a coupon", "waitlist_unserved"),
]
CLEAR = [
    FIXED | {"minimum_order": "5000"},
    {"discount_value": "100", "discount_cap": "10000"},
    {"discount_value": "10", "minimum_order": "10000", "discount_cap": "1000"},
    {"waitlist_limit": "50", "returns_to": "waitlist"},
]


@pytest.mark.parametrize(("terms", "sentence", "code"), DOUBTFUL)
def test_unusual_terms_need_a_confirmation(
    operator_client: Client, terms: dict[str, str], sentence: str, code: str
) -> None:
    answer = operator_client.post(ADD, FILLED | terms)
    assert "Nothing was saved yet" in form_errors(answer)
    assert sentence in page_text(answer)
    box = re.search(r'<input type="checkbox" name="confirmed"[^>]*>', page_text(answer))
    assert box is not None
    assert f'value="{code}"' in box[0]
    assert "checked" not in box[0]
    assert not Campaign.objects.exists()
    assert operator_client.post(ADD, FILLED | terms | {"confirmed": code}).status_code == 302
    assert Campaign.objects.count() == 1


@pytest.mark.parametrize("terms", CLEAR)
def test_usual_terms_need_no_confirmation(operator_client: Client, terms: dict[str, str]) -> None:
    answer = operator_client.post(ADD, FILLED | terms)
    assert answer.status_code == 302, form_errors(answer)


def test_the_wrong_confirmation_confirms_nothing(operator_client: Client) -> None:
    typed = FILLED | FIXED | {"confirmed": ["opens_at_once", "yes"]}
    assert "Nothing was saved yet" in form_errors(operator_client.post(ADD, typed))


def test_confirmed_terms_need_no_second_confirmation(
    operator_client: Client, campaign_url: Page
) -> None:
    operator_client.post(ADD, FILLED | FIXED | {"confirmed": "free_orders"})
    typed = form_fields(operator_client, campaign_url("autumn")) | {"name": "Another name"}
    assert "confirmed" not in typed
    assert operator_client.post(campaign_url("autumn"), typed).status_code == 302
    again = form_fields(operator_client, campaign_url("autumn")) | {"discount_value": "6000"}
    assert "Nothing was saved yet" in form_errors(
        operator_client.post(campaign_url("autumn"), again)
    )


def test_12_22_an_opening_in_the_past_is_asked_about_before_it_opens(
    operator_client: Client, campaign_url: Page, draft: Drafts
) -> None:
    draft("sale", opens_at=timezone.now() - timedelta(hours=1))
    question = operator_client.post(campaign_url("sale", "do", "schedule"))
    assert "the campaign will open at once" in page_text(question)
    assert (campaign_state(), store().campaigns.gates(["sale"])) == ("draft", {"sale": None})
    found = dict(
        re.findall(r'<input type="hidden" name="(\w+)" value="(\w+)">', page_text(question))
    )
    done = operator_client.post(campaign_url("sale", "do", "schedule"), found, follow=True)
    assert ">sale is scheduled now." in page_text(done)
    assert campaign_state() == "scheduled"


def test_12_22_an_opening_ahead_is_scheduled_without_a_question(
    operator_client: Client, campaign_url: Page, draft: Drafts
) -> None:
    opens_at = timezone.now() + timedelta(hours=1)
    draft("sale", opens_at=opens_at, closes_at=opens_at + timedelta(hours=1))
    assert operator_client.post(campaign_url("sale", "do", "schedule")).status_code == 302
    assert campaign_state() == "scheduled"


def test_12_22_an_opening_in_this_minute_needs_no_confirmation(
    operator_client: Client, campaign_url: Page, draft: Drafts
) -> None:
    draft("sale", opens_at=timezone.now() - timedelta(seconds=20))
    assert operator_client.post(campaign_url("sale", "do", "schedule")).status_code == 302
    assert campaign_state() == "scheduled"


def test_12_22_from_the_list_only_those_that_would_open_at_once_are_asked_about(
    operator_client: Client, draft: Drafts
) -> None:
    opens_at = timezone.now() + timedelta(hours=1)
    draft("later", opens_at=opens_at, closes_at=opens_at + timedelta(hours=1))
    draft("now", opens_at=timezone.now() - timedelta(hours=1))
    question = run_action(operator_client, "schedule", "later", "now")
    assert "the campaign will open at once" in page_text(question)
    assert (campaign_state("later"), campaign_state("now")) == ("scheduled", "draft")
    chosen = re.findall(r'name="_selected_action" value="(\d+)"', page_text(question))
    assert chosen == [str(Campaign.objects.get(slug="now").pk)]
    run_action(operator_client, "schedule", "now", confirmed="opens_at_once")
    assert campaign_state("now") == "scheduled"


def test_12_22_a_closing_in_the_past_is_refused_and_not_asked_about(
    operator_client: Client, campaign_url: Page, draft: Drafts
) -> None:
    over = timezone.now() - timedelta(hours=1)
    draft("sale", opens_at=over - timedelta(hours=1), closes_at=over)
    answer = operator_client.post(campaign_url("sale", "do", "schedule"), follow=True)
    assert "sale would be closed already" in page_text(answer)


@pytest.mark.parametrize(
    ("moved", "sentence", "code"),
    [
        ({"opens_at": "2020-01-01T12:00"}, "will open at once", "opens_at_once"),
        (
            {"opens_at": "2020-01-01T12:00", "closes_at": "2020-01-01T13:00"},
            "will close at once, for good",
            "closes_at_once",
        ),
    ],
)
@pytest.mark.parametrize("stock", ["10", "20"])
def test_a_window_moved_to_the_past_is_asked_about(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker,
    moved: dict[str, str], sentence: str, code: str, stock: str,
) -> None:  # fmt: skip
    opens_at = timezone.now() + timedelta(hours=1)
    open_campaign("sale", opens_at=opens_at, closes_at=opens_at + timedelta(hours=1))
    typed = form_fields(operator_client, campaign_url("sale")) | moved | {"stock": stock}
    question = operator_client.post(campaign_url("sale"), typed)
    assert "Nothing was saved yet" in form_errors(question)
    assert sentence in page_text(question)
    assert Campaign.objects.get().opens_at == opens_at
    said = typed | {"confirmed": [code, "window_moved"]}
    assert operator_client.post(campaign_url("sale"), said).status_code == 302
    assert Campaign.objects.get().opens_at < opens_at


def test_moving_the_closing_does_not_ask_about_a_past_opening(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale")
    typed = form_fields(operator_client, campaign_url("sale")) | {"closes_at": "2099-12-01T12:00"}
    asked = page_text(operator_client.post(campaign_url("sale"), typed))
    assert re.findall(r'name="confirmed" value="(\w+)"', asked) == ["window_moved"]
    said = typed | {"confirmed": "window_moved"}
    assert operator_client.post(campaign_url("sale"), said).status_code == 302


def test_every_question_can_be_confirmed_and_is_known() -> None:
    assert {code for _, _, code in DOUBTFUL} | {
        "opens_at_once",
        "closes_at_once",
    } == confirmations.ALL


def test_questions_are_asked_in_korean(operator_client: Client) -> None:
    answer = operator_client.post(ADD, FILLED | FIXED, headers={"Accept-Language": "ko"})
    assert "소액 주문은 무료가 됩니다" in page_text(answer)
    assert operator_client.get(LIST).status_code == 200


def test_a_campaign_made_by_code_needs_no_confirmation(
    db: Any, open_campaign: CampaignMaker
) -> None:
    assert open_campaign("sale", discount_value=100).slug == "sale"
