"""Schedule, open, pause, resume, close: as buttons and as actions on the list."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from coupons.admin.campaigns.commands import VERBS
from coupons.admin.formatting import exact_time
from coupons.campaigns import lifecycle
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.campaigns.terms_text import terms_line
from coupons.errors import IllegalTransition
from coupons.models import ApprovalRequest, Campaign
from coupons.operations.dry_runs import CAMPAIGN_VERBS
from coupons.store import store

LOAD = {"reason": "load"}
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
    ):  # fmt: skip
        answer = operator_client.post(campaign_url("sale", "do", verb), LOAD, follow=True)
        assert f">sale is {expected} now." in page_text(answer)
        assert campaign_state() == expected
    done = Campaign.objects.get().events.values_list("actor", "kind")
    assert list(done)[:4] == [
        ("mina", "resumed"), ("mina", "paused"), ("mina", "opened"), ("mina", "scheduled"),
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
                CAMPAIGN_VERBS[step](slug, actor="Mina")
            assert campaign_state(slug) == wanted
            try:
                CAMPAIGN_VERBS[name](slug, actor="Mina")
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
    answer = operator_client.post(campaign_url("sale", "do", "pause"), LOAD, follow=True)
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
    answer = operator_client.post(campaign_url("sale", "do", "pause"), LOAD, follow=True)
    assert "Redis did not answer" in page_text(answer)
    assert campaign_state() == "scheduled"


def test_a_verb_needs_a_post(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale")
    page = page_text(operator_client.get(campaign_url("sale", "do", "pause")))
    assert "No claim is admitted until it is resumed." in page
    assert 'name="reason" value="load"' in page
    assert campaign_state() == "scheduled"


def test_what_would_be_refused_has_no_button(
    operator_client: Client, campaign_url: Page, future_draft: Callable[..., Campaign]
) -> None:
    future_draft()
    for verb, button in (("schedule", ">Schedule</button>"), ("pause", 'value="load"')):
        page = page_text(operator_client.get(campaign_url("sale", "do", verb)))
        assert (button in page) == (verb == "schedule"), verb
        assert ("It would be refused" in page) == (verb == "pause"), verb


def test_the_pages_say_what_becomes_public_and_how_early(
    operator_client: Client, campaign_url: Page, future_draft: Callable[..., Campaign]
) -> None:
    draft = future_draft()
    page = page_text(operator_client.get(campaign_url("sale", "do", "schedule")))
    assert terms_line(draft) in page
    assert f"It opens at {exact_time(draft.opens_at)}." in page
    assert f"It closes at {exact_time(draft.closes_at)}." in page
    assert "Each user gets at most 1 coupon." in page
    assert "It is open to everybody." in page
    assert "It has no waitlist." in page
    operator_client.post(campaign_url("sale", "do", "schedule"))
    page = page_text(operator_client.get(campaign_url("sale", "do", "open")))
    assert "That is 59 min " in page


def test_the_way_back_is_not_called_close(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale")
    lifecycle.close_campaign("sale", actor="mina")
    page = page_text(operator_client.get(campaign_url("sale")))
    assert ">Close</a>" not in page
    assert page.count(">Back</a>") == 1


def test_another_reason_has_to_be_typed(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale")
    url = campaign_url("sale", "do", "pause")
    empty = page_text(operator_client.post(url, {"reason": "other", "why": " "}))
    assert "Please type the reason." in empty
    assert campaign_state() == "scheduled"
    operator_client.post(url, {"reason": "other", "why": "the price is wrong"})
    assert campaign_state() == "paused"


def test_a_pause_needs_a_reason_and_its_page_asks_for_it(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale")
    asked = operator_client.post(campaign_url("sale", "do", "pause"))
    assert 'name="reason" value="load"' in page_text(asked)
    assert campaign_state() == "scheduled"
    typed = {"why": "the price is wrong"}
    operator_client.post(campaign_url("sale", "do", "pause"), typed)
    event = Campaign.objects.get().events.latest("pk")
    assert (event.kind, event.data) == ("paused", {"reason": "the price is wrong"})
    page = page_text(operator_client.get(campaign_url("sale")))
    assert "paused: the price is wrong" in page
    assert re.search(r"data-undo-left>(9:5\d|10:00)<", page)
    assert "Undo: paused → scheduled" in page
    undo = re.search(r'action="(/admin/coupons/campaign/\d+/undo/\d+/)"', page)
    assert undo is not None
    assert ">Undone: pause." in page_text(operator_client.post(undo[1], follow=True))
    assert campaign_state() == "scheduled"
    assert "has undone it already" in page_text(operator_client.post(undo[1], follow=True))


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
    page = page_text(run_action(operator_client, "pause", "autumn", "winter", **LOAD))
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
    pause = {"action": "pause", "_selected_action": chosen, **LOAD}
    operator_client.post(LIST, pause, follow=True)
    assert campaign_state() == "paused"


def test_closing_from_the_list_asks_once_more(
    operator_client: Client, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale")
    question = page_text(run_action(operator_client, "close", "sale"))
    assert "It closes now, and can&#x27;t be opened again." in question
    asked = run_action(operator_client, "close", "sale", slug="sale", why="it is over")
    assert "waits for another person" in page_text(asked)
    assert campaign_state() == "scheduled"
    open_campaign("other")
    several = run_action(operator_client, "close", "sale", "other", slug="sale", why="over")
    assert "one by one" in page_text(several)
    assert ApprovalRequest.objects.count() == 1


@pytest.mark.parametrize("typed", ["", "sal", "SALE"])
def test_closing_takes_the_slug_typed_and_a_reason(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker, typed: str
) -> None:
    open_campaign("sale")
    close = campaign_url("sale", "do", "close")
    page = page_text(operator_client.get(close))
    assert page.index("cancel-link") < page.index("button destructive")
    asked = page_text(operator_client.post(close, {"slug": typed, "why": "it is over"}))
    assert ("This is not the slug" in asked) is bool(typed)
    assert "Ask to close for good" in page_text(operator_client.post(close, {"slug": "sale"}))
    assert not ApprovalRequest.objects.exists()


def test_campaigns_cannot_be_deleted_from_the_list(
    operator_client: Client, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale")
    assert "delete_selected" not in page_text(operator_client.get(LIST))
    run_action(operator_client, "delete_selected", "sale", post="yes")
    assert Campaign.objects.count() == 1
