"""The admin's home page: what is on, what opens next, what needs attention, and the way to all."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from coupons.admin.rights import role_group
from coupons.admission import strategies
from coupons.campaigns import lifecycle, opening_hold
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.values import Claim
from coupons.models import Campaign
from coupons.operations import approvals

HOME = "/admin/"
CampaignMaker = Callable[..., CampaignSnapshot]
Draft = Callable[..., Campaign]


def slugs_of(answer: Any, part: str) -> list[str]:
    return [row.campaign.slug for row in answer.context[part]]


def schedule_ahead(draft: Draft, slug: str, hours: int) -> None:
    opens = timezone.now() + timedelta(hours=hours)
    draft(slug, opens_at=opens, closes_at=opens + timedelta(hours=1))
    lifecycle.schedule_campaign(slug, actor="mina")


def test_it_shows_what_is_on_what_is_next_and_what_is_red(
    operator_client: Client, open_campaign: CampaignMaker, draft: Draft
) -> None:
    sale = open_campaign("sale", stock=1500, name="Autumn sale")
    strategies.admit(sale, Claim("ann"))
    schedule_ahead(draft, "later", 50)
    schedule_ahead(draft, "soon", 2)
    opening_hold.hold_opening("later", checks=["replicas"])
    draft("planned")
    lifecycle.close_campaign(open_campaign("over").slug, actor="mina")
    home = operator_client.get(HOME)
    assert slugs_of(home, "on_now") == ["sale"]
    assert slugs_of(home, "next_openings") == ["soon", "later"]
    assert slugs_of(home, "troubled") == ["later"]
    assert [one.slug for one in home.context["drafts"]] == ["planned"]
    assert [one.slug for one in home.context["just_closed"]] == ["over"]
    text = home.content.decode()
    assert "Autumn sale" in text
    assert '<dd data-count="remaining">1,499</dd>' in text


def test_campaigns_of_one_name_are_told_apart(
    operator_client: Client, open_campaign: CampaignMaker, draft: Draft
) -> None:
    """By slug and, where it matters, the opening."""
    for number, slug in enumerate(("one", "two")):
        open_campaign(slug, name="Lunch")
        lifecycle.pause_campaign(slug, actor="mina", reason="load")
        schedule_ahead(draft, f"next-{slug}", 30 + number)
        draft(f"draft-{slug}", name="Lunch")
        approvals.ask_close(slug, actor="ann", reason="over")
    Campaign.objects.update(name="Lunch")
    home = operator_client.get(HOME)
    text = home.content.decode()
    for row in home.context["on_now"]:
        which = f'<small class="home-which">{row.campaign.slug}, {row.opens}</small>'
        assert text.count(which) == 3  # asked for, needs attention, on now
    for slug in ("next-one", "next-two", "draft-one", "draft-two"):
        assert f'<small class="home-which">{slug}</small>' in text


def test_each_next_opening_has_its_light_or_the_way_to_it(
    operator_client: Client, draft: Draft
) -> None:
    opens = timezone.now() + timedelta(minutes=30)
    draft("near", opens_at=opens, closes_at=opens + timedelta(hours=1))
    lifecycle.schedule_campaign("near", actor="mina")
    schedule_ahead(draft, "later", 50)
    home = operator_client.get(HOME)
    near, later = home.context["next_openings"]
    assert near.light in ("green", "amber", "red")
    assert f'class="light light-{near.light}"' in home.content.decode()
    assert later.light == ""
    assert ">Ready?</a>" in home.content.decode()


def test_a_sale_that_is_paused_in_its_window_needs_attention(
    operator_client: Client, open_campaign: CampaignMaker, draft: Draft
) -> None:
    open_campaign("sale")
    schedule_ahead(draft, "later", 50)
    for slug in ("sale", "later"):
        lifecycle.pause_campaign(slug, actor="mina", reason="load")
    home = operator_client.get(HOME)
    assert slugs_of(home, "troubled") == ["sale"]
    assert 'class="light light-amber"' in home.content.decode()


@pytest.mark.parametrize(
    ("minutes", "light"), [(3, "red"), (14, "red"), (16, "amber"), (600, "amber")]
)
def test_a_sale_of_the_day_that_is_paused_before_its_opening_needs_attention(
    operator_client: Client, draft: Draft, minutes: int, light: str
) -> None:
    opens = timezone.now() + timedelta(minutes=minutes, seconds=30)
    draft("near", opens_at=opens, closes_at=opens + timedelta(hours=1))
    lifecycle.schedule_campaign("near", actor="mina")
    lifecycle.pause_campaign("near", actor="mina", reason="load")
    home = operator_client.get(HOME)
    text = home.content.decode()
    assert slugs_of(home, "troubled") == ["near"]
    shown = "10 h 0 min" if minutes == 600 else f"{minutes} min"
    assert re.search(f'light-{light}"[^>]*>paused, {shown}[^<]*before its opening</a>', text), text
    assert "Nothing: no request" not in text
    listed = operator_client.get("/admin/coupons/campaign/?show=attention").content.decode()
    assert f"paused, {shown}" in listed


def test_everyone_finds_the_models_of_their_rights_and_no_other(
    db: None, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale", name="Autumn sale")
    support = User.objects.create_user("bob", is_staff=True)
    support.groups.add(role_group("support"))
    clerk = User.objects.create_user("clerk", is_staff=True)
    shown = {}
    for user in (support, clerk):
        client = Client()
        client.force_login(user)
        shown[user.username] = client.get(HOME).content.decode()
    assert "/admin/coupons/coupon/" in shown["bob"]
    assert "Autumn sale" in shown["bob"]
    assert "/admin/auth/user/" not in shown["bob"]
    assert "/admin/coupons/coupon/" not in shown["clerk"]
    assert "Autumn sale" not in shown["clerk"]


def test_without_redis_it_says_so_and_shows_the_rest(
    operator_client: Client, open_campaign: CampaignMaker, draft: Draft,
    redis_away: Callable[[], None],
) -> None:  # fmt: skip
    open_campaign("sale")
    schedule_ahead(draft, "soon", 2)
    redis_away()
    home = operator_client.get(HOME)
    text = home.content.decode()
    assert "Redis does not answer: live counts are not known." in text
    assert "no claim is parked" not in text
    assert slugs_of(home, "on_now") == ["sale"]
    assert slugs_of(home, "next_openings") == ["soon"]
    assert '<dd data-count="remaining">?</dd>' in text
    assert "/admin/coupons/coupon/" in text


def test_it_speaks_korean(operator_client: Client) -> None:
    text = operator_client.get(HOME, headers={"Accept-Language": "ko"}).content.decode()
    for word in ("진행 중", "다음 오픈", "확인 필요"):
        assert word in text, word


def test_a_name_with_markup_is_shown_as_text(
    operator_client: Client, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale", name="<script>alert(1)</script>")
    assert "<script>alert(1)" not in operator_client.get(HOME).content.decode()
