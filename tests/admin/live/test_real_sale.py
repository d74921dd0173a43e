"""The live page's figures beside a real site: web, worker and beat as processes, and a small crowd.
What the users were answered is the measure."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from coupons.admin.live import page_texts, reading
from coupons.admin.live.reading import Reading
from coupons.admin.live.seen import counts_by_word
from coupons.identity import user_tokens
from coupons.models import Campaign, Coupon
from tests.conftest import CampaignMaker
from tests.harness import services

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
PATIENCE_S = 60
STOCK, PEOPLE = 60, 150


def ask(port: int, user: str) -> int:
    headers = {"Authorization": f"Bearer {user_tokens.mint_token(user)}", "Content-Length": "0"}
    with closing(HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request("POST", "/api/v1/campaigns/sale/claims", headers=headers)
        return connection.getresponse().status


def crowd_answers(port: int) -> Counter[int]:
    """Everybody asks once; then one user asks thirty times as fast as it goes."""
    users = [f"user-{number}" for number in range(PEOPLE)]
    with ThreadPoolExecutor(8) as pool:
        answers = Counter(pool.map(lambda user: ask(port, user), users))
        return answers + Counter(pool.map(lambda _: ask(port, "user-0"), range(30)))


def reading_when(holds: Callable[[Reading], bool]) -> Reading:
    pk = Campaign.objects.get(slug="sale").pk
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        seen = reading.read_sale(pk)
        if holds(seen):
            return seen
        time.sleep(0.2)
    pytest.fail(f"{seen.seen} {counts_by_word(seen.seconds)}")


def test_a_small_crowd_is_counted_as_it_was_answered(
    open_campaign: CampaignMaker, child_environment: dict[str, str], tmp_path: Path
) -> None:
    open_campaign(stock=STOCK)
    limited = child_environment | {"CLAIMS_PER_USER_PER_S": "2"}
    with ExitStack() as site:
        port = site.enter_context(services.start_web(limited, tmp_path))
        site.enter_context(services.start_worker(child_environment, tmp_path))
        site.enter_context(services.start_beat(child_environment, tmp_path))
        answers = crowd_answers(port)
        at_end = reading_when(
            lambda now: sum(counts_by_word(now.seconds).values()) == answers.total()
            and now.seen.stored == STOCK and now.seen.canary_ms is not None
            and now.seen.sold_out_after_ms is not None
        )  # fmt: skip
        counted = counts_by_word(at_end.seconds)
    by_status = {
        202: counted["admitted"], 200: counted.get("already_claimed", 0),
        409: counted["sold_out"], 429: counted["too_many_requests"],
    }  # fmt: skip
    assert Counter({status: count for status, count in by_status.items() if count}) == answers
    assert answers[429] > 0
    seen = at_end.seen
    assert (seen.admitted, seen.stored, seen.missing, seen.parked) == (STOCK, STOCK, 0, 0)
    assert sum(sum(second.latency) for second in at_end.seconds) == answers.total() - answers[429]
    verdict = page_texts.verdict_of(at_end)
    assert "sold out" in verdict.text or "turned away" in verdict.text, verdict
    assert Coupon.objects.count() == STOCK
