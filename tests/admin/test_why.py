"""The page of support: a user and a campaign → attempts and a sentence for the customer."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from coupons.campaigns import lifecycle
from coupons.models import Act, AuditEvent, Campaign
from coupons.observability.refusal_notes import hand_on_notes
from tests.conftest import CampaignMaker, Person

pytestmark = pytest.mark.django_db

WHY = "/admin/coupons/why/"


@pytest.fixture
def refused(open_campaign: CampaignMaker) -> None:
    open_campaign(stock=1)
    for user in ("ann", "bob", "bob"):
        Person(user).claims()
    hand_on_notes()


def test_support_finds_a_refusal_and_a_sentence(
    operator_client: Client, refused: None, campaign_url: Callable[..., str]
) -> None:
    for page in (
        operator_client.post(WHY, {"campaign": "sale", "user": "bob"}),
        operator_client.post(campaign_url("sale", "why"), {"user": " bob "}),
    ):
        text = page.content.decode()
        assert "s too late" in text
        assert "the stock" in text
        assert "2 of 2 refusals of this campaign are kept." in text
        assert "You asked for a coupon of “The sale”" in text
        assert "쿠폰을 신청하셨고" in text


def test_who_has_a_coupon_is_found_as_well(operator_client: Client, refused: None) -> None:
    text = operator_client.post(WHY, {"campaign": "sale", "user": "ann"}).content.decode()
    assert "got place 1" in text
    assert "You have a coupon of “The sale”: you were number 1." in text
    assert "<td>≥ 1</td>" in text  # who has it and asks again is not counted
    assert "How often a winner asked again is not counted." in text


def test_who_never_asked(operator_client: Client, refused: None) -> None:
    text = operator_client.post(WHY, {"campaign": "sale", "user": "jun"}).content.decode()
    assert "No attempt of this user is known." in text
    assert "So a user who is not here never asked" in text


CAUTION = "Nothing at all is known of this id."


def test_an_unknown_id_is_shown_with_a_caution(operator_client: Client, refused: None) -> None:
    unknown = operator_client.post(WHY, {"campaign": "sale", "user": "Bob"}).content.decode()
    assert '<code id="why-asked">Bob</code>' in unknown and CAUTION in unknown
    assert "exactly as the shop writes it" in operator_client.get(WHY).content.decode()
    for user in ("ann", "bob"):
        known = operator_client.post(WHY, {"campaign": "sale", "user": user}).content.decode()
        assert f'<code id="why-asked">{user}</code>' in known and CAUTION not in known


def test_a_campaign_is_offered_with_its_name_and_found_by_it(
    operator_client: Client, refused: None, open_campaign: CampaignMaker
) -> None:
    page = operator_client.get(WHY).content.decode()
    assert '<option value="sale">The sale</option>' in page
    by_name = operator_client.post(WHY, {"campaign": "The sale", "user": "bob"}).content.decode()
    assert "s too late" in by_name
    open_campaign("other", name="The sale")
    page = operator_client.post(WHY, {"campaign": "The sale", "user": "bob"}).content.decode()
    assert "There is no public campaign of this name." in page


def test_the_menu_leads_support_to_it(operator_client: Client, read_only_client: Client) -> None:
    assert f'href="{WHY}"' in operator_client.get("/admin/").content.decode()
    assert f'href="{WHY}"' not in read_only_client.get("/admin/").content.decode()


def test_each_look_up_is_a_row_of_the_audit_log(operator_client: Client, refused: None) -> None:
    operator_client.post(WHY, {"campaign": "sale", "user": "bob"})
    operator_client.get(WHY)
    read = AuditEvent.objects.get(verb=Act.READ)
    assert (read.actor, read.user, read.object_kind, read.object_id) == (
        "mina", "bob", "attempts", "sale",
    )  # fmt: skip


def test_it_is_all_korean(operator_client: Client, refused: None) -> None:
    page = operator_client.post(
        WHY, {"campaign": "sale", "user": "bob"}, headers={"Accept-Language": "ko"}
    )
    text = page.content.decode()
    for word in ("쿠폰을 받지 못한 이유", "고객 안내 문구", "초 늦음", "2건 중 2건"):
        assert word in text
    for english in ("too late", "Attempts", "what decided"):
        assert english not in text


def test_wrong_input_is_told(operator_client: Client, draft: Callable[..., Campaign]) -> None:
    draft("hidden")
    for slug in ("none", "hidden", "a b"):
        page = operator_client.post(WHY, {"campaign": slug, "user": "bob"})
        assert "There is no public campaign of this name." in page.content.decode()
    lifecycle.schedule_campaign("hidden", actor="Mina")
    page = operator_client.post(WHY, {"campaign": "hidden", "user": "x" * 129})
    assert "This is no user" in page.content.decode()


def test_no_users_id_stands_in_an_address(operator_client: Client, refused: None) -> None:
    page = operator_client.get(WHY, {"campaign": "sale", "user": "bob"})
    assert "You asked" not in page.content.decode()
    assert 'method="post"' in page.content.decode()


def test_who_may_not_see_users_is_told_which_right_is_missing(
    refused: None, read_only_client: Client, campaign_url: Callable[..., str]
) -> None:
    for url in (WHY, campaign_url("sale", "why")):
        page = read_only_client.post(url, {"campaign": "sale", "user": "bob"})
        assert page.status_code == 403
        assert "Can see users" in page.content.decode()
    client = Client()
    client.force_login(User.objects.create_user("jun", is_staff=True))
    assert client.get(WHY).status_code == 403
