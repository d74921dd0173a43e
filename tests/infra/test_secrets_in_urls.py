"""The URL of a store that was written by hand: a password in it that is not percent-encoded is
refused, never read as something else, and no message shows a part of it."""

import os
from typing import Any

import dj_database_url
import pytest
import redis
from hypothesis import assume, example, given
from hypothesis import strategies as st

from config import env, store_urls
from tests.harness.forked_python import run_python
from tests.infra.drawn_secrets import drawn, patiently, shares_with, text

pytestmark = pytest.mark.slow


def driver_reading(url: str, name: str) -> tuple[str, str] | str:
    """(host, password) as the driver reads them, or the sentence that refuses the URL."""
    if why := store_urls.url_complaint(name, url):
        return why
    if name == "DATABASE_URL":
        parsed: Any = dj_database_url.parse(url)
        return parsed["HOST"], parsed["PASSWORD"]
    read = redis.ConnectionPool.from_url(url).connection_kwargs
    return read["host"], read.get("password", "")


@patiently
@given(st.sampled_from(["REDIS_URL", "CELERY_BROKER_URL", "DATABASE_URL"]), drawn | text)
@example("REDIS_URL", "pa/ss")
@example("REDIS_URL", "12/34")
@example("REDIS_URL", "1234")
@example("REDIS_URL", "a#b")
@example("REDIS_URL", "a?b")
@example("REDIS_URL", "[::1]")
@example("REDIS_URL", "a]b")
@example("DATABASE_URL", "6379/coupons?x=")
def test_a_password_that_was_not_encoded_is_never_read_as_something_else(
    name: str, password: str
) -> None:
    assume("%" not in password)  # what an encoded one looks like is read as one
    kind = "mysql" if name == "DATABASE_URL" else "redis"
    reading = driver_reading(f"{kind}://user:{password}@store.example:6379/0", name)
    if isinstance(reading, tuple):
        assert reading == ("store.example", password)
    else:
        assert reading.startswith(name)
        rest = (
            reading.replace(store_urls.HOW_TO_QUOTE, "").replace("redis", "").replace("mysql", "")
        )
        assert not shares_with(rest, password, least=6)


@pytest.mark.parametrize("name", store_urls.SCHEMES)
@pytest.mark.parametrize("url", ["", "pa/ss@host", "://:pa/ss@host", "http://:pa/ss@h", "redis:pa"])
def test_what_is_no_url_is_refused_without_being_shown(name: str, url: str) -> None:
    why = store_urls.url_complaint(name, url)
    assert why.startswith(f"{name} is no address of a store")
    assert "pa/ss" not in why


@pytest.mark.parametrize(
    "command",
    [
        ["manage.py", "check"],
        ["-m", "celery", "-A", "config", "report"],
        ["-m", "config.development", "demo"],
    ],
    ids=str,
)
@pytest.mark.parametrize("name", store_urls.SCHEMES)
def test_no_command_shows_a_part_of_it(command: list[str], name: str) -> None:
    kind = "mysql" if name == "DATABASE_URL" else "redis"
    given = {name: f"{kind}://:Zq7xK/wVt9LmP@127.0.0.1:1/0"}
    given = {"DATABASE_URL": "sqlite://:memory:", "REDIS_URL": "redis://127.0.0.1:1/0"} | given
    done = run_python(*command, cwd=env.BASE_DIR, env=os.environ | given)
    output = done.stdout + done.stderr
    assert done.returncode != 0
    assert f"{name} is no address of a store" in output
    assert not shares_with(output, "Zq7xK/wVt9LmP", least=3)
