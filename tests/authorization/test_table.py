"""Who may do what: every route of the URL configuration, each method, each of the cast.

TABLE.md holds the answers' statuses; a route or method without its row fails, and so does another
status. After a wanted change: `WRITE_TABLE=yes .venv/bin/python -m pytest tests/authorization`, and
read what changed. The rules below hold whatever the table says.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.test import Client

from coupons import store
from coupons.runtime import runtime
from tests.authorization.cast import ROLES, World, make_world
from tests.authorization.routes import Route, body_of, every_route, query_of
from tests.harness import disposable

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

FILE = Path(__file__).parent / "TABLE.md"
NOT_FOR_IT = {401, 405}
Rows = dict[tuple[str, str], dict[str, int]]
# Merchants' resources that belong to nobody in particular: a merchant gets its own list, or makes
# something of its own.
OWN = {"api/v1/merchant/webhooks", "api/v1/merchant/campaigns"}
# What an operator needs before the log-in, or sees without a right.
OPEN_PAGES = {"admin/login/", "admin/jsi18n/", "admin/logout/", "admin/code/",
              "admin/invitation/<uidb64>/<token>/"}  # fmt: skip


def ask(client: Client, route: Route, method: str, world: World) -> int:
    """The status; whatever was written is taken back."""
    body = body_of(route, method, world)
    kind = "application/jsonl" if isinstance(body, bytes) else "application/json"
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body)
    if route.is_of_operators:
        kind, content = "application/x-www-form-urlencoded", b""
    headers = {"Idempotency-Key": uuid4().hex, "If-Match": "*"}
    address = route.path + query_of(route)
    with transaction.atomic():
        answer: Any = client.generic(method, address, content, kind, headers=headers)
        if answer.streaming:
            b"".join(answer.streaming_content)
        transaction.set_rollback(True)
    to_login = answer.status_code == 302 and answer["Location"].startswith("/admin/login/")
    return 401 if to_login else answer.status_code


@pytest.fixture(scope="module")
def rows(django_db_setup: None, django_db_blocker: Any) -> Iterator[Rows]:
    runtime.start_fresh()
    disposable.empty_redis(store.store().client)
    with django_db_blocker.unblock(), transaction.atomic():
        yield ask_everybody(make_world())
        transaction.set_rollback(True)


def ask_everybody(world: World) -> Rows:
    """Statuses by (route, method) and name. 401 stands for the way to the log-in as well."""
    found: Rows = {}
    routes = sorted(every_route(world), key=lambda route: (_order(route), route.pattern))
    for route in routes:
        for method in route.methods:
            statuses = {
                name: ask(client, route, method, world) for name, client in world.cast.items()
            }
            if set(statuses.values()) - NOT_FOR_IT:
                found[route.pattern, method] = statuses
    return found


def _order(route: Route) -> int:
    """Users first, operators last: what Redis learns of a pause is not taken back. And the log-out
    at the very end."""
    return (
        ("api/v1/merchant/" in route.pattern)
        + 2 * route.is_of_operators
        + 4 * ("logout" in route.pattern)
    )


def as_table(rows: Rows) -> str:
    names = list(next(iter(rows.values())))
    lines = [
        "# Who may do what\n",
        "Statuses of answers, by `tests/authorization/test_table.py`. 401: also the way to the"
        " log-in. Methods that nobody may use are left out.",
        "`ann` has the coupon that is asked about, `bob` is another user; `books` is the merchant"
        " of the campaign, `reading` a key of it that may only read, `bakery` another merchant.\n",
        f"| route | method | {' | '.join(names)} |",
        "|---" * (len(names) + 2) + "|",
    ]
    for (pattern, method), statuses in rows.items():
        shown = pattern.replace("|", "/")
        lines.append(
            f"| `/{shown}` | {method} | {' | '.join(str(statuses[name]) for name in names)} |"
        )
    return "\n".join(lines) + "\n"


def test_every_answer_is_the_table_s(rows: Rows) -> None:
    found = as_table(rows)
    if os.environ.get("WRITE_TABLE"):
        FILE.write_text(found)
    assert found.splitlines() == FILE.read_text().splitlines()


# The rules


def merchants_rows(rows: Rows) -> Iterator[tuple[str, str, dict[str, int]]]:
    for (pattern, method), statuses in rows.items():
        if pattern.startswith("api/v1/merchant/"):
            yield pattern, method, statuses


def test_only_a_key_opens_the_merchants_door(rows: Rows) -> None:
    for pattern, method, statuses in merchants_rows(rows):
        others = {statuses[name] for name in ("nobody", "ann", "bob", *ROLES)}
        assert others <= NOT_FOR_IT, (pattern, method)


def test_another_merchant_gets_nothing_of_the_book_shop_s(rows: Rows) -> None:
    for pattern, method, statuses in merchants_rows(rows):
        assert pattern in OWN or statuses["bakery"] in (404, 405), (pattern, method)


def test_control_the_book_shop_is_answered(rows: Rows) -> None:
    answered = [one for one in merchants_rows(rows) if 200 <= one[2]["books"] < 300]
    assert len(answered) > 25


def test_a_key_that_may_only_read_changes_nothing(rows: Rows) -> None:
    for pattern, method, statuses in merchants_rows(rows):
        reads = method == "GET" or pattern.endswith(("/lookup", "/quotes", "/return-quote"))
        assert reads or statuses["reading"] in (403, 405), (pattern, method)


def test_another_user_gets_nothing_of_ann_s(rows: Rows) -> None:
    code = "api/v1/coupons/<str:code>"
    for pattern, method in ((code, "GET"), (f"{code}/give-back", "POST")):
        statuses = rows[pattern, method]
        assert (statuses["bob"], statuses["nobody"]) == (404, 401)
        assert statuses["ann"] not in NOT_FOR_IT | {404}


def test_control_ann_is_answered(rows: Rows) -> None:
    assert rows["api/v1/coupons/<str:code>", "GET"]["ann"] == 200
    assert rows["api/v1/campaigns/<str:slug>/claims/me", "GET"]["ann"] == 200


def operators_rows(rows: Rows) -> Iterator[tuple[str, str, dict[str, int]]]:
    for (pattern, method), statuses in rows.items():
        if pattern.startswith("admin/") and pattern not in OPEN_PAGES:
            yield pattern, method, statuses


def test_the_operators_pages_know_neither_tokens_nor_keys(rows: Rows) -> None:
    strangers = ("nobody", "ann", "bob", "books", "reading", "bakery")
    for pattern, method, statuses in operators_rows(rows):
        assert {statuses[name] for name in strangers} <= {401, 403, 404, 405}, (pattern, method)
        assert len({statuses[name] for name in strangers}) == 1, (pattern, method)


def test_who_may_only_look_changes_nothing(rows: Rows) -> None:
    """A list is no change: its POST chooses an action, of which a viewer has none."""
    harmless = ("admin/logout/", "admin/password_change/", "admin/session/")
    for pattern, method, statuses in operators_rows(rows):
        if method == "POST" and not pattern.startswith(harmless) and "do/" in pattern:
            assert statuses["viewer"] in (403, 404, 405), pattern


# Of viewers, who control, and not of support, whose reads it shows.
_AUDIT_LOG = "admin/coupons/auditevent/"


def test_each_role_may_do_what_the_one_before_may(rows: Rows) -> None:
    """Viewer, support, operator: each sees at least the pages of the one before."""
    for pattern, method, statuses in operators_rows(rows):
        if pattern.startswith(_AUDIT_LOG):
            continue
        if method == "GET" and statuses["viewer"] == 200:
            assert {statuses["support"], statuses["operator"]} == {200}, pattern
