"""Error replies of Redis: about some keys, or about the whole server."""

from typing import Any

import pytest
import redis
from redis._parsers.base import BaseParser

from coupons.errors import StoreAway, StoreError
from coupons.store.connection import _server_error
from coupons.store.replies import ByCampaign, failure_of, reply_each
from tests.coupons.store.test_bad_servers import SAID

ABOUT_KEYS = [
    "WRONGTYPE Operation against a key holding the wrong kind of value",
    "WRONGTYPE Operation against a key of a wrong kind script: 5c4f, on @user_script:14.",
    "NOGROUP No such key 'coupon:{loading}:queue' or consumer group 'drain' in XREADGROUP",
    "BUSYGROUP Consumer Group name already exists",
    "ERR hash value is not an integer",
    "ERR user_script:27: attempt to compare nil with number script: 5c4f, on @user_script:27.",
    "ERR The ID specified in XADD is equal or smaller than the target stream top item",
    "ERR Error running script (call to f_5c4f): @user_script:14: WRONGTYPE Operation against a key",
    "ERR bit offset is not an integer or out of range",
    "ERR no such key",
]  # fmt: skip
OF_OLD_SCRIPTS = [
    "ERR Error running script (call to f_5c4f): @user_script:29: -OOM command not allowed",
    "ERR Error running script (call to f_5c4f): @user_script:29: READONLY You can't write",
]


def as_heard(said: str) -> list[redis.RedisError]:
    """By redis-py, in its pipeline, and on our own connection."""
    parse: Any = BaseParser.parse_error
    parsed, in_pipeline = parse(said), parse(said)
    asked = "Command # 2 (XLEN coupon:{oom}:queue)"
    in_pipeline.args = (f"{asked} of pipeline caused error: {parsed}",)
    own = _server_error(said)
    assert isinstance(own, redis.RedisError)
    return [parsed, in_pipeline, own]


@pytest.mark.parametrize("said", ABOUT_KEYS)
def test_an_error_about_keys_is_no_absence_of_the_server(said: str) -> None:
    for error in as_heard(said):
        assert type(failure_of(error, "sale")) is StoreError, error
    assert "sale" in str(failure_of(error, "sale"))


@pytest.mark.parametrize("said", SAID + OF_OLD_SCRIPTS)
def test_a_server_that_refuses_to_serve_is_away(said: str) -> None:
    for error in as_heard(said):
        assert type(failure_of(error)) is StoreAway, error


def test_no_answer_is_an_absence() -> None:
    for error in (
        redis.ConnectionError("cut"),
        redis.TimeoutError("late"),
        redis.InvalidResponse(),
    ):
        assert type(failure_of(error)) is StoreAway


def test_what_can_not_be_parsed_fails_for_its_campaign_alone() -> None:
    found = reply_each(["a", "b", "c"], [b"1", b"?", redis.ResponseError("WRONGTYPE no")], int)
    assert found == {"a": 1}
    assert found.failed.keys() == {"b", "c"}
    assert found.result("a") == 1
    with pytest.raises(StoreError, match="b"):
        found.result("b")
    assert reply_each([], [], int) == ByCampaign()


def test_an_error_about_the_server_fails_all_calls_of_the_batch() -> None:
    with pytest.raises(StoreAway):
        reply_each(["a", "b"], [b"1", redis.ResponseError("MISCONF no disk")], int)
