"""The terms in one sentence: on the page, and as JSON while one types."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from coupons.campaigns import lifecycle
from coupons.models import Campaign
from tests.admin.test_form import ADD, FILLED, Page

PREVIEW = "/admin/coupons/campaign/preview.json"
TERMS = {"discount": "percent", "discount_value": "15", "currency": "KRW",
         "minimum_order": "20000", "discount_cap": "5000"}  # fmt: skip
ENGLISH = "15% off, up to 5,000 KRW, from 20,000 KRW"
AMOUNT = {"discount": "amount", "discount_cap": ""}


def preview(client: Client, language: str = "en", **changes: Any) -> dict[str, Any]:
    answer = client.get(PREVIEW, TERMS | changes, headers={"Accept-Language": language})
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize(("language", "changes", "text"), [
    ("en", {}, ENGLISH),
    ("ko", {}, "15% 할인, 최대 5,000원, 20,000원 이상 주문 시"),
    ("en", {"discount_cap": "", "minimum_order": ""}, "15% off"),
    ("en", {"discount_value": "7.50", "discount_cap": "x"}, "7.5% off, from 20,000 KRW"),
    ("ko", AMOUNT | {"discount_value": "3000"}, "3,000원 할인, 20,000원 이상 주문 시"),
    ("en", AMOUNT | {"currency": "USD", "discount_value": "9.5", "minimum_order": "0"},
     "9.50 USD off"),
    ("en", {"valid_days": "7"}, f"{ENGLISH}, valid for 7 days"),
    ("en", {"valid_days": "1"}, f"{ENGLISH}, valid for 1 day"),
    ("ko", {"valid_days": "7"},
     "15% 할인, 최대 5,000원, 20,000원 이상 주문 시, 발급 후 7일간 사용 가능"),
    ("en", {"valid_until": "2099-12-31T23:59"}, f"{ENGLISH}, valid until 2099-12-31 23:59 KST"),
    ("ko", {"discount_cap": "", "minimum_order": "", "valid_until": "2099-12-31T23:59:59.5"},
     "15% 할인, 2099-12-31 23:59:59.500 KST까지 사용 가능"),
    ("en", {"valid_until": "soon", "valid_days": "-3"}, ENGLISH),
])  # fmt: skip
def test_what_is_typed_is_told_in_one_sentence(
    operator_client: Client, language: str, changes: dict[str, str], text: str
) -> None:
    assert preview(operator_client, language, **changes) == {"text": text, "is_fault": False}


@pytest.mark.parametrize(("changes", "sentence"), [
    ({"discount_value": "101"}, "A discount can't be more than 100 percent."),
    (AMOUNT | {"discount_value": "5.5"}, "Amounts in KRW have no decimals."),
    ({"discount": "amount", "discount_value": "3000"},
     "A fixed amount has no largest discount: leave it empty."),
    ({"valid_days": "7", "valid_until": "2099-12-31T23:59"},
     "Coupons are valid until a fixed end or for a number of days: give one of both."),
])  # fmt: skip
def test_terms_that_would_be_refused_are_told_with_their_reason(
    operator_client: Client, changes: dict[str, str], sentence: str
) -> None:
    assert preview(operator_client, **changes) == {"text": sentence, "is_fault": True}


@pytest.mark.parametrize("value", [
    "", "-", "many", "NaN", "sNaN", "Infinity", "1e999999999", "\x00", "9" * 5000,
])  # fmt: skip
@pytest.mark.parametrize("name", [*TERMS, "valid_days", "valid_until", "valid_until_shown"])
def test_what_cannot_be_read_is_no_failure(operator_client: Client, name: str, value: str) -> None:
    found = preview(operator_client, **{name: value})
    assert len(found["text"]) < 200
    if name == "discount" or (name in ("discount_value", "currency") and not value):
        assert found == {"text": "", "is_fault": False}
    elif name in ("discount_value", "currency"):
        assert found["is_fault"] is True


@pytest.mark.parametrize(("changes", "language", "start"), [
    ({"currency": "usd", "discount_value": "3.5"}, "en", "currency: "),
    ({"currency": "XYZ"}, "en", "currency: "),
    ({"discount_value": "3,5"}, "en", "discount: "),
    ({"discount_value": "3,5"}, "ko", "할인: "),
])  # fmt: skip
def test_terms_that_come_to_nothing_say_why(
    operator_client: Client, changes: dict[str, str], language: str, start: str
) -> None:
    found = preview(operator_client, language, **changes)
    assert found["is_fault"] is True
    assert found["text"].startswith(start) and len(found["text"]) > len(start) + 5


def test_the_page_has_the_sentence_of_what_it_shows(
    operator_client: Client, campaign_url: Page, draft: Callable[..., Campaign]
) -> None:
    """Without a script: of a new form, a refused one, a saved draft and a copy of it."""
    assert "<output>–</output>" in operator_client.get(ADD).content.decode()
    refused = operator_client.post(ADD, FILLED | TERMS | {"stock": "0"})
    for_a_month = f"<output>{ENGLISH}, valid for 30 days</output>"
    assert for_a_month in refused.content.decode()
    terms = {name: value for name, value in TERMS.items() if name != "currency"}
    saved = draft("sale", **terms)
    for address in (campaign_url("sale"), f"{ADD}?copy={saved.pk}"):
        assert for_a_month in operator_client.get(address).content.decode()
    Campaign.objects.update(valid_days=None, valid_until="2099-12-31T14:59:59.999Z")
    until = f"<output>{ENGLISH}, valid until 2099-12-31 23:59:59.999 KST</output>"
    assert until in operator_client.get(campaign_url("sale")).content.decode()
    Campaign.objects.update(valid_days=30, valid_until=None)
    lifecycle.schedule_campaign("sale", actor="Mina")
    assert "terms-preview" not in operator_client.get(campaign_url("sale")).content.decode()


def test_who_may_only_look_has_no_preview(read_only_client: Client) -> None:
    assert read_only_client.get(PREVIEW, TERMS).status_code == 403
