"""What our own processes noted is read in the reader's language; a person's words stay theirs."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from coupons.audit import labels
from coupons.models import Campaign, CampaignEvent
from coupons.readiness import warmup
from coupons.recovery import rebuild
from tests.conftest import CampaignMaker

Page = Callable[..., str]


@pytest.fixture
def korean() -> Any:
    with translation.override("ko"):
        yield


def newest() -> str:
    return CampaignEvent.objects.latest("pk").note


def test_a_warm_up_is_told_in_korean(open_campaign: CampaignMaker, settings: Any) -> None:
    settings.WARM_UP_URLS = ["http://127.0.0.1:1"]
    open_campaign("sale")
    warmup.warm_up(Campaign.objects.get())
    assert labels.translated_note(newest()) == newest()
    with translation.override("ko"):
        database, scripts, host = labels.translated_note(newest()).split("; ")
    assert database.startswith("데이터베이스 응답 ")
    assert scripts.startswith("Redis에 스크립트 ")
    assert host == "http://127.0.0.1:1 응답 0/64"


def test_a_rebuild_is_told_in_korean(open_campaign: CampaignMaker, korean: None) -> None:
    open_campaign("sale")
    rebuild.rebuild_campaign("sale", actor="mina")
    whole = labels.translated_note(newest())
    assert whole.startswith("신청자 0명, 번호는 0 다음부터 이어짐, epoch ")
    assert whole.split()[-1] == newest().split()[-1]


def test_what_was_red_is_named_as_on_the_board(korean: None) -> None:
    assert labels.translated_note("red: replicas, coupon_keys") == "빨간 항목: 복제본, 쿠폰 키"


@pytest.mark.parametrize("reason", ["closed", "one server is enough; opened", "", "쿠폰"])
def test_a_person_s_reason_stays_as_it_is(reason: str, korean: None) -> None:
    assert labels.translated_note(reason) == reason


def test_the_history_is_on_the_campaign_s_page(
    operator: Client, open_campaign: CampaignMaker, page: Page
) -> None:
    open_campaign("sale")
    led = operator.get(page("sale", "history"))
    assert (led.status_code, led["Location"]) == (302, page("sale") + "#history")
    assert 'id="history"' in operator.get(page("sale")).content.decode()


def test_deleting_a_draft_speaks_of_nothing_but_the_draft(
    operator: Client, draft: Callable[..., Campaign], page: Page
) -> None:
    draft("sale")
    shown = operator.get(page("sale", "delete"))
    assert shown.context["model_count"] == {"campaigns": 1}.items()
    assert "Tally" not in shown.content.decode()
