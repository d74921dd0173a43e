"""The search for coupons finds exact matches only."""

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


def listed_coupons(client: Client, **query: str) -> list[str]:
    answer = client.get(LIST, query)
    assert answer.status_code == 200
    return [f"{row.campaign.slug}/{row.place}" for row in answer.context["cl"].result_list]


@pytest.fixture
def three_coupons(open_campaign: CampaignMaker, hand_out: Owners) -> list[Coupon]:
    """Two coupons of autumn, for ann and bob; one of winter, for ann."""
    autumn = hand_out(open_campaign("autumn"), ["ann", "bob"])
    return autumn + hand_out(open_campaign("winter"), ["ann"])


def test_an_empty_search_shows_the_newest_first(
    operator_client: Client, three_coupons: list[Coupon]
) -> None:
    assert listed_coupons(operator_client) == ["winter/1", "autumn/2", "autumn/1"]
    assert listed_coupons(operator_client, q="  ") == ["winter/1", "autumn/2", "autumn/1"]


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
    operator_client: Client, three_coupons: list[Coupon], q: str, expected: list[str]
) -> None:
    assert listed_coupons(operator_client, q=q) == expected


def test_a_code_is_found_as_people_type_it(
    operator_client: Client, three_coupons: list[Coupon]
) -> None:
    code = three_coupons[1].code
    typed = coupon_codes.grouped_code(code).lower().replace("0", "o").replace("1", "l")
    assert listed_coupons(operator_client, q=code) == ["autumn/2"]
    assert listed_coupons(operator_client, q=f" {typed} ") == ["autumn/2"]


def test_a_code_with_a_wrong_check_symbol_finds_nothing(
    operator_client: Client, three_coupons: list[Coupon]
) -> None:
    code = three_coupons[1].code
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    assert listed_coupons(operator_client, q=wrong) == []


def test_a_user_called_like_a_place_is_found_beside_the_place(
    operator_client: Client, open_campaign: CampaignMaker, hand_out: Owners
) -> None:
    hand_out(open_campaign("sale"), ["ann", "bob", "1"])
    assert listed_coupons(operator_client, q="1", campaign="sale") == ["sale/3", "sale/1"]
    assert listed_coupons(operator_client, q="1") == ["sale/3"]


def test_a_user_is_told_from_one_with_a_blank_behind(
    operator_client: Client, open_campaign: CampaignMaker, hand_out: Owners
) -> None:
    hand_out(open_campaign("sale"), ["ann", "ann "])
    assert listed_coupons(operator_client, q="ann") == ["sale/1"]
    assert listed_coupons(operator_client, q="ann ") == ["sale/2", "sale/1"]


def test_the_filter_shows_one_campaign(
    operator_client: Client, three_coupons: list[Coupon]
) -> None:
    assert listed_coupons(operator_client, campaign="autumn") == ["autumn/2", "autumn/1"]
    assert listed_coupons(operator_client, campaign="autumn", q="ann") == ["autumn/1"]
    assert listed_coupons(operator_client, campaign="winter", q="autumn/1") == []
    assert listed_coupons(operator_client, campaign="nowhere") == []


def test_a_user_of_very_many_coupons_is_cut_with_a_word(
    operator_client: Client, open_campaign: CampaignMaker, hand_out: Owners,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("coupons.admin.coupons.search.MOST_FOUND", 2)
    for slug in ("one", "two", "three"):
        hand_out(open_campaign(slug), ["ann"])
    answer = operator_client.get(LIST, {"q": "ann"})
    assert "Only the newest 2 coupons of this user can be shown." in answer.content.decode()
    assert listed_coupons(operator_client, q="ann") == ["three/1", "two/1"]


@pytest.mark.parametrize("key", ["x", "-1", "1.5", "٣", "9" * 30, ""])
def test_an_odd_page_address_is_the_first_page(
    operator_client: Client, three_coupons: list[Coupon], key: str
) -> None:
    answer = operator_client.get(LIST, {"before": key}, follow=True)
    assert answer.status_code == 200
    assert len(answer.context["cl"].result_list) == 3


@pytest.mark.parametrize(
    "parameters",
    [{"user__contains": "a"}, {"place__gt": "1"}, {"stored_at__year": "2026"}, {"e": "x"}],
)
def test_an_address_cannot_ask_for_other_columns(
    operator_client: Client, three_coupons: list[Coupon], parameters: dict[str, str]
) -> None:
    with CaptureQueriesContext(connection) as captured:
        answer = operator_client.get(LIST, parameters)
    assert answer.status_code in (200, 400)
    of_coupons = [query["sql"] for query in captured if "coupons_coupon`" in query["sql"]]
    assert all("LIKE" not in sql and "EXTRACT" not in sql for sql in of_coupons)


def test_a_coupon_can_be_read(operator_client: Client, three_coupons: list[Coupon]) -> None:
    shown = operator_client.get(f"{LIST}{three_coupons[1].pk}/change/").content.decode()
    assert coupon_codes.grouped_code(three_coupons[1].code) in shown
    assert "bob" in shown
    assert "<title>autumn/2" in "".join(shown.split())  # as the list calls it
    assert 'name="_save"' not in shown


@pytest.mark.parametrize("key", ["1", "abc", "9" * 19, "9" * 40, "-1", "1_5", "%00"])
def test_a_coupon_that_does_not_exist_is_a_sentence(operator_client: Client, key: str) -> None:
    answer = operator_client.get(f"{LIST}{key}/change/", follow=True)
    assert answer.status_code == 200
    assert "doesn’t exist" in answer.content.decode()


@pytest.mark.parametrize("what", ["change", "delete"])
def test_a_coupon_cannot_be_changed_or_deleted(
    operator_client: Client, three_coupons: list[Coupon], what: str
) -> None:
    answer = operator_client.post(
        f"{LIST}{three_coupons[0].pk}/{what}/", {"user": "eve", "post": "yes"}
    )
    assert answer.status_code == 403
    assert Coupon.objects.get(pk=three_coupons[0].pk).user == "ann"


def test_a_coupon_cannot_be_made(operator_client: Client, three_coupons: list[Coupon]) -> None:
    assert operator_client.get(f"{LIST}add/").status_code == 403
    assert operator_client.post(f"{LIST}add/", {"user": "eve"}).status_code == 403


def test_drafts_are_not_offered_as_a_filter(
    operator_client: Client, three_coupons: list[Coupon], draft: Callable[..., Campaign]
) -> None:
    draft("secret")
    lifecycle.close_campaign("winter", actor="Mina")
    spec = operator_client.get(LIST).context["cl"].filter_specs[0]
    assert {slug for slug, _ in spec.lookup_choices} == {"autumn", "winter"}
    assert Slot.objects.count() == 20
