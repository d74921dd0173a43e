"""A master key that is missing while a campaign uses it: 503 with Retry-After, one line in the log,
a check that is red; and definitions in Redis that can't be read: MySQL's are used."""

import json
import logging
import time
from typing import Any

import orjson
import pytest
from django.conf import settings as django_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coupons.campaigns import lookup, snapshot
from coupons.claims.identifiers import make_uuid7
from coupons.models import Campaign, Merchant, WebhookEndpoint
from coupons.monitoring import server_checks
from coupons.store import store
from tests.conftest import CampaignMaker, Person
from tests.coupons.answers import problem_of

GATE = "coupon:{sale}:gate"


@pytest.fixture
def lost_key(open_campaign: CampaignMaker, settings: Any) -> None:
    """A campaign, somebody's coupon, and then settings with another key only."""
    open_campaign(strategy="direct")
    assert Person("jun").claims().status_code == 201
    settings.COUPON_KEYS = {"another": b"k" * 32}
    lookup.clear_snapshots()


@pytest.mark.parametrize(
    "path", ["campaigns/sale", "campaigns/sale/live", "campaigns/sale/claims/me", "coupons"]
)
def test_what_needs_the_lost_key_gets_503_and_one_line_in_the_log(
    lost_key: None, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    began_s = time.monotonic()
    with caplog.at_level(logging.WARNING):
        answers = [Person("jun").asks(path) for _ in range(20)]
    passed_s = time.monotonic() - began_s
    for answer in answers:
        problem_of(answer, 503, "key_missing")
        assert int(answer.headers["Retry-After"]) >= 5
        assert "another" not in answer.content.decode()
    lines = [record for record in caplog.records if "COUPON_KEYS has no key" in record.getMessage()]
    assert 1 <= len(lines) <= 2 + passed_s, "one a second"
    assert not any(record.exc_info for record in caplog.records)


def test_a_claim_without_the_key_takes_no_place(lost_key: None, settings: Any) -> None:
    problem_of(Person("mina").claims(), 503, "key_missing")
    settings.COUPON_KEYS = django_settings.COUPON_KEYS | {"local": bytes.fromhex("11" * 32)}
    lookup.clear_snapshots()
    assert Person("mina").claims().json()["place"] == 2


def test_a_queued_campaign_whose_key_is_lost_is_not_decided_either(
    open_campaign: CampaignMaker, settings: Any
) -> None:
    open_campaign()
    settings.COUPON_KEYS = {"another": b"k" * 32}
    lookup.clear_snapshots()
    problem_of(Person("jun").claims(), 503, "key_missing")
    assert store().queue.waiting_counts(["sale"])["sale"] == 0


def test_other_campaigns_go_on(lost_key: None, open_campaign: CampaignMaker) -> None:
    open_campaign("other")
    assert Person("jun").claims("other").status_code == 202


def test_the_check_of_the_stores_names_each_lost_key_and_its_users(
    open_campaign: CampaignMaker, settings: Any
) -> None:
    known = open_campaign().key_id
    merchant = Merchant.objects.create(name="Ann's")
    WebhookEndpoint.objects.create(
        id=make_uuid7(), merchant=merchant, url="https://ann.example/", key_id="older"
    )
    settings.COUPON_KEYS = {known: b"k" * 32, "older": b"o" * 32}
    assert server_checks.check_coupon_keys() == []
    settings.COUPON_KEYS = {"another": b"k" * 32}
    found = server_checks.check_coupon_keys()
    assert {message.id for message in found} == {"coupons.E031"}
    told = " ".join(message.msg for message in found)
    assert repr(known) in told
    assert "'older'" in told
    assert all(message.hint for message in found)


@pytest.mark.parametrize(
    "facts",
    [
        b"", b"not JSON", b"[]", b"7", b'"text"', b"\xff\xfe", b"{}", b'{"slug": "sale"}',
        {"slug": "other"}, {"opens_ms": -1}, {"closes_ms": 10**30}, {"per_user": "2"},
        {"stock": True}, {"terms": []}, {"key_id": "unknown"}, {"key_id": []}, {"name": None},
    ],
    ids=str,
)  # fmt: skip
def test_unreadable_facts_in_redis_are_read_from_mysql(
    open_campaign: CampaignMaker, facts: bytes | dict[str, Any]
) -> None:
    known = open_campaign()
    whole = json.loads(snapshot.serialise_snapshot(known))
    raw = facts if isinstance(facts, bytes) else json.dumps(whole | facts)
    store().client.hset(GATE, "facts", raw)
    lookup.clear_snapshots()
    assert lookup.find_snapshot("sale") == known
    assert Person("jun").claims().status_code == 202


@settings(max_examples=300, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.data())
def test_whatever_redis_holds_is_a_snapshot_or_nothing(data: st.DataObject) -> None:
    member = st.sampled_from(sorted(snapshot._MEMBER_TYPES))
    scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text() | st.floats()
    values = st.recursive(
        scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
    document = data.draw(st.dictionaries(member | st.text(), values) | values)
    raw = data.draw(st.binary() | st.just(orjson.dumps(document)))
    found = snapshot.parse_snapshot(raw)
    assert found is None or found.key_id in django_settings.COUPON_KEYS


def test_a_campaign_of_a_future_release_with_more_members_is_read(
    open_campaign: CampaignMaker,
) -> None:
    known = open_campaign()
    whole = json.loads(snapshot.serialise_snapshot(known))
    assert snapshot.parse_snapshot(json.dumps(whole | {"new": 1}).encode()) == known
    assert Campaign.objects.get(slug="sale").key_id == known.key_id
