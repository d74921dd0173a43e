"""A campaign's page: the panel that refreshes itself, the history, the parked claims, the links."""

import re
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from coupons.admission import strategies
from coupons.campaigns import lifecycle
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.values import Claim
from coupons.issuing import drain
from coupons.models import Campaign, EventKind
from coupons.store import store

CampaignMaker = Callable[..., CampaignSnapshot]
Page = Callable[..., str]


def page_text(answer: Any) -> str:
    body: str = answer.content.decode()
    return body


def test_the_figures_follow_a_claim_from_admitted_to_stored(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    sale = open_campaign("sale", stock=10)
    strategies.admit(sale, Claim("ann"))
    before = operator_client.get(campaign_url("sale", "live_counts")).json()
    assert abs(before.pop("now_ms") - time.time() * 1000) < 60_000
    drain.drain("sale", consumer="test")
    after = operator_client.get(campaign_url("sale", "live_counts")).json()
    assert before.pop("revision") == after["revision"]
    assert before == {
        "state": "open", "label": "open", "stock": 10, "admitted": 1, "stored": 0,
        "waiting": 1, "parked": 0, "remaining": 9, "note": "", "is_whole": True,
    }  # fmt: skip
    assert (after["stored"], after["waiting"], after["admitted"]) == (1, 0, 1)


@pytest.mark.parametrize("strategy", ["queued", "direct"])
@pytest.mark.parametrize(
    ("opens_in", "closes_in", "recorded", "shown", "offered"),
    [
        (60, 120, "scheduled", "scheduled", ["pause", "open", "close"]),
        (-60, 60, "scheduled", "open", ["pause", "close"]),
        (-120, -60, "scheduled", "closed", []),
        (-120, -60, "open", "closed", []),
        (-120, -60, "paused", "closed", []),
        (-60, 60, "paused", "paused", ["resume", "close"]),
        (-120, -60, "draft", "draft", ["schedule"]),
        (60, 120, "closed", "closed", []),
    ],
)
def test_a_page_uses_the_deciding_clock_not_the_state_that_beat_recorded(
    operator_client: Client, campaign_url: Page, draft: Callable[..., Campaign], strategy: str,
    opens_in: int, closes_in: int, recorded: str, shown: str, offered: list[str],
) -> None:  # fmt: skip
    draft("sale", strategy=strategy)
    if recorded != "draft":
        lifecycle.schedule_campaign("sale", actor="Mina")
    now = timezone.now()
    Campaign.objects.update(
        state=recorded,
        opens_at=now + timedelta(seconds=opens_in),
        closes_at=now + timedelta(seconds=closes_in),
    )
    assert operator_client.get(campaign_url("sale", "live_counts")).json()["state"] == shown
    context = operator_client.get(campaign_url("sale")).context
    assert [verb.name for verb in context["verbs"]] == offered


def test_the_figures_say_when_redis_is_away(
    operator_client: Client,
    campaign_url: Page,
    open_campaign: CampaignMaker,
    redis_away: Callable[[], None],
) -> None:
    open_campaign("sale")
    redis_away()
    document = operator_client.get(campaign_url("sale", "live_counts")).json()
    assert document["admitted"] is None
    assert document["note"] == "Redis does not answer: live counts are not known."
    assert operator_client.get(campaign_url("sale")).status_code == 200


def test_the_figures_are_for_those_who_may_see_campaigns(
    campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale")
    assert Client().get(campaign_url("sale", "live_counts")).status_code == 302
    clerk = Client()
    clerk.force_login(User.objects.create_user("clerk", is_staff=True))
    assert clerk.get(campaign_url("sale", "live_counts")).status_code == 403
    assert clerk.get(campaign_url("sale", "parked")).status_code == 403


def test_figures_of_no_campaign_are_not_found(operator_client: Client) -> None:
    assert operator_client.get("/admin/coupons/campaign/999999/live.json").status_code == 404


def test_the_history_says_who_did_what(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale")
    lifecycle.change_stock("sale", stock=12, actor="Theo")
    shown = operator_client.get(campaign_url("sale")).context["events"]
    assert [(actor, what) for _, actor, what in shown] == [
        ("Theo", "stock 10 → 12"), ("Mina", "scheduled"), ("Mina", "created"),
    ]  # fmt: skip
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} KST", shown[0][0])


def test_the_page_begins_with_the_name_and_folds_what_is_fixed(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale", name="Autumn sale")
    shown = page_text(operator_client.get(campaign_url("sale")))
    name = '<h1 class="campaign-name">Autumn sale</h1>'
    places = [shown.index(part) for part in (name, 'id="live"', 'name="stock"', 'id="history"')]
    assert places == sorted(places)
    form = shown[shown.index('id="campaign_form"') : shown.index('id="history"')]
    assert form.index('name="stock"') < form.index("<details") < form.index("Coupons per user")


def test_only_the_newest_events_are_open(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale")
    for stock in range(12, 20):
        lifecycle.change_stock("sale", stock=stock, actor="Theo")
    shown = page_text(operator_client.get(campaign_url("sale")))
    opened, _, folded = shown[shown.index('id="history"') :].partition("<details")
    assert [f"→ {stock}<" in opened for stock in (19, 15, 14)] == [True, True, False]
    assert "5 earlier events" in folded
    assert "stock 13 → 14<" in folded


def test_a_stranger_name_in_the_history_is_text(
    operator_client: Client, campaign_url: Page, draft: Callable[..., Campaign]
) -> None:
    draft("sale").events.create(
        actor="<img src=x>", kind=EventKind.OVERRIDDEN, data={"reason": "<b>"}
    )
    assert "<img src=x>" not in page_text(operator_client.get(campaign_url("sale")))


def park_claims(sale: CampaignSnapshot, users: list[str]) -> None:
    for user in users:
        strategies.admit(sale, Claim(user))
    for entry in store().queue.read_new(sale.slug, consumer="test", count=len(users)).entries:
        store().queue.park_entry(sale.slug, entry.id, "place_taken")


def test_parked_claims_are_listed_with_user_place_and_reason(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    park_claims(open_campaign("sale"), ["ann", "<b>bob</b>"])
    answer = operator_client.get(campaign_url("sale", "parked"))
    claims = answer.context["claims"]
    assert [(claim.place, claim.user, claim.reason) for claim in claims] == [
        ("1", "ann", "place_taken"), ("2", "<b>bob</b>", "place_taken"),
    ]  # fmt: skip
    assert "another user holds this place" in page_text(answer)
    assert "<b>bob</b>" not in page_text(answer)


def test_parked_claims_are_paged_without_a_gap(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    park_claims(open_campaign("sale", stock=150), [f"user-{n}" for n in range(130)])
    first = operator_client.get(campaign_url("sale", "parked"))
    second = operator_client.get(campaign_url("sale", "parked"), {"after": first.context["more"]})
    places = [int(claim.place) for each in (first, second) for claim in each.context["claims"]]
    assert places == list(range(1, 131))
    assert second.context["more"] == ""


def test_an_entry_that_no_admission_wrote_is_shown_as_well(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale")
    rubbish: Any = {b"u": b"\xff\xfe", b"t": b"9" * 30, b"reason": b"unreadable"}
    store().client.xadd("coupon:{sale}:parked", rubbish)
    claim = operator_client.get(campaign_url("sale", "parked")).context["claims"][0]
    assert (claim.user, claim.admitted_at, claim.reason) == ("��", "9" * 30, "unreadable")


@pytest.mark.parametrize("after", ["", "x", "1-", "(1-1", "9" * 40 + "-1", "١-١"])
def test_an_odd_position_in_the_parked_list_is_the_beginning(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker, after: str
) -> None:
    park_claims(open_campaign("sale"), ["ann"])
    claims = operator_client.get(campaign_url("sale", "parked"), {"after": after}).context["claims"]
    assert [claim.user for claim in claims] == ["ann"]


def test_parked_claims_without_redis_are_unknown_not_none(
    operator_client: Client,
    campaign_url: Page,
    open_campaign: CampaignMaker,
    redis_away: Callable[[], None],
) -> None:
    open_campaign("sale")
    redis_away()
    shown = page_text(operator_client.get(campaign_url("sale", "parked")))
    assert "Redis did not answer" in shown
    assert "No claim is parked." not in shown


def test_every_page_links_to_the_workers_and_the_api(
    operator_client: Client, settings: Any
) -> None:
    settings.FLOWER_URL = "https://flower.example/"
    shown = page_text(operator_client.get("/admin/"))
    assert 'href="https://flower.example/"' in shown
    assert 'href="/api/v1/docs"' in shown


def test_our_templates_would_work_under_a_strict_content_policy() -> None:
    """The pages contain no inline script, style or handler."""
    templates = list(Path("coupons/assets/templates/admin").rglob("*.html"))
    assert templates
    for template in templates:
        source = template.read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", source), (
            template
        )


def test_it_speaks_korean(
    operator_client: Client, campaign_url: Page, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale")
    shown = page_text(operator_client.get(campaign_url("sale"), headers={"Accept-Language": "ko"}))
    for word in ("일시 중지", "발급 확정", "저장 완료", "이력"):
        assert word in shown, word
