"""Creating and editing a campaign: only permitted changes, made by the functions of `lifecycle`."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from coupons.campaigns import lifecycle
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.models import Campaign, Merchant

ADD = "/admin/coupons/campaign/add/"
CampaignMaker = Callable[..., CampaignSnapshot]
Page = Callable[..., str]

FILLED = {
    "slug": "autumn",
    "name": "가을 세일",
    "strategy": "queued",
    "stock": "100",
    "per_user": "1",
    "audience": "",
    "opens_at": "2099-12-01T12:00:00.250",
    "closes_at": "2099-12-01T12:10",
    "discount": "percent",
    "discount_value": "10",
    "currency": "KRW",
    "minimum_order": "0",
    "discount_cap": "",
    "valid_until": "",
    "valid_days": "30",
}


def form_fields(client: Client, address: str) -> dict[str, str]:
    """The fields that a browser would send if nothing is edited, with the hidden inputs."""
    form = client.get(address).context["adminform"].form
    html = unescape("".join(str(bound) for bound in form))
    found = dict.fromkeys(form.fields, "")
    for tag in re.findall(r"<input[^>]*>", html):
        attributes = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        found[attributes["name"]] = attributes.get("value", "")
    found |= {name: str(form[name].value() or "") for name, field in form.fields.items()
              if hasattr(field, "choices")}  # fmt: skip
    return found


def form_errors(answer: Any) -> str:
    """All errors of the form in the response."""
    assert answer.status_code == 200, f"answered {answer.status_code}: the form was accepted"
    form = answer.context["adminform"].form
    return " ".join(text for texts in form.errors.values() for text in texts)


def test_a_new_campaign_is_a_draft_noted_with_its_maker(operator_client: Client) -> None:
    answer = operator_client.post(ADD, FILLED)
    assert answer.status_code == 302, form_errors(answer)
    draft = Campaign.objects.get(slug="autumn")
    assert (draft.state, draft.name, draft.stock) == ("draft", "가을 세일", 100)
    assert [(event.actor, event.kind) for event in draft.events.all()] == [("mina", "created")]


def test_a_draft_whose_window_is_past_is_saved_with_a_warning_at_the_field(
    operator_client: Client, campaign_url: Callable[..., str]
) -> None:
    past = {"opens_at": "2020-12-01T12:00", "closes_at": "2020-12-01T12:10"}
    saved = operator_client.post(ADD, FILLED | past | {"_continue": "yes"}, follow=True)
    assert Campaign.objects.filter(slug="autumn").exists()
    told = [str(one) for one in saved.context["messages"] if one.level_tag == "warning"]
    assert len(told) == 2
    fields = saved.context["adminform"].form.fields
    assert "The opening is in the past." in fields["opens_at"].help_text
    assert "The end is in the past" in fields["closes_at"].help_text
    again = operator_client.post(ADD, FILLED | {"slug": "ahead", "_continue": "yes"}, follow=True)
    assert "in the past" not in again.content.decode()


def test_what_follows_the_claim_is_chosen_in_a_draft_and_then_fixed(
    operator_client: Client, campaign_url: Callable[..., str]
) -> None:
    merchant = Merchant.objects.create(slug="books", name="Books")
    chosen = {
        "merchant": str(merchant.pk), "rounding": "10", "zone": "Europe/Paris",
        "returns_to": "waitlist", "expiry_returns": "on", "revives_days": "7",
        "may_give_back": "on", "waitlist_limit": "50", "offer_hours": "24",
    }  # fmt: skip
    wrong = operator_client.post(ADD, FILLED | chosen | {"offer_hours": "3", "zone": "Mars"})
    errors = form_errors(wrong)
    assert "24 hours" in errors
    assert "Mars" in errors
    answer = operator_client.post(ADD, FILLED | chosen)
    assert answer.status_code == 302, form_errors(answer)
    saved = Campaign.objects.filter(slug="autumn").values(*chosen).get()
    assert {name: str(value) for name, value in saved.items()} == {
        **chosen, "expiry_returns": "True", "may_give_back": "True",
    }  # fmt: skip
    lifecycle.schedule_campaign("autumn", actor="mina")
    page = operator_client.get(campaign_url("autumn"))
    assert not page.context["adminform"].form.fields.keys() & chosen.keys()


def test_the_announcement_is_chosen_in_a_draft_and_then_fixed(
    operator_client: Client, campaign_url: Callable[..., str]
) -> None:
    late = operator_client.post(ADD, FILLED | {"announced_at": "2100-01-01T00:00"})
    assert "announced before it opens" in form_errors(late)
    chosen = {"announced_at": "2026-01-02T03:04", "is_listed": ""}
    answer = operator_client.post(ADD, FILLED | chosen)
    assert answer.status_code == 302, form_errors(answer)
    campaign = Campaign.objects.get(slug="autumn")
    assert campaign.announced_at is not None
    assert not campaign.is_listed
    lifecycle.schedule_campaign("autumn", actor="mina")
    page = operator_client.get(campaign_url("autumn"))
    assert not page.context["adminform"].form.fields.keys() & chosen.keys()
    assert "2026-01-02 03:04:00.000" in page.content.decode()


@pytest.mark.parametrize("value", ["", "zz", "2099-12-01T12:00", "1", "0001-01-01T00:00Z", "\x00"])
def test_an_address_may_fill_in_a_new_campaign(operator_client: Client, value: str) -> None:
    """From the query of a bookmark: `add/?stock=100&opens_at=2099-12-01T12:00`."""
    answer = operator_client.get(ADD, dict.fromkeys([*FILLED, "confirmed", "nothing"], value))
    assert answer.status_code == 200
    if value.startswith("2099"):
        assert 'value="2099-12-01T12:00"' in answer.content.decode()


def test_it_keeps_the_millisecond_typed_in_local_time(operator_client: Client) -> None:
    operator_client.post(ADD, FILLED)
    opens_at = Campaign.objects.get(slug="autumn").opens_at
    assert opens_at.isoformat() == "2099-12-01T03:00:00.250000+00:00"


def test_saving_a_draft_untouched_changes_no_moment(
    operator_client: Client, campaign_url: Page, draft: Callable[..., Campaign]
) -> None:
    before = draft(
        "sale", opens_at="2099-12-01T03:00:00.250Z", closes_at="2099-12-01T03:10:00.999Z"
    )
    before.refresh_from_db()
    address = campaign_url("sale")
    assert operator_client.post(address, form_fields(operator_client, address)).status_code == 302
    after = Campaign.objects.get(slug="sale")
    assert (after.opens_at, after.closes_at) == (before.opens_at, before.closes_at)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"slug": "Not a slug"}, "a-z, 0-9 and hyphens"),
        ({"slug": "a" * 65}, "at most 64"),
        ({"stock": "0"}, "greater than or equal to 1"),
        ({"stock": "-3"}, "greater than or equal to"),
        ({"stock": "99999999999999999999"}, "less than or equal to"),
        ({"stock": "many"}, "whole number"),
        ({"opens_at": "tomorrow"}, "valid date/time"),
        ({"opens_at": "2099-12-01T13:00"}, "must close after it opens"),
        ({"valid_until": "2099-12-31T00:00"}, "give one of both"),
        ({"currency": "won"}, "Give three capital letters, as ISO 4217 has them: KRW."),
        ({"per_user": "101"}, "less than or equal to 100"),
        ({"valid_days": ""}, "give one of both"),
        ({"discount_value": "1e99"}, "digits"),
        ({"discount_value": "0"}, "more than nothing"),
        ({"discount_value": "100.01"}, "more than 100 percent"),
        ({"minimum_order": "-1"}, "can't be negative"),
    ],
)
def test_it_refuses_what_makes_no_campaign(
    operator_client: Client, changes: dict[str, str], sentence: str
) -> None:
    assert sentence in form_errors(operator_client.post(ADD, FILLED | changes))
    assert not Campaign.objects.exists()


def test_a_draft_may_change_in_everything(
    operator_client: Client, campaign_url: Page, draft: Callable[..., Campaign]
) -> None:
    draft("sale")
    typed = form_fields(operator_client, campaign_url("sale")) | {
        "slug": "winter",
        "per_user": "3",
        "stock": "7",
    }
    assert operator_client.post(campaign_url("sale"), typed).status_code == 302
    changed = Campaign.objects.get()
    assert (changed.slug, changed.per_user, changed.stock) == ("winter", 3, 7)


def test_an_onlooker_sees_the_milliseconds_and_saves_nothing(
    read_only_client: Client, campaign_url: Page, draft: Callable[..., Campaign]
) -> None:
    soon = timezone.now().replace(microsecond=123000) + timedelta(days=1)
    draft("sale", opens_at=soon, closes_at=soon + timedelta(hours=1))
    answer = read_only_client.get(campaign_url("sale"))
    assert f":{soon.second:02}.123 " in answer.content.decode()
    assert 'name="_save"' not in answer.content.decode()
    assert read_only_client.post(campaign_url("sale"), FILLED).status_code == 403
    assert Campaign.objects.get().name == "The sale"


def test_amounts_are_shown_without_decimals_that_nobody_typed(
    operator_client: Client, campaign_url: Page, draft: Callable[..., Campaign]
) -> None:
    terms = {"discount": "amount", "discount_value": 3000, "minimum_order": 30_000}
    draft("sale", **terms)
    shown = form_fields(operator_client, campaign_url("sale"))
    assert (shown["discount_value"], shown["minimum_order"]) == ("3000", "30000")
    lifecycle.schedule_campaign("sale", actor="Mina")
    text = operator_client.get(campaign_url("sale")).content.decode()
    assert ">3,000 KRW<" in text
    assert ">30,000 KRW<" in text
    draft("dollars", currency="USD", discount="amount", discount_value="9.5", minimum_order="99.99")
    shown = form_fields(operator_client, campaign_url("dollars"))
    assert (shown["discount_value"], shown["minimum_order"]) == ("9.5", "99.99")


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("stock", 1, 10_000_000), ("per_user", 1, 100), ("valid_days", 1, 36_500)],
)
def test_form_message_and_model_have_the_same_bounds(
    operator_client: Client, name: str, low: int, high: int
) -> None:
    page = operator_client.get(ADD).content.decode()
    shown = re.search(rf'<input type="number" name="{name}"[^>]*>', page)
    assert shown and f'min="{low}"' in shown[0] and f'max="{high}"' in shown[0]
    for wrong, bound in ((-1, low), (0, low), (high + 1, high)):
        messages = (
            operator_client.post(ADD, FILLED | {name: str(wrong)})
            .context["adminform"]
            .form.errors[name]
        )
        assert len(messages) == 1 and str(bound) in messages[0].replace(",", ""), messages
