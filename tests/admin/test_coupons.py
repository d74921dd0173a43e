"""Looking coupons up: exactly, and nothing else."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from coupons.campaigns import lifecycle
from coupons.claims import coupon_codes
from coupons.models import Campaign, Coupon, Slot
from tests.admin.conftest import Owners
from tests.conftest import CampaignMaker

LIST = "/admin/coupons/coupon/"


def found(client: Client, **asked: str) -> list[str]:
    answer = client.get(LIST, asked)
    assert answer.status_code == 200
    return [f"{row.campaign.slug}/{row.place}" for row in answer.context["cl"].result_list]


@pytest.fixture
def three(open_campaign: CampaignMaker, hand_out: Owners) -> list[Coupon]:
    """autumn: ann, bob; winter: ann."""
    autumn = hand_out(open_campaign("autumn"), ["ann", "bob"])
    return autumn + hand_out(open_campaign("winter"), ["ann"])


def test_an_empty_search_shows_the_newest_first(operator: Client, three: list[Coupon]) -> None:
    assert found(operator) == ["winter/1", "autumn/2", "autumn/1"]
    assert found(operator, q="  ") == ["winter/1", "autumn/2", "autumn/1"]


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("ann", ["winter/1", "autumn/1"]),
        (" ann\n", ["winter/1", "autumn/1"]),
        ("an", []),
        ("ANN", []),
        ("autumn/2", ["autumn/2"]),
        ("autumn/3", []),
        ("autumn/0", []),
        ("autumn/-1", []),
        ("autumn/٢", []),
        ("summer/1", []),
        ("autumn/99999999999999999999", []),
        ("2", []),
        ("%", []),
        ("ann' OR 1=1 -- ", []),
        ("é" * 100, []),
        ("x" * 5000, []),
    ],
)
def test_it_finds_exactly(
    operator: Client, three: list[Coupon], q: str, expected: list[str]
) -> None:
    assert found(operator, q=q) == expected


def test_a_code_is_found_as_people_type_it(operator: Client, three: list[Coupon]) -> None:
    code = three[1].code
    typed = coupon_codes.grouped_code(code).lower().replace("0", "o").replace("1", "l")
    assert found(operator, q=code) == ["autumn/2"]
    assert found(operator, q=f" {typed} ") == ["autumn/2"]


def test_a_code_with_a_wrong_check_symbol_finds_nothing(
    operator: Client, three: list[Coupon]
) -> None:
    code = three[1].code
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    assert found(operator, q=wrong) == []


def test_a_user_called_like_a_place_is_found_beside_the_place(
    operator: Client, open_campaign: CampaignMaker, hand_out: Owners
) -> None:
    hand_out(open_campaign("sale"), ["ann", "bob", "1"])
    assert found(operator, q="1", campaign="sale") == ["sale/3", "sale/1"]
    assert found(operator, q="1") == ["sale/3"]


def test_a_user_is_told_from_one_with_a_blank_behind(
    operator: Client, open_campaign: CampaignMaker, hand_out: Owners
) -> None:
    hand_out(open_campaign("sale"), ["ann", "ann "])
    assert found(operator, q="ann") == ["sale/1"]
    assert found(operator, q="ann ") == ["sale/2", "sale/1"]


def test_the_filter_shows_one_campaign(operator: Client, three: list[Coupon]) -> None:
    assert found(operator, campaign="autumn") == ["autumn/2", "autumn/1"]
    assert found(operator, campaign="autumn", q="ann") == ["autumn/1"]
    assert found(operator, campaign="winter", q="autumn/1") == []
    assert found(operator, campaign="nowhere") == []


def test_a_user_of_very_many_coupons_is_cut_with_a_word(
    operator: Client, open_campaign: CampaignMaker, hand_out: Owners,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("coupons.admin.coupons.search.MOST_FOUND", 2)
    for slug in ("one", "two", "three"):
        hand_out(open_campaign(slug), ["ann"])
    answer = operator.get(LIST, {"q": "ann"})
    assert "Only the newest 2 coupons of this user can be shown." in answer.content.decode()
    assert found(operator, q="ann") == ["three/1", "two/1"]


@pytest.mark.parametrize("key", ["x", "-1", "1.5", "٣", "9" * 30, ""])
def test_an_odd_page_address_is_the_first_page(
    operator: Client, three: list[Coupon], key: str
) -> None:
    answer = operator.get(LIST, {"before": key}, follow=True)
    assert answer.status_code == 200
    assert len(answer.context["cl"].result_list) == 3


@pytest.mark.parametrize(
    "asked", [{"user__contains": "a"}, {"place__gt": "1"}, {"stored_at__year": "2026"}, {"e": "x"}]
)
def test_an_address_cannot_ask_for_other_columns(
    operator: Client, three: list[Coupon], asked: dict[str, str]
) -> None:
    with CaptureQueriesContext(connection) as captured:
        answer = operator.get(LIST, asked)
    assert answer.status_code in (200, 400)
    for query in captured:
        assert "LIKE" not in query["sql"]
        assert "EXTRACT" not in query["sql"]


def test_a_coupon_can_be_read(operator: Client, three: list[Coupon]) -> None:
    shown = operator.get(f"{LIST}{three[1].pk}/change/").content.decode()
    assert coupon_codes.grouped_code(three[1].code) in shown
    assert "bob" in shown
    assert "<title>autumn/2" in "".join(shown.split())  # as the list calls it
    assert 'name="_save"' not in shown


@pytest.mark.parametrize("key", ["1", "abc", "9" * 19, "9" * 40, "-1", "1_5", "%00"])
def test_a_coupon_that_does_not_exist_is_a_sentence(operator: Client, key: str) -> None:
    answer = operator.get(f"{LIST}{key}/change/", follow=True)
    assert answer.status_code == 200
    assert "doesn’t exist" in answer.content.decode()


@pytest.mark.parametrize("what", ["change", "delete"])
def test_a_coupon_cannot_be_changed_or_deleted(
    operator: Client, three: list[Coupon], what: str
) -> None:
    answer = operator.post(f"{LIST}{three[0].pk}/{what}/", {"user": "eve", "post": "yes"})
    assert answer.status_code == 403
    assert Coupon.objects.get(pk=three[0].pk).user == "ann"


def test_a_coupon_cannot_be_made(operator: Client, three: list[Coupon]) -> None:
    assert operator.get(f"{LIST}add/").status_code == 403
    assert operator.post(f"{LIST}add/", {"user": "eve"}).status_code == 403


def test_drafts_are_not_offered_as_a_filter(
    operator: Client, three: list[Coupon], draft: Callable[..., Campaign]
) -> None:
    draft("secret")
    lifecycle.close_campaign("winter", actor="Mina")
    spec = operator.get(LIST).context["cl"].filter_specs[0]
    assert {slug for slug, _ in spec.lookup_choices} == {"autumn", "winter"}
    assert Slot.objects.count() == 20
