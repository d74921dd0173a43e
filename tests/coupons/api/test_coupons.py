"""GET /coupons and /coupons/{code}: all coupons of the user, and no others."""

from base64 import b64encode
from typing import Any
from urllib.parse import quote

import pytest

from coupons.claims import coupon_codes
from coupons.issuing import drain
from tests.conftest import CampaignMaker, Person
from tests.coupons.answers import problem_of, wrong_field

ME = "/api/v1/coupons"


def all_pages(person: Person, limit: int) -> list[list[Any]]:
    """All pages, as a client that follows `next` to the end sees them."""
    found, url = [], f"{ME}?limit={limit}"
    while url:
        response = person.client.get(url)
        assert response.status_code == 200, response.content
        found.append(response.json()["results"])
        url = response.json()["next"]
    return found


@pytest.fixture
def spring_and_summer(open_campaign: CampaignMaker) -> None:
    """Jun holds four coupons of two campaigns, Sora one between them."""
    for slug in ("spring", "summer"):
        open_campaign(slug, per_user=3)
        Person("jun").claims(slug, {"nth": 1})
        Person("sora").claims(slug) if slug == "spring" else None
        Person("jun").claims(slug, {"nth": 2})
        drain.drain(slug, consumer="test")


@pytest.mark.stores
def test_a_coupon_is_shown_with_its_value_and_the_data_of_its_admission(
    open_campaign: CampaignMaker, strategy: str
) -> None:
    open_campaign(strategy=strategy, name="The sale", discount_value="12.50")
    told = Person("jun").claims().json()
    drain.drain("sale", consumer="test") if strategy == "queued" else None
    [coupon] = Person("jun").asks("coupons").json()["results"]
    assert coupon.items() >= {
        (name, told[name])
        for name in ("campaign", "nth", "place", "code", "admitted_at", "expires_at")
    }
    assert coupon["name"] == "The sale"
    assert coupon["terms"]["value"] == "12.50"
    assert coupon["stored_at"] >= told["admitted_at"]
    assert Person("jun").asks(f"coupons/{told['code']}").json() == coupon


@pytest.mark.stores
@pytest.mark.usefixtures("spring_and_summer")
@pytest.mark.parametrize("limit", [1, 3, 4, 200])
def test_following_the_cursor_shows_each_of_mine_once_newest_first(limit: int) -> None:
    found = all_pages(Person("jun"), limit)
    assert [len(page) for page in found] == {1: [1] * 4, 3: [3, 1]}.get(limit, [4])
    mine = [(coupon["campaign"], coupon["place"]) for page in found for coupon in page]
    assert mine == [("summer", 2), ("summer", 1), ("spring", 3), ("spring", 1)]


@pytest.mark.usefixtures("spring_and_summer")
def test_a_coupon_added_between_two_pages_repeats_none_and_hides_none() -> None:
    jun = Person("jun")
    first = jun.asks("coupons?limit=2").json()
    jun.claims("summer", {"nth": 3})
    drain.drain("summer", consumer="test")
    second = jun.client.get(first["next"]).json()
    seen = [coupon["place"] for coupon in first["results"] + second["results"]]
    assert seen == [2, 1, 3, 1]
    assert jun.client.get(second["previous"]).json()["results"][-1] == first["results"][-1]


@pytest.mark.usefixtures("spring_and_summer")
def test_no_user_sees_the_coupons_of_another() -> None:
    [hers] = all_pages(Person("sora"), 50)
    assert [coupon["place"] for coupon in hers] == [2]
    for stranger in ("Jun", "jun ", "ju", "%", "jun%", "hana"):
        assert all_pages(Person(stranger), 50) == [[]]
    jun_s_cursor = Person("jun").asks("coupons?limit=1").json()["next"]
    assert [coupon["place"] for coupon in Person("sora").client.get(jun_s_cursor).json()["results"]]


@pytest.mark.parametrize("limit", ["0", "-1", "201", "1.5", "all", "", "٣", "1" * 5000])
def test_a_limit_is_a_whole_number_up_to_200(db: None, limit: str) -> None:
    response = Person("jun").client.get(ME, {"limit": limit})
    assert "from 1 to 200" in wrong_field(response, "limit")


@pytest.mark.parametrize(
    "cursor",
    [
        "x", "%", "=", "ｘ", b64encode(b"p=abc").decode(), b64encode(b"o=x&p=1").decode(),
        b64encode(b"p=1 OR 1=1").decode(), b64encode(b"p=\xff").decode(), "=" * 5000,
        b64encode("p=٣".encode()).decode(), b64encode(b"p=-1").decode(),
    ],
)  # fmt: skip
def test_a_forged_cursor_is_refused(db: None, cursor: str) -> None:
    assert wrong_field(Person("jun").client.get(ME, {"cursor": cursor}), "cursor")


def test_a_cursor_beyond_all_numbers_is_refused(db: None) -> None:
    cursor = b64encode(b"p=" + b"9" * 40).decode()
    assert wrong_field(Person("jun").client.get(ME, {"cursor": cursor}), "cursor")


@pytest.mark.parametrize(
    "typed", [str, str.lower, lambda code: code.replace("-", ""), lambda code: f" {code}  "]
)
@pytest.mark.parametrize("zero", ["0", "O", "o"])
@pytest.mark.parametrize("one", ["1", "I", "l"])
def test_a_code_is_found_as_people_type_it(
    open_campaign: CampaignMaker, typed: Any, zero: str, one: str
) -> None:
    open_campaign()
    code = Person("jun").claims().json()["code"]
    drain.drain("sale", consumer="test")
    said = typed(code).replace("0", zero).replace("1", one)
    assert Person("jun").asks(f"coupons/{quote(said)}").json()["code"] == code


@pytest.mark.parametrize(
    "typed", ["U" * 16, "0" * 15 + "1", "1234", "0" * 400, "세일", "%00", "' OR 1=1 --", "*"]
)
def test_an_invalid_code_is_refused_without_a_query(
    db: None, django_assert_num_queries: Any, typed: str
) -> None:
    with django_assert_num_queries(0):
        response = Person("jun").asks(f"coupons/{quote(typed)}")
        assert "typing error" in wrong_field(response, "code")


def test_an_absent_code_and_another_users_code_get_the_same_answer(
    open_campaign: CampaignMaker,
) -> None:
    sale = open_campaign()
    foreign = Person("sora").claims().json()["code"]
    drain.drain("sale", consumer="test")
    absent = coupon_codes.grouped_code(sale.code_of(user="hana", nth=1, place=9))
    answers = [Person("jun").asks(f"coupons/{code}") for code in (foreign, absent)]
    for answer in answers:
        problem_of(answer, 404, "unknown_coupon")
    assert answers[0].content == answers[1].content
    headers = [dict(answer.headers) for answer in answers]
    assert all(each.pop("X-Request-Id") for each in headers)  # every request has its own
    assert headers[0] == headers[1]


def test_a_queued_coupon_is_not_shown_before_it_is_stored(open_campaign: CampaignMaker) -> None:
    open_campaign()
    code = Person("jun").claims().json()["code"]
    assert all_pages(Person("jun"), 50) == [[]]
    problem_of(Person("jun").asks(f"coupons/{code}"), 404, "unknown_coupon")
