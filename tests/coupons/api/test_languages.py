"""Problem documents in Korean for clients that prefer it; codes, statuses and the rest are the
same."""

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from django.test import Client
from django.utils import translation

from config import overload
from coupons import errors
from coupons.api import problems, responses, translations
from coupons.campaigns import lifecycle
from coupons.campaigns.snapshot import CampaignSnapshot

CampaignMaker = Callable[..., CampaignSnapshot]
KOREAN = {"Accept-Language": "ko-KR,ko;q=0.9,en-US;q=0.8"}


@pytest.fixture(autouse=True)
def known_by_now(db: None) -> None:
    """What is not there is told in other words the first time."""
    send_get({})


def send_get(headers: dict[str, str], path: str = "campaigns/nosuch") -> Any:
    return Client().get(f"/api/v1/{path}", headers=headers)


def test_a_problem_is_korean_for_a_korean_client_with_the_same_code(db: None) -> None:
    english, korean = send_get({}), send_get(KOREAN)
    assert english.json()["title"] == "There is no such campaign"
    assert korean.json() | {"title": 0, "detail": 0} == english.json() | {"title": 0, "detail": 0}
    assert korean.json()["title"] == "존재하지 않는 캠페인입니다"
    assert korean.json()["detail"] == "이름이 일치하는 캠페인이 없습니다."
    assert send_get(KOREAN, "campaigns/other").json() == korean.json()
    assert (korean.status_code, korean["Content-Language"]) == (404, "ko")
    assert "Content-Language" not in english


@pytest.mark.parametrize("accepted", ["en", "en-US,en;q=0.9,ko;q=0.1", "*", "fr", "x" * 999])
def test_a_problem_is_english_for_all_other_clients(db: None, accepted: str) -> None:
    assert send_get({"Accept-Language": accepted}).content == send_get({}).content


def test_a_refusal_in_korean(open_campaign: CampaignMaker, person: Any) -> None:
    open_campaign("sale", stock=1)
    person("ann").claims()
    late = person("bob")
    late.client.defaults["HTTP_ACCEPT_LANGUAGE"] = "ko"
    said = late.claims()
    assert said.json() | {"title": "선착순 마감", "code": "sold_out"} == said.json()
    assert said["Coupon-Outcome"] == "sold_out"


def test_errors_outside_of_views_are_in_korean_as_well(db: None) -> None:
    nowhere = send_get(KOREAN, "nowhere")
    assert (nowhere.status_code, nowhere["Content-Language"]) == (404, "ko")
    assert nowhere.json() == send_get({}, "nowhere").json() | {
        "title": "요청한 주소를 찾을 수 없습니다"
    }


@pytest.mark.parametrize(
    ("accepted", "title"), [("ko-KR,ko;q=0.9", "접속이 몰리고 있습니다"), ("", overload.TITLE)]
)
def test_who_is_turned_away_is_told_in_their_language(accepted: str, title: str) -> None:
    told: dict[str, str] = {}
    (body,) = overload._refuse(
        {"HTTP_ACCEPT_LANGUAGE": accepted}, lambda _, headers: told.update(headers)
    )
    assert orjson.loads(body)["title"] == title
    assert told["Content-Length"] == str(len(body))
    assert told.get("Content-Language", "") == accepted[:2]


def test_the_language_of_a_request_does_not_reach_the_next_one(db: None) -> None:
    send_get(KOREAN)
    assert translation.get_language() in ("en", "en-us")
    assert send_get({}).json()["title"] == "There is no such campaign"


def test_an_answer_that_is_no_problem_is_left_alone(
    open_campaign: CampaignMaker, person: Any
) -> None:
    open_campaign("sale")
    bob = person("bob")
    bob.client.defaults["HTTP_ACCEPT_LANGUAGE"] = "ko"
    assert "Content-Language" not in bob.claims()
    lifecycle.pause_campaign("sale", actor="Mina")


def error_titles() -> Iterator[str]:
    def error_classes(kind: type[errors.CouponError]) -> Iterator[type[errors.CouponError]]:
        yield kind
        for each in kind.__subclasses__():
            yield from error_classes(each)

    yield from (kind.title for kind in error_classes(errors.CouponError))
    yield from (title for _, title in problems.CODES.values())
    for _status, title, detail in responses.REFUSALS.values():
        yield from (title, detail)
    yield from (problems._ASK_AGAIN, overload.TITLE, overload.DETAIL)


def test_every_title_and_every_refusal_has_its_korean() -> None:
    assert [
        title for title in error_titles() if not translations._translated_text(title, "ko")
    ] == []
