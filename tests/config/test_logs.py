"""Structured log lines: one JSON object per event, with the request's id; none for a refusal."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from config import log_limits
from config.log_limits import RareLines
from coupons.bulk.own_claims import request_of
from coupons.models import Job
from coupons.observability import request_id, stranger_metrics
from coupons.observability.json_log import JsonLineFormatter, LineFormatter
from coupons.store import store
from tests.conftest import CampaignMaker, Person, Settings


@pytest.fixture
def log_stream() -> Iterator[StringIO]:
    """A stream of all records from INFO on, formatted as in production."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLineFormatter())
    handler.addFilter(RareLines())
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def read_lines(log_stream: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log_stream.getvalue().splitlines()]


def test_a_line_is_one_object_whatever_was_said(log_stream: StringIO) -> None:
    try:
        raise ValueError('two\nlines and a "quote"')
    except ValueError:
        logging.getLogger("coupons.x").exception("한국어\n%s", '{"level": "FORGED"}')
    (line,) = read_lines(log_stream)
    assert line["message"] == '한국어\n{"level": "FORGED"}'
    assert (line["level"], line["logger"], line["process"]) == ("ERROR", "coupons.x", os.getpid())
    assert line["exc_info"].endswith('two\nlines and a "quote"')
    assert datetime.fromisoformat(line["timestamp"]).utcoffset() == timedelta(0)
    assert set(line) == {"level", "logger", "process", "message", "exc_info", "timestamp"}


@pytest.mark.parametrize(
    "message",
    [
        {"level": "FORGED", "levelname": "FORGED", "exc_info": "none", "password": "x"},
        "a\r\nb\x00\x1b[2J\x7f",
        "next\x85line\u2028and\u2029paragraph\x9b2J",
        b"bytes",
        ["a", 1],
    ],
    ids=["dict", "control characters", "separators", "bytes", "list"],
)
def test_14_10_any_message_is_one_line_with_our_fields(log_stream: StringIO, message: Any) -> None:
    """Also by the widest reading of "line", and without what a library adds to the record."""
    logging.getLogger("coupons.x").error(message, extra={"password": "sesame", "level": "FORGED"})
    (text,) = log_stream.getvalue().splitlines()
    assert text.isprintable()
    line = json.loads(text)
    assert line["level"] == "ERROR"
    assert line["message"] == str(message)
    assert set(line) <= {"level", "logger", "process", "message", "exc_info", "timestamp"}
    assert "sesame" not in text


def test_a_clients_id_comes_back_and_stands_in_the_lines(
    open_campaign: CampaignMaker, log_stream: StringIO
) -> None:
    open_campaign()
    store().client.flushall()  # so that there is something to log: closed for repair
    jun = Person("jun")
    path = "/api/v1/campaigns/sale/claims"
    headers = {"X-Request-Id": "shop-7.A_b"}
    answer = jun.client.post(path, content_type="application/json", headers=headers)
    assert (answer.status_code, answer["X-Request-Id"]) == (503, "shop-7.A_b")
    logging.getLogger("coupons.x").info("later")
    assert {line.get("request_id") for line in read_lines(log_stream)} <= {"shop-7.A_b", None}
    assert "request_id" not in read_lines(log_stream)[-1]  # the request is over


@pytest.mark.parametrize(
    "received",
    ["", "a b", "x" * 65, "a\n", 'a"', "ä", "a;b", "put-back", request_of(Job(pk=UUID(int=5)), 7)],
)
def test_an_unsound_id_is_replaced(received: str) -> None:
    new_id = request_id.begin_request(received)
    assert new_id != received
    assert request_id.current_request_id() == new_id
    request_id.end_request()


def test_without_one_every_request_gets_its_own(open_campaign: CampaignMaker) -> None:
    open_campaign()
    jun = Person("jun")
    ids = [jun.claims()["X-Request-Id"] for _ in range(3)]
    assert len(set(ids)) == 3


def test_refusals_have_no_line(open_campaign: CampaignMaker, log_stream: StringIO) -> None:
    open_campaign(stock=1)
    for name in ("mina", "jun", "sora"):
        assert Person(name).claims().status_code in (202, 409)
    Person("jun").claims("nowhere")
    Person("jun").claims(body=b"{")
    assert read_lines(log_stream) == []


def test_13_requests_that_django_refuses_have_a_short_line_a_second(
    open_campaign: CampaignMaker,
    log_stream: StringIO,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A client can't fill our logs, neither by a Host header nor by too many fields."""
    assert log_limits.EVERY_S == 1
    monkeypatch.setattr(log_limits, "EVERY_S", 600)  # a busy machine takes seconds for them
    open_campaign()
    jun, path = Person("jun"), "/api/v1/campaigns/sale"
    settings.ALLOWED_HOSTS = ["testserver"]
    assert jun.client.get(path, headers={"host": "evil.example"}).status_code == 400
    assert jun.client.get("/nowhere", headers={"host": "a" * 4000 + ".example"}).status_code == 400
    many = "&".join(f"a{number}=1" for number in range(1500))
    assert jun.client.get(f"/api/v1/coupons?{many}").status_code == 400
    for _ in range(50):
        assert jun.client.get(path, headers={"host": "a" * 400_000}).status_code == 400
    lines = read_lines(log_stream)
    assert {line["logger"] for line in lines} == {
        "django.security.DisallowedHost", "django.security.TooManyFieldsSent",
    }  # fmt: skip
    assert len(lines) <= 4
    assert not [line for line in lines if "exc_info" in line or len(line["message"]) > 300]
    assert len(log_stream.getvalue()) < 3_000
    assert stranger_metrics.SECURITY_REFUSALS.labels("DisallowedHost")._value.get() >= 52


def test_19_negative_control_without_the_filter_a_host_of_400_kb_fills_the_log(
    log_stream: StringIO, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    for handler in logging.getLogger().handlers:
        monkeypatch.setattr(handler, "filters", [])
        if getattr(handler, "stream", None) is log_stream:
            handler.setFormatter(logging.Formatter())
    for _ in range(3):
        Client().get("/api/v1/coupons", headers={"host": "a" * 400_000})
    assert len(log_stream.getvalue()) > 2_400_000


def test_19_any_line_is_cut_and_a_terminal_gets_no_control_characters() -> None:
    record = logging.LogRecord(
        "coupons.x", logging.ERROR, "x.py", 1, "a\n\x1b[2J" + "b" * 9000, (), None
    )
    as_text, as_json = LineFormatter().format(record), JsonLineFormatter().format(record)
    assert as_text.isprintable()
    assert len(as_text) < 2_200
    assert len(as_json) < 2_400


def test_19_a_kind_says_how_many_were_left_out(log_stream: StringIO) -> None:
    rare, kept = RareLines(), []
    for number in range(5):
        record = logging.LogRecord("coupons.api", logging.ERROR, "x.py", 1, "%d", (number,), None)
        if number == 4:
            rare._next_s.clear()  # a second later
        if rare.filter(record):
            kept.append(record.getMessage())
    assert kept == ["0", "4 (and 3 more since the last one)"]


def test_an_unexpected_error_is_logged_with_its_request_id(
    open_campaign: CampaignMaker, log_stream: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_campaign()

    def raise_unforeseen(*_: object, **__: object) -> None:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr("coupons.admission.strategies.admit", raise_unforeseen)
    jun = Person("jun")
    jun.client.raise_request_exception = False
    answer = jun.claims()
    assert answer.status_code == 500
    errors = [line for line in read_lines(log_stream) if "exc_info" in line]
    assert errors
    assert {line["request_id"] for line in errors} == {answer["X-Request-Id"]}


def test_processes_make_ids_of_their_own() -> None:
    code = (
        "import os; from coupons.observability.request_id import begin_request; "
        "from coupons.runtime import runtime; runtime.start_fresh(); "
        "a = begin_request(None)\nprint(a, flush=True)\n"
        "if not os.fork(): print(begin_request(None), flush=True); os._exit(0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    parent, child = done.stdout.split()
    assert parent.partition("-")[0] != child.partition("-")[0]


@pytest.mark.parametrize(("place", "as_json"), [("local", False), ("yes", True)])
def test_production_logs_json_and_a_laptop_lines(place: str, as_json: bool) -> None:
    code = "import logging; from config import settings; import logging.config as c\n"
    code += "c.dictConfig(settings.LOGGING); logging.getLogger('x').warning('hello')"
    env = os.environ | ({"LOG_JSON": place} if as_json else {})
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.stderr.startswith("{") is as_json, done.stderr
