"""CORS at the front: preflights cost no thread and have no limit, and a page of the shop can read
HAProxy's own refusals."""

from collections.abc import Iterator

import pytest

from config import cross_origin
from config.containers import render
from tests.config.fronted import (
    CLAIMS,
    HttpAnswer,
    front_of_unavailable,
    front_without_server,
    send_request,
)

pytestmark = pytest.mark.slow

SHOP, OTHER = "https://shop.example", "https://shop.example.evil"
ORIGINS = ["http://localhost:8083", SHOP]
METHOD = {"Access-Control-Request-Method": "POST"}
LIMIT = 5  # requests without a token in ten seconds


@pytest.fixture(scope="module")
def shops_front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a front whose server answers everything with 503, without a header."""
    folder = tmp_path_factory.mktemp("shops")
    with front_of_unavailable(folder, cors_origins=ORIGINS, most_anonymous=LIMIT) as port:
        yield port


def _cors_headers(answer: HttpAnswer) -> dict[str, str]:
    return {
        name.lower(): value
        for name, value in answer.headers.items()
        if name.lower().startswith("access-")
    }


def test_a_preflight_is_answered_without_a_thread_or_a_limit(shops_front: int) -> None:
    for _ in range(3 * LIMIT):
        answer = send_request(shops_front, CLAIMS, "OPTIONS", {"Origin": SHOP, **METHOD})
        assert (answer.status, answer.body) == (204, b"")
    assert _cors_headers(answer) == {
        "access-control-allow-origin": SHOP,
        "access-control-allow-methods": cross_origin.METHODS,
        "access-control-allow-headers": cross_origin.REQUEST_HEADERS,
        "access-control-max-age": str(cross_origin.MAX_AGE_S),
        "access-control-expose-headers": cross_origin.EXPOSED_HEADERS,
    }
    assert answer.headers["Vary"] == "Origin"


def test_its_words_are_those_of_the_application() -> None:
    words = render.role_variables("front")
    assert {
        "front_cors_methods": cross_origin.METHODS,
        "front_cors_headers": cross_origin.REQUEST_HEADERS,
        "front_cors_exposed": cross_origin.EXPOSED_HEADERS,
        "front_cors_max_age_s": cross_origin.MAX_AGE_S,
    }.items() <= words.items()


@pytest.mark.parametrize("origin", [OTHER, "null", f"{SHOP}/", f"{SHOP}, {OTHER}", "https://SHOP"])
def test_a_preflight_of_another_origin_is_refused(shops_front: int, origin: str) -> None:
    answer = send_request(shops_front, CLAIMS, "OPTIONS", {"Origin": origin, **METHOD})
    assert (answer.status, _cors_headers(answer)) == (403, {})


@pytest.mark.parametrize(
    ("path", "status"),
    [("/api/v1/nothing-here", 404), (f"{CLAIMS}?{'x' * 3000}", 414), (CLAIMS, 503), (CLAIMS, 429)],
)
def test_refusals_of_the_front_can_be_read_by_the_shops_page(
    shops_front: int, path: str, status: int
) -> None:
    for _ in range(1 if status != 429 else 2 * LIMIT):
        answer = send_request(shops_front, path, "POST", {"Origin": SHOP})
    assert answer.status == status
    assert answer.headers["Access-Control-Allow-Origin"] == SHOP
    assert answer.headers["Access-Control-Expose-Headers"] == cross_origin.EXPOSED_HEADERS
    other = send_request(shops_front, path, "POST", {"Origin": OTHER})
    assert _cors_headers(other) == {}
    assert other.headers.get_all("Vary") == ["Origin"]


def test_its_own_503_can_be_read_by_the_shops_page(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with front_without_server(tmp_path_factory.mktemp("none"), cors_origins=ORIGINS) as port:
        answer = send_request(
            port, CLAIMS, "POST", {"Origin": SHOP, "Authorization": "Bearer a.b.c"}
        )
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (503, SHOP)
    assert answer.headers["Retry-After"]


def test_without_origins_the_front_says_nothing_of_them(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The control."""
    with front_of_unavailable(tmp_path_factory.mktemp("none")) as port:
        answer = send_request(port, CLAIMS, "OPTIONS", {"Origin": SHOP, **METHOD})
        assert (answer.status, _cors_headers(answer)) == (503, {})
        assert answer.headers["Vary"] is None
