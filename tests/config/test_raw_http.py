"""Every door, with and without its front, gets requests that no honest client sends: no 5xx, no
trace, no answer to a request that was hidden in another one, and the next person is served."""

import http.server
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.config import raw_forms
from tests.config.fronted import (
    Environment,
    front_of_operators,
    front_of_users,
    send_bytes,
    send_request,
    users_server,
)
from tests.harness import services

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("open_sale")]
SILENT_S = 0.25
AT_ONCE = 8  # fewer than the door has threads: some forms hold one until they hang up
NORMAL = {
    "users": raw_forms.SALE, "pages": "/events/sale", "merchants": "/api/v1/merchant/campaigns",
    "operators": "/admin/login/",
}  # fmt: skip
UNLIMITED: dict[str, Any] = {
    f"most_{each}": 1_000_000
    for each in ("logins", "strays", "probes", "anonymous", "rejected", "connections")
}


def faults_at(port: int, door: str, *, one_answer: bool) -> list[str]:
    """Of all forms, and of a normal request after each."""

    def send_form(form: tuple[str, bytes]) -> list[str]:
        name, sent = form
        try:
            reply = send_bytes(port, sent, patience_s=SILENT_S)
        except ConnectionError:
            reply = b""
        found = raw_forms.faults_of(name, reply, one_answer=one_answer)
        after = send_request(port, NORMAL[door]).status
        return found + ([] if after == normal else [f"after {name}: {after}"])

    normal = send_request(port, NORMAL[door]).status
    assert normal in (200, 401)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [each for found in pool.map(send_form, raw_forms.FORMS.items()) for each in found]


@contextmanager
def served_door(door: str, environment: Environment, folder: Path) -> Iterator[int]:
    settings = environment | {"DOOR": door, "SHED_AFTER_S": "0", "FACTS_TTL_S": "0"}
    threads = ("--blocking-threads", "16", "--backpressure", "1024")
    with services.start_web(settings, folder, *threads, name=door) as port:
        yield port
    log = (folder / f"{door}.log").read_text(errors="replace")
    assert "Traceback" not in log and "panicked" not in log, log[-3000:]
    assert max(map(len, log.splitlines()), default=0) < 4000


@pytest.mark.parametrize("door", NORMAL)
def test_a_door_without_its_front_withstands_them(
    door: str, child_environment: Environment, tmp_path: Path
) -> None:
    with served_door(door, child_environment, tmp_path) as port:
        found = faults_at(port, door, one_answer=False)
    assert found == [], "\n".join(found)


@pytest.mark.parametrize("door", ["users", "operators"])
def test_through_the_front_nothing_hidden_is_answered(
    door: str, child_environment: Environment, tmp_path: Path
) -> None:
    front = {"users": front_of_users, "operators": front_of_operators}[door]
    with (
        served_door(door, child_environment, tmp_path) as inner,
        front(inner, tmp_path, **UNLIMITED) as served,
    ):
        found = faults_at(served.port, door, one_answer=True)
    assert found == [], "\n".join(found)


def test_control_a_hidden_request_is_seen_where_somebody_answers_it(
    child_environment: Environment, tmp_path: Path
) -> None:
    """What granian would get from a front that takes a length of 2 for one of 0."""
    sent = raw_forms.AMBIGUOUS["CL ('0', '65')"].replace(b"Content-Length: 65\r\n", b"")
    with users_server(child_environment, tmp_path) as port:
        reply = send_bytes(port, sent, patience_s=5)
    assert raw_forms.statuses_of(reply) == [401, 200]
    assert raw_forms.faults_of("CL.TE", reply, one_answer=True)


class Careless(http.server.BaseHTTPRequestHandler):
    """Tells everybody where it failed, and sends people wherever they say."""

    def do_GET(self) -> None:
        self.send_response(500)
        self.send_header("Location", self.path)
        self.end_headers()
        self.wfile.write(b'Traceback: File "view.py", line 3')

    do_TRACE = do_OPTIONS = do_POST = do_GET  # noqa: N815 - names that http.server looks up

    def log_message(self, *_: object) -> None:
        pass


def test_control_a_careless_server_is_found() -> None:
    with ExitStack() as stack:
        server = stack.enter_context(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Careless))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        stack.callback(server.shutdown)
        form = raw_forms.TARGETS[
            f"target {f'http://{raw_forms.OTHER_HOST}{raw_forms.SALE}'[:24]!r}"
        ]
        reply = send_bytes(server.server_address[1], form, patience_s=30)
    found = raw_forms.faults_of("absolute", reply, one_answer=True)
    assert len(found) == 3, found
