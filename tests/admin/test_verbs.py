"""Schedule, open, pause, resume, close: as buttons and as actions on the list."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from coupons.admin.campaigns.commands import VERBS
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.errors import IllegalTransition
from coupons.models import Campaign
from coupons.store import store

LIST = "/admin/coupons/campaign/"
CampaignMaker = Callable[..., CampaignSnapshot]
Page = Callable[..., str]


def campaign_state(slug: str = "sale") -> str:
    return Campaign.objects.get(slug=slug).state


def page_text(answer: Any) -> str:
    body: str = answer.content.decode()
    return body


def run_action(client: Client, name: str, *slugs: str, **more: str) -> Any:
    chosen = [Campaign.objects.get(slug=slug).pk for slug in slugs]
    return client.post(
        LIST, {"action": name, "_selected_action": chosen, "index": "0", **more}, follow=True
    )


@pytest.fixture
def future_draft(draft: Callable[..., Campaign]) -> Callable[..., Campaign]:
    """A draft that opens in an hour."""

    def make_future_draft(slug: str = "sale") -> Campaign:
        opens_at = timezone.now() + timedelta(hours=1)
        return draft(slug, opens_at=opens_at, closes_at=opens_at + timedelta(hours=1))

    return make_future_draft


def test_the_buttons_take_a_campaign_through_its_life(
    operator_client: Client, campaign_url: Page, future_draft: Callable[..., Campaign]
) -> None:
    future_draft()
    for verb, expected in (
        ("schedule", "scheduled"), ("open", "open"), ("pause", "paused"), ("resume", "open"),
        ("close", "closed"),
    ):  # fmt: skip
        answer = operator_client.post(campaign_url("sale", "do", verb), follow=True)
        assert f">sale is {expected} now." in page_text(answer)
        assert campaign_state() == expected
    done = Campaign.objects.get().events.values_list("actor", "kind")
    assert list(done)[:5] == [
        ("mina", "closed"), ("mina", "resumed"), ("mina", "paused"), ("mina", "opened"),
        ("mina", "scheduled"),
    ]  # fmt: skip


def test_every_button_shown_works_and_no_other_would(
    operator_client: Client, campaign_url: Page, draft: Callable[..., Campaign]
) -> None:
    """In each state the page offers exactly the verbs that `lifecycle` allows."""
    roads = {
        "draft": (), "scheduled": ("schedule",), "open": ("schedule", "open"),
        "paused": ("schedule", "pause"), "closed": ("schedule", "close"),
    }  # fmt: skip
    opens_at = timezone.now() + timedelta(hours=1)
    for wanted, road in roads.items():
        for name, verb in VERBS.items():
            slug = f"{wanted}-{name}"
            draft(slug, opens_at=opens_at, closes_at=opens_at + timedelta(hours=1))
            for step in road:
                VERBS[step].call(slug, actor="Mina")
            assert campaign_state(slug) == wanted
            try:
                verb.call(slug, actor="Mina")
                allowed = True
            except IllegalTransition:
                allowed = False
            assert (wanted in verb.offered_in) == allowed, (wanted, name)


def test_a_page_shows_the_buttons_of_its_state(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale")
    shown = page_text(operator_client.get(campaign_url("sale")))
    for verb in ("pause", "close"):
        assert campaign_url("sale", "do", verb) in shown
    for verb in ("schedule", "resume"):
        assert campaign_url("sale", "do", verb) not in shown


def test_an_illegal_transition_is_a_sentence(
    operator_client: Client, campaign_url: Page, draft: Callable[..., Campaign]
) -> None:
    draft("sale")
    answer = operator_client.post(campaign_url("sale", "do", "pause"), follow=True)
    assert ">sale is draft: it can&#x27;t be paused." in page_text(answer)
    assert campaign_state() == "draft"


def test_without_redis_a_verb_is_refused_and_nothing_changes(
    operator_client: Client,
    campaign_url: Page,
    open_campaign: CampaignMaker,
    redis_away: Callable[[], None],
) -> None:
    open_campaign("sale")
    redis_away()
    answer = operator_client.post(campaign_url("sale", "do", "pause"), follow=True)
    assert "Redis did not answer" in page_text(answer)
    assert campaign_state() == "scheduled"


def test_a_verb_needs_a_post(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale")
    assert operator_client.get(campaign_url("sale", "do", "pause")).status_code == 302
    assert campaign_state() == "scheduled"


def test_a_verb_needs_a_csrf_token(campaign_url: Page, open_campaign: CampaignMaker) -> None:
    open_campaign("sale")
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(User.objects.create_superuser("mina"))
    assert browser.post(campaign_url("sale", "do", "pause")).status_code == 403
    assert campaign_state() == "scheduled"


def test_a_read_only_operator_has_no_buttons_and_no_rights(
    read_only_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale")
    assert campaign_url("sale", "do", "pause") not in page_text(
        read_only_client.get(campaign_url("sale"))
    )
    assert read_only_client.post(campaign_url("sale", "do", "pause")).status_code == 403
    run_action(read_only_client, "pause", "sale")
    assert campaign_state() == "scheduled"


def test_a_verb_that_does_not_exist_is_not_found(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale")
    assert operator_client.post(campaign_url("sale", "do", "explode")).status_code == 404


def test_an_action_says_for_each_campaign_what_came_of_it(
    operator_client: Client, open_campaign: CampaignMaker, draft: Callable[..., Campaign]
) -> None:
    open_campaign("autumn")
    draft("winter")
    page = page_text(run_action(operator_client, "pause", "autumn", "winter"))
    assert ">autumn is paused now." in page
    assert ">winter is draft: it can&#x27;t be paused." in page
    assert store().campaigns.gate("autumn").paused


@pytest.mark.parametrize("odd", ["zz", "", "9" * 30, "-1", "1\x00", "1.5", "٣"])
@pytest.mark.parametrize("name", ["pause", "close"])
def test_what_can_be_no_campaign_is_not_chosen(
    operator_client: Client, open_campaign: CampaignMaker, name: str, odd: str
) -> None:
    open_campaign("sale")
    alone = operator_client.post(LIST, {"action": name, "_selected_action": [odd]}, follow=True)
    assert alone.status_code == 200
    assert campaign_state() == "scheduled"
    chosen = [odd, Campaign.objects.get().pk]
    operator_client.post(LIST, {"action": "pause", "_selected_action": chosen}, follow=True)
    assert campaign_state() == "paused"


def test_closing_from_the_list_asks_once_more(
    operator_client: Client, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale")
    question = run_action(operator_client, "close", "sale")
    assert "a closed campaign can't be opened again" in page_text(question)
    assert campaign_state() == "scheduled"
    pk = Campaign.objects.get().pk
    operator_client.post(LIST, {"action": "close", "_selected_action": [pk], "confirmed": "yes"})
    assert campaign_state() == "closed"


def test_campaigns_cannot_be_deleted_from_the_list(
    operator_client: Client, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale")
    assert "delete_selected" not in page_text(operator_client.get(LIST))
    run_action(operator_client, "delete_selected", "sale", post="yes")
    assert Campaign.objects.count() == 1
