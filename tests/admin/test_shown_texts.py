"""What the admin shows of strangers: no letter that can't be seen, and no user's id without the
right to see it."""

import sys
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from coupons.admin import rights, visible_text
from coupons.broker import wakeups
from tests.admin.planted import Planted, plant_rows
from tests.conftest import CampaignMaker, Settings

pytestmark = pytest.mark.django_db
ODD = "odd\u202elive\u2066\x07\u200bx"
SHOWN = r"odd\u202elive\u2066\x07\u200bx"
HIDDEN_LETTERS = "\u202e\u2066\x07\u200b"
ANN = "ann-whose-id-is-secret"


@pytest.fixture
def plant(
    open_campaign: CampaignMaker, hand_out: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Planted]:
    monkeypatch.setattr(wakeups, "notify_delivery", lambda: True)

    def plant_text(text: str, user: str) -> Planted:
        campaign = open_campaign("sale")
        (coupon,) = hand_out(campaign, ["ann"])
        return plant_rows(campaign, coupon, text, user=user)

    return plant_text


def odd_pages(client: Client, paths: tuple[str, ...]) -> list[str]:
    """Those with a letter that can't be seen; each must show the text that was planted."""
    odd = []
    for path in paths:
        answer = client.get(path)
        assert answer.status_code == 200, path
        text = answer.content.decode()
        if any(letter in text for letter in HIDDEN_LETTERS):
            odd.append(path)
        elif path != "/admin/coupons/coupon/":
            assert SHOWN in text or SHOWN.replace("\\", "\\\\") in text, path
    return odd


def test_no_page_has_a_letter_that_can_not_be_seen(
    plant: Callable[..., Planted], operator_client: Client
) -> None:
    planted = plant(ODD, ODD)
    User.objects.create_user("bob", first_name=ODD, last_name=ODD)
    Group.objects.create(name=ODD)
    paths = (*planted.paths, "/admin/auth/user/", "/admin/auth/group/")
    assert odd_pages(operator_client, paths) == []


@pytest.mark.slow
def test_without_the_middleware_they_would_be_there(
    plant: Callable[..., Planted], operator_client: Client, settings: Settings
) -> None:
    """Control: nearly every page shows a planted text."""
    settings.MIDDLEWARE = [one for one in settings.MIDDLEWARE if "visible_text" not in one]
    planted = plant(ODD, ODD)
    assert len(odd_pages(operator_client, planted.paths)) >= len(planted.paths) - 2


@pytest.mark.slow
def test_every_format_and_control_letter_is_shown_as_its_number() -> None:
    """A joiner alone as well; the one within an emoji stays, as do tabs and line ends."""
    for number in range(sys.maxunicode + 1):
        letter = chr(number)
        if (
            unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp", "Cs")
            and letter not in "\t\n\r"
        ):
            assert visible_text.visible_text(f"a{letter}b").isascii(), hex(number)
    family = "\U0001f468\u200d\U0001f469"
    assert visible_text.visible_text(f"{family}\t\r\n가é한 ") == f"{family}\t\r\n가é한 "
    assert visible_text.one_line("a\nb\r\tc") == r"a\nb\r\tc"


def pages_with_ann(client: Client, paths: tuple[str, ...]) -> list[str]:
    return [path for path in paths if ANN in client.get(path).content.decode()]


def client_of(role: str) -> Client:
    user, client = User.objects.create_user(f"of-{role}", is_staff=True), Client()
    user.groups.add(rights.role_group(role))
    client.force_login(user)
    return client


def test_a_viewer_sees_no_user_s_id_and_support_does(plant: Callable[..., Planted]) -> None:
    planted = plant("a reason", ANN)
    assert pages_with_ann(client_of("viewer"), planted.paths) == []
    seen = pages_with_ann(client_of("support"), planted.paths)
    assert [path.split("/")[3] for path in seen] == [
        "campaign", "campaign", "coupon", "coupon", "waitlistentry", "waitlistentry",
        "webhookdelivery",
    ]  # fmt: skip


@pytest.mark.parametrize("question", [
    "waitlistentry/?user={}", "waitlistentry/?user__startswith={}", "waitlistentry/?q={}",
    "coupon/?q={}", "coupon/?user={}", "webhookdelivery/?message__body__contains={}",
])  # fmt: skip
def test_a_viewer_can_not_find_out_whose_row_it_is(
    plant: Callable[..., Planted], question: str
) -> None:
    """A page that answers differently for the id and for another one would tell it."""
    plant("a reason", ANN)
    viewer = client_of("viewer")

    def rows_of(user: str) -> list[Any]:
        answer = viewer.get("/admin/coupons/" + question.format(user), follow=True)
        return list(answer.context["cl"].result_list) if "cl" in (answer.context or {}) else []

    assert rows_of(ANN) == rows_of("nobody-of-this-name")


def test_support_finds_a_user(plant: Callable[..., Planted]) -> None:
    """Control: the same search, with the right."""
    plant("a reason", ANN)
    answer = client_of("support").get("/admin/coupons/coupon/", {"q": ANN})
    assert len(answer.context["cl"].result_list) == 1
