"""The admin's pages when one campaign is damaged in Redis: none, also of the other campaigns, is an
error page, and the list shows all that can be read (issue 12, A1)."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from coupons.admission import strategies
from coupons.claims.values import Claim
from coupons.store import store
from tests.conftest import CampaignMaker
from tests.harness import damaged_keys

LIST = "/admin/coupons/campaign/"
PAGES = (
    "change", "live", "live_counts", "live_figures", "parked", "readiness", "readiness_json",
    "receipt", "rehearsal", "report", "why",
)  # fmt: skip
Page = Callable[..., str]


@pytest.mark.parametrize("how", damaged_keys.ALL)
def test_every_page_of_a_damaged_campaign_is_a_page(
    operator_client: Client, open_campaign: CampaignMaker, campaign_url: Page, how: str
) -> None:
    for slug in ("ill", "well"):
        strategies.admit(open_campaign(slug), Claim("user-0"))
    damaged_keys.damage_campaign("ill", how)
    operator_client.raise_request_exception = False
    assert [
        at for at in PAGES if operator_client.get(campaign_url("ill", at)).status_code != 200
    ] == []
    answer = operator_client.get(LIST)
    assert answer.status_code == 200
    rows = {each.slug: vars(each)["counts"] for each in answer.context["cl"].result_list}
    assert rows["well"].admitted == 1
    assert operator_client.get(campaign_url("well", "live_counts")).json()["admitted"] == 1


@pytest.mark.parametrize("how", ["gate is a string", "queue is a string", "stock is no number"])
def test_a_campaign_that_can_not_be_read_is_named_on_the_list_and_its_buttons_say_so(
    operator_client: Client, open_campaign: CampaignMaker, campaign_url: Page, how: str
) -> None:
    open_campaign("ill")
    damaged_keys.damage_campaign("ill", how)
    note = "What Redis holds of ill can"
    assert note in operator_client.get(LIST).content.decode()
    assert operator_client.get(campaign_url("ill", "live_counts")).json()["note"].startswith(note)
    if how == "gate is a string":
        answer: Any = operator_client.post(
            campaign_url("ill", "do", "pause"), {"reason": "load"}, follow=True
        )
        assert "can&#x27;t be read" in answer.content.decode()


def test_a_login_is_no_error_where_the_count_of_wrong_passwords_is_damaged(
    client: Client, db: None
) -> None:
    redis: Any = store().client
    client.raise_request_exception = False
    for damage in ("?", ["?"]):
        for _ in range(2):
            answer = client.post("/admin/login/", {"username": "mina", "password": "wrong"})
            assert answer.status_code == 200
        for key in redis.keys("coupon:login:*"):
            redis.delete(key)
            redis.set(key, damage) if isinstance(damage, str) else redis.rpush(key, *damage)
        answer = client.post("/admin/login/", {"username": "mina", "password": "wrong"})
        assert answer.status_code == 200
