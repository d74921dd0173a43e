"""Each door serves its own paths and no others; on real processes, started as in production."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from config import env
from config.doors import Door, middleware_for
from tests.config.fronted import send_request, status_of
from tests.config.test_settings import PRODUCTION
from tests.config.waiting import wait_until
from tests.harness import servers, services
from tests.harness.forked_python import run_python

pytestmark = pytest.mark.slow

Environment = dict[str, str]
NOT_FOUND = 404


@pytest.fixture
def users_door(child_environment: Environment, tmp_path: Path) -> Iterator[int]:
    with services.start_web(child_environment | {"DOOR": "users"}, tmp_path) as port:
        yield port


@contextmanager
def start_operators_door(environment: Environment, folder: Path, **more: str) -> Iterator[int]:
    settings = environment | {"DOOR": "operators"} | more
    with services.start_web(settings, folder, name="operators") as port:
        yield port


# Spellings of a path that a rule in a proxy would let through
ELSEWHERE = [
    "/admin/", "/admin/login/", "/%61dmin/", "//admin/", "/./admin/", "/admin/%2e/", "/ADMIN/",
    "/api/v1/docs", "/api/v1/schema", "/livez", "/readyz", "/metrics", "/%6detrics", "//readyz",
    "/static/admin/css/base.css",
]  # fmt: skip


def test_the_users_door_shows_nothing_of_the_operators(users_door: int) -> None:
    assert {path: status_of(users_door, path) for path in ELSEWHERE} == dict.fromkeys(
        ELSEWHERE, NOT_FOUND
    )


@pytest.mark.django_db(transaction=True)
def test_the_operators_door_shows_nothing_of_the_users(
    child_environment: Environment, tmp_path: Path
) -> None:
    with start_operators_door(child_environment, tmp_path) as port:
        assert status_of(port, "/api/v1/campaigns/sale") == NOT_FOUND
        assert status_of(port, "/api/v1/campaigns/sale/claims", "POST") == NOT_FOUND
        shown = ("/livez", "/readyz", "/metrics", "/api/v1/docs", "/api/v1/schema", "/admin/login/")
        assert {path: status_of(port, path) for path in shown} == dict.fromkeys(shown, 200)


def test_the_description_is_of_the_users_api_and_of_nothing_else(
    child_environment: Environment, tmp_path: Path
) -> None:
    with start_operators_door(child_environment, tmp_path) as port:
        paths = json.loads(send_request(port, "/api/v1/schema").body)["paths"]
    assert "/api/v1/campaigns/{slug}/claims" in paths
    assert all(path.startswith("/api/v1/") for path in paths)
    assert "/api/v1/schema" not in paths


def test_a_claim_passes_no_middleware_of_the_admin() -> None:
    every = [
        "config.probes.x",
        "config.request_context.request_context",
        "config.middleware.AdminSession",
    ]
    assert middleware_for(Door.USERS, every) == ["config.request_context.request_context"]
    assert middleware_for(Door.OPERATORS, every) == every


@pytest.mark.parametrize(("door", "starts"), [("", False), ("all", False), ("users", True)])
def test_in_production_a_web_process_names_its_door(
    child_environment: Environment, door: str, starts: bool
) -> None:
    given = child_environment | PRODUCTION | {"DOOR": door}
    done = run_python("-c", "import config.wsgi", env=given, cwd=env.BASE_DIR)
    assert (done.returncode == 0) is starts, done.stderr
    assert starts or "DOOR names no door" in done.stderr.splitlines()[-1]


def test_a_door_that_does_not_exist_is_a_clear_error(child_environment: Environment) -> None:
    given = child_environment | {"DOOR": "back"}
    done = run_python("-c", "import config.wsgi", env=given, cwd=env.BASE_DIR)
    assert "DOOR='back' is none of: users, merchants, pages, operators, all." in done.stderr


# /readyz


def get_readiness(port: int) -> tuple[int, dict[str, Any]]:
    answer = send_request(port, "/readyz")
    return answer.status, json.loads(answer.body)


def test_a_host_is_ready_while_its_users_door_answers(
    child_environment: Environment, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        served = services.start_web(child_environment | {"DOOR": "users"}, tmp_path)
        watched = {"WATCHED_DOORS": f"127.0.0.1:{stack.enter_context(served)}"}
        with start_operators_door(child_environment, tmp_path, **watched) as door:
            assert get_readiness(door)[0] == 200
            stack.close()
            wait_until(lambda: get_readiness(door)[0] == 503)
            assert get_readiness(door)[1]["doors"] is False


def test_a_host_is_not_ready_once_its_users_door_is_gone(
    child_environment: Environment, tmp_path: Path
) -> None:
    watched = {"WATCHED_DOORS": f"127.0.0.1:{servers.free_port()}"}
    with start_operators_door(child_environment, tmp_path, **watched) as door:
        assert get_readiness(door) == (
            503,
            {"ready": False, "redis": True, "database": True, "doors": False, "sweeps": False},
        )  # fmt: skip


def test_however_often_it_is_asked_the_stores_are_asked_once_a_second(
    child_environment: Environment, tmp_path: Path
) -> None:
    """A MySQL that accepts connections and never answers: each query to it would take a second."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"mysql://u:p@127.0.0.1:{silent.getsockname()[1]}/coupons"
        with start_operators_door(child_environment, tmp_path, DATABASE_URL=url) as door:
            assert get_readiness(door)[1]["database"] is False
            began = time.monotonic()
            answers = [get_readiness(door)[0] for _ in range(200)]
            assert time.monotonic() - began < 100  # 200 s if each request waited
    assert set(answers) == {200}


# The pages' door


@pytest.mark.django_db(transaction=True)
def test_the_pages_door_shows_pages_and_their_files_and_nothing_else(
    child_environment: Environment, tmp_path: Path, collected_static: None
) -> None:
    settings = child_environment | {"DOOR": "pages"}
    with services.start_web(settings, tmp_path, name="pages") as port:
        shown = ("/coupon-button.js", "/static/pages/event.js", "/static/pages/event.css")
        assert {path: status_of(port, path) for path in shown} == dict.fromkeys(shown, 200)
        page = send_request(port, "/events/none")
        assert (page.status, page.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
        hidden = [*ELSEWHERE, "/api/v1/campaigns/sale", "/api/v1/merchant/campaigns"]
        assert {path: status_of(port, path) for path in hidden} == dict.fromkeys(hidden, NOT_FOUND)
