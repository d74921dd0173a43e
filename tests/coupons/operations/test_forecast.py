"""A forecast is what the run then does, and a dry run changes nothing: drawn campaigns and verbs.

More of them: DRAWN_FORECASTS=1000 .venv/bin/python -m pytest -s
tests/coupons/operations/test_forecast.py -k drawn
"""

import os
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from coupons import dry_run
from coupons.admission import strategies
from coupons.campaigns import update
from coupons.claims.values import Claim
from coupons.grants import waitlist, waitlist_storing
from coupons.models import Campaign, CampaignEvent, Merchant, WebhookEndpoint
from coupons.operations import dry_runs
from coupons.operations.forecast import Forecast, parse_forecast
from coupons.store import store
from tests.conftest import CampaignMaker
from tests.coupons.campaigns.sales import Broker
from tests.coupons.operations import drawn

pytestmark = pytest.mark.django_db
EXAMPLES = int(os.environ.get("DRAWN_FORECASTS", "25"))
DRAWN: Any = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
    phases=(Phase.generate,), suppress_health_check=list(HealthCheck),
)  # fmt: skip
Drafts = Callable[..., Campaign]


def compare(
    case: drawn.Drawn, open_campaign: CampaignMaker, draft: Drafts
) -> tuple[Forecast, dict[str, Any]]:
    """The forecast, and what the run did. Fails if the dry run has changed anything."""
    slug = drawn.make_case(case, open_campaign, draft)
    attempt = drawn.attempt_of(slug, case)
    events = CampaignEvent.objects.count()
    before = (drawn.stored_rows(slug), drawn.stored_keys(slug))
    forecast = attempt.forecast()
    assert (drawn.stored_rows(slug), drawn.stored_keys(slug)) == before, "the dry run wrote"
    assert CampaignEvent.objects.count() == events
    return forecast, attempt.effects()


def told_and_done(forecast: Forecast, done: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """Of a refusal only that it is one, and which: a list of slots may have been begun."""
    if forecast.refusal_code or done["refusal_code"]:
        return {"refusal_code": forecast.refusal_code}, {"refusal_code": done["refusal_code"]}
    return forecast.effects, done


def test_a_forecast_is_what_the_run_then_does_of_drawn_cases(
    open_campaign: CampaignMaker, draft: Drafts, fake_broker: Broker
) -> None:
    played: Counter[str] = Counter()

    @DRAWN  # type: ignore[untyped-decorator]
    @given(case=drawn.drawn_cases())
    def play(case: drawn.Drawn) -> None:
        forecast, done = compare(case, open_campaign, draft)
        told, did = told_and_done(forecast, done)
        assert told == did, case
        assert forecast.sentences
        assert parse_forecast(forecast.as_json()) == forecast
        played["refused" if forecast.refusal else case.verb] += 1

    play()
    print(f"{played.total()} cases: {dict(played)}")
    assert played.total() >= EXAMPLES
    assert len(played) > (8 if EXAMPLES >= 200 else 2)


@pytest.mark.parametrize("broken", ["events", "stock", "unchecked"])
def test_a_broken_forecast_is_found(
    open_campaign: CampaignMaker, draft: Drafts, fake_broker: Broker,
    monkeypatch: pytest.MonkeyPatch, broken: str,
) -> None:  # fmt: skip
    """Control: one that counts no events, forgets the stock, or does not ask Redis."""
    to = 4 if broken == "unchecked" else 8  # fewer than were admitted, of which none is stored
    case = drawn.Drawn("stock", "queued", "open", True, 6, 5, 0, 0, 0, to)
    slug = drawn.make_case(case, open_campaign, draft)
    attempt = drawn.attempt_of(slug, case)
    if broken == "events":
        monkeypatch.setattr(dry_run, "noted", lambda what, count=1: dry_run.is_dry_run())
    elif broken == "stock":
        monkeypatch.setattr(dry_runs, "_highest_slot", lambda slug: 0)
    else:
        monkeypatch.setattr(update, "_install", lambda campaign, **more: None)
    forecast = attempt.forecast()
    monkeypatch.undo()
    told, did = told_and_done(forecast, attempt.effects())
    assert told != did


def test_a_dry_run_that_would_write_to_redis_is_refused(open_campaign: CampaignMaker) -> None:
    open_campaign("sale")
    with dry_run.dry_run():
        with pytest.raises(dry_run.DryRunWrites, match="SET was not sent"):
            store().client.set("one", "1")
        with pytest.raises(dry_run.DryRunWrites), store().client.pipeline() as pipe:
            pipe.get("one")
            pipe.set("one", "1")
            pipe.execute()
        with pytest.raises(dry_run.DryRunWrites):
            store().queue.leave_group("sale", consumer="test")
        assert store().campaigns.gate("sale").admitted == 0
        assert store().client.get("one") is None
    store().client.set("one", "1")
    assert store().client.get("one") == b"1"


def test_the_sentences_say_who_is_concerned(
    open_campaign: CampaignMaker, draft: Drafts, fake_broker: Broker
) -> None:
    case = drawn.Drawn("close", "queued", "open", True, 6, 5, 3, 1, 0, 1)
    slug = drawn.make_case(case, open_campaign, draft)
    endpoint_of(slug)
    forecast = drawn.attempt_of(slug, case).forecast()
    assert forecast.sentences == [
        "It closes now, and can't be opened again.",
        "1 coupon of the stock will not be given.",
        "4 coupons are given, and stay valid.",
        "1 admitted claim waits, and is stored all the same.",
        "1 parked claim still needs a decision.",
        "1 merchant is told.",
    ]
    closed = drawn.Drawn("pause", "queued", "closed", True, 6, 5, 3, 1, 0, 1)
    slug = drawn.make_case(closed, open_campaign, draft)
    (refusal,) = drawn.attempt_of(slug, closed).forecast().sentences
    assert refusal == f"It would be refused: {slug} is closed: it can't be paused."


def endpoint_of(slug: str, **fields: Any) -> WebhookEndpoint:
    merchant = Merchant.objects.get(campaigns__slug=slug)
    return WebhookEndpoint.objects.create(
        id=uuid.uuid4(), merchant=merchant, url="https://shop.example/hook", key_id="k1", **fields
    )


@pytest.mark.parametrize("verb", ["close", "revoke"])
def test_a_merchant_whose_endpoints_hear_nothing_is_not_said_to_be_told(
    verb: str, open_campaign: CampaignMaker, draft: Drafts, fake_broker: Broker
) -> None:
    case = drawn.Drawn(verb, "queued", "open", True, 6, 5, 3, 1, 0, 1)
    slug = drawn.make_case(case, open_campaign, draft)

    def last_sentence() -> str:
        forecast = drawn.attempt_of(slug, case).forecast()
        assert forecast.merchants == 1
        return str(forecast.sentences[-1])

    nobody = "No merchant is told: no enabled webhook endpoint is set up for this."
    assert last_sentence() == nobody
    endpoint_of(slug, is_enabled=False)
    endpoint_of(slug, types=["coupon.redeemed"])
    assert last_sentence() == nobody
    endpoint_of(slug, types=["coupon.*", "campaign.*"])
    assert last_sentence() == "1 merchant is told."


def test_a_forecast_of_an_earlier_release_says_what_it_said() -> None:
    kept = {"verb": "close", "slug": "sale", "merchants": 1}
    assert parse_forecast(kept).sentences[-1] == "1 merchant is told."


def test_no_sentence_counts_nothing() -> None:
    empty = {"remaining": 0, "holders": 3, "state": "open"}
    for verb in ("open", "resume", "close"):
        told = parse_forecast({"verb": verb, "slug": "sale", **empty}).sentences
        assert told
        assert not any(sentence.startswith("0 ") or " 0 " in sentence for sentence in told), told


@pytest.mark.parametrize(("verb", "options"), [("stock", {"stock": 3}), ("close", {})])
@pytest.mark.parametrize("returns_to", ["waitlist", "burn"])
def test_who_is_on_the_waitlist_is_spoken_of(
    open_campaign: CampaignMaker, verb: str, options: dict[str, int], returns_to: str
) -> None:
    sale = open_campaign("sale", stock=1, waitlist_limit=5, returns_to=returns_to)
    strategies.admit(sale, Claim("ann"))
    waitlist.join_waitlist(sale, "bob")
    waitlist_storing.store_joined("sale")
    told = dry_runs.forecast_verb(verb, "sale", actor="mina", **options).sentences
    stays = {
        "waitlist": "1 user stays on the waitlist, and gets a coupon only if one comes back.",
        "burn": "1 user stays on the waitlist, and will never get a coupon.",
    }
    raised = "1 user waits on the waitlist: new stock is open to everybody, and not kept for them."
    assert (raised if verb == "stock" else stays[returns_to]) in told


def test_scheduling_warns_of_a_waitlist_that_nobody_serves(draft: Drafts) -> None:
    draft("sale", waitlist_limit=5, returns_to="burn")
    told = dry_runs.forecast_verb("schedule", "sale", actor="mina").sentences
    assert told[-1].startswith("No user on the waitlist will ever get a coupon")
    Campaign.objects.update(returns_to="waitlist")
    assert "waitlist" not in str(dry_runs.forecast_verb("schedule", "sale", actor="mina").sentences)
