"""History entries of our processes are translated for the reader; what a person typed is not."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from coupons.audit import labels
from coupons.models import Campaign, CampaignEvent, EventKind
from coupons.readiness import warmup
from coupons.recovery import rebuild
from tests.conftest import CampaignMaker

Page = Callable[..., str]


@pytest.fixture
def korean_language() -> Any:
    with translation.override("ko"):
        yield


def newest_event() -> CampaignEvent:
    return CampaignEvent.objects.latest("pk")


def test_a_warm_up_entry_is_shown_in_korean(open_campaign: CampaignMaker, settings: Any) -> None:
    settings.WARM_UP_URLS = ["http://127.0.0.1:1"]
    open_campaign("sale")
    warmup.warm_up(Campaign.objects.get())
    assert labels.event_details(newest_event()).startswith("the database answered in ")
    with translation.override("ko"):
        database, scripts, host = labels.event_details(newest_event()).split("; ")
    assert database.startswith("데이터베이스 응답 ")
    assert scripts.startswith("Redis에 스크립트 ")
    assert host == "http://127.0.0.1:1 응답 0/64"


def test_a_rebuild_entry_is_shown_in_korean(
    open_campaign: CampaignMaker, korean_language: None
) -> None:
    open_campaign("sale")
    rebuild.rebuild_campaign("sale", actor="mina")
    whole = labels.event_details(newest_event())
    assert whole.startswith("신청자 0명, 번호는 0 다음부터 이어짐, epoch ")
    assert whole.split()[-1] == Campaign.objects.get().epoch


# Every kind, with data as its code writes it: in English, and in Korean
DATA: dict[EventKind, tuple[dict[str, Any], str, str]] = {
    EventKind.CREATED: ({}, "created", "생성"),
    EventKind.EDITED: ({}, "edited", "수정"),
    EventKind.SCHEDULED: ({}, "scheduled", "예약"),
    EventKind.RESCHEDULED: (
        {
            "moved": {
                "announced_at": [None, "2026-05-01T02:00:00.000Z"],
                "opens_at": ["2026-05-01T03:00:00.000Z", "2026-05-01T03:05:00.250Z"],
            }
        },
        "rescheduled: announced at – → 2026-05-01 11:00 KST;"
        " opens at 2026-05-01 12:00 KST → 2026-05-01 12:05:00.250 KST",
        "기간 변경: 공개 시각 – → 2026-05-01 11:00 KST;"
        " 오픈 시각 2026-05-01 12:00 KST → 2026-05-01 12:05:00.250 KST",
    ),
    EventKind.STOCK_SET: (
        {"was": 200, "stock": 3000},
        "stock 200 → 3,000",
        "수량 200 → 3,000",
    ),
    EventKind.OPENED: ({}, "opened", "오픈"),
    EventKind.PAUSED: ({}, "paused", "일시 중지"),
    EventKind.RESUMED: ({}, "resumed", "재개"),
    EventKind.CLOSED: ({}, "closed", "종료"),
    EventKind.HELD: (
        {"checks": ["replicas", "coupon_keys"]},
        "held back: red: replicas, coupon keys",
        "오픈 보류: 빨간 항목: 복제본, 쿠폰 키",
    ),
    EventKind.RELEASED: (
        {},
        "released: nothing is red any more",
        "오픈 보류 해제: 빨간 항목이 없어졌습니다",
    ),
    EventKind.OVERRIDDEN: ({"reason": "쿠폰"}, "overridden: 쿠폰", "오픈 보류 무시: 쿠폰"),
    EventKind.WARMED_UP: (
        {"database_ms": 3, "scripts": 15, "hosts": [["http://a", 60, 64]]},
        "warmed up: the database answered in 3 ms; 15 scripts are in Redis;"
        " http://a answered 60 of 64",
        "예열: 데이터베이스 응답 3 ms; Redis에 스크립트 15개 적재; http://a 응답 60/64",
    ),
    EventKind.REBUILT: (
        {"claimants": 5, "highest": 7, "epoch": "ab.2"},
        "rebuilt: 5 claimants; numbers go on above 7; epoch ab.2",
        "복구: 신청자 5명, 번호는 7 다음부터 이어짐, epoch ab.2",
    ),
    EventKind.CHECKED: (
        {"claimants": 0, "highest": 7, "epoch": "ab.2"},
        "checked: Redis lacked no claimant; numbers go on above 7; epoch ab.2",
        "점검: Redis에 빠진 신청자 없음, 번호는 7 다음부터 이어짐, epoch ab.2",
    ),
    EventKind.CLAIMS_REPLAYED: (
        {"count": 2, "reason": "rejected"},
        "replayed: 2 (the database refused the row)",
        "재처리: 2 (데이터베이스가 저장을 거부함)",
    ),
    EventKind.CLAIM_GIVEN_UP: (
        {"place": 3, "user": "jun", "why": "asked for it"},
        "gave up: 3 'jun': asked for it",
        "발급 제외: 3 'jun': asked for it",
    ),
    EventKind.RECEIPT_HONOURED: (
        {"place": 3, "user": "jun"},
        "honoured a receipt: 3 'jun'",
        "영수증대로 발급: 3 'jun'",
    ),
    EventKind.GRANTED: ({"count": 12}, "granted: 12", "지급: 12"),
    EventKind.GIVEN_ON: (
        {"count": 2, "to": "pool"},
        "gave returned stock on: 2",
        "반환 수량 재배정: 2",
    ),
    EventKind.PROVED: (
        {"places": 10, "coupons": 9, "root": "abc="},
        "proved: 10 places, 9 coupons, root abc=",
        "증명 공개: 순번 10개, 쿠폰 9장, 루트 abc=",
    ),
    EventKind.PROOF_DIFFERS: (
        {"places": "1 to 3"},
        "differs from its proof: places 1 to 3",
        "증명과 다름: 순번 1 to 3",
    ),
    EventKind.UNDONE: (
        {"verb": "pause", "reason": "the load is over"},
        "undone: pause: the load is over",
        "되돌림: 일시 중지: the load is over",
    ),
    EventKind.APPROVAL_ASKED: (
        {"verb": "close", "request": 7, "reason": "the sale is over"},
        "asked for approval: close for good: the sale is over",
        "승인 요청: 영구 종료: the sale is over",
    ),
    EventKind.APPROVED: (
        {"verb": "close", "request": 7, "reason": "", "asked_by": "ann", "is_alone": True},
        "approved: close for good; asked by ann; by the same person, as APPROVE_ALONE allows",
        "승인: 영구 종료; 요청자: ann; 요청한 사람이 직접 승인함(APPROVE_ALONE)",
    ),
    EventKind.APPROVAL_REFUSED: (
        {"verb": "give_up", "request": 8, "reason": "not yet", "asked_by": "ann"},
        "refused approval: give up parked claims: not yet; asked by ann",
        "승인 거절: 격리된 신청 발급 제외: not yet; 요청자: ann",
    ),
    EventKind.SOLD_OUT: (
        {"stock": 500, "after_ms": 912, "is_exact": True},
        "sold out: 0.9 s after the opening, stock 500",
        "선착순 마감: 오픈 0.9초 후, 수량 500개",
    ),
    EventKind.REHEARSAL_BEGAN: (
        {"people": 100, "per_second": 50},
        "rehearsal began: 100 people, 50 a second",
        "리허설 실행: 100명, 초당 50건",
    ),
    EventKind.REHEARSED: (
        {"light": "red", "per_second": 50, "checks": ["eviction"]},
        "rehearsed: red at 50 a second: eviction",
        "리허설: 적색, 초당 50건: 키 삭제 정책",
    ),
    EventKind.OTHER: ({"text": "danced: twice"}, "other: danced: twice", "기타: danced: twice"),
}


@pytest.mark.parametrize("kind", EventKind)
def test_every_kind_of_entry_is_shown_in_both_languages(kind: EventKind) -> None:
    data, *texts = DATA[kind]
    event = CampaignEvent(kind=kind, data=data)
    for language, text in zip(("en", "ko"), texts, strict=True):
        with translation.override(language):
            assert labels.event_text(event) == text


@pytest.mark.parametrize("kind", EventKind)
@pytest.mark.parametrize("data", [None, {}])
def test_an_entry_of_an_earlier_release_is_shown_as_well(
    kind: EventKind, data: dict[str, Any] | None
) -> None:
    assert labels.event_text(CampaignEvent(kind=kind, data=data))


@pytest.mark.parametrize(
    ("kind", "data", "text"),
    [
        ("stock_set", {"stock": 3000}, "stock set to 3,000"),
        ("rescheduled", {}, "rescheduled"),
        (
            "rescheduled",
            {"moved": {"opens_at": ["x"]}},
            'rescheduled: {"moved": {"opens_at": ["x"]}}',
        ),
        ("undone", {"verb": "stock", "was": 3000, "stock": 200}, "undone: stock 3,000 → 200"),
        ("archived", {}, "other"),
        ("archived", {"text": "by hand"}, "other: by hand"),
        ("held", {"checks": None}, 'held back: {"checks": null}'),
        ("warmed_up", {"hosts": [["a"]]}, 'warmed up: {"hosts": [["a"]]}'),
        ("rebuilt", ["x"], 'rebuilt: ["x"]'),
    ],
)
def test_what_a_later_release_wrote_breaks_no_page(kind: str, data: Any, text: str) -> None:
    assert labels.event_text(CampaignEvent(kind=kind, data=data)) == text


@pytest.mark.parametrize("reason", ["closed", "one server is enough; opened", "", "쿠폰"])
def test_a_person_s_reason_stays_as_it_is(reason: str, korean_language: None) -> None:
    event = CampaignEvent(kind=EventKind.OVERRIDDEN, data={"reason": reason})
    assert labels.event_details(event) == reason


def test_the_history_is_on_the_campaign_s_page(
    operator_client: Client, open_campaign: CampaignMaker, campaign_url: Page
) -> None:
    open_campaign("sale")
    led = operator_client.get(campaign_url("sale", "history"))
    assert (led.status_code, led["Location"]) == (302, campaign_url("sale") + "#history")
    assert 'id="history"' in operator_client.get(campaign_url("sale")).content.decode()


def test_deleting_a_draft_speaks_of_nothing_but_the_draft(
    operator_client: Client, draft: Callable[..., Campaign], campaign_url: Page
) -> None:
    draft("sale")
    shown = operator_client.get(campaign_url("sale", "delete"))
    assert shown.context["model_count"] == {"campaigns": 1}.items()
    assert "Tally" not in shown.content.decode()
