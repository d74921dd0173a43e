"""The search for coupons in a large table: keyset pagination along an index, no full scan."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims.limits import slot_id
from coupons.models import CouponLife
from tests.admin.conftest import Owners
from tests.conftest import CampaignMaker

LIST = "/admin/coupons/coupon/"
PAGE = 100
ROWS = 3000  # enough for an optimiser to see the difference between an index and a scan


@pytest.fixture
def large_campaign(open_campaign: CampaignMaker, hand_out: Owners) -> CampaignSnapshot:
    """A small campaign, a large one whose coupons all have a life, and a small one again."""
    hand_out(open_campaign("before", stock=5), ["ann"] + [f"early-{n}" for n in range(4)])
    large = open_campaign("large", stock=ROWS)
    hand_out(large, ["ann"] + [f"user-{n}" for n in range(ROWS - 1)])
    hand_out(open_campaign("after", stock=5), [f"late-{n}" for n in range(5)])
    now = timezone.now()
    CouponLife.objects.bulk_create(
        CouponLife(coupon_id=slot_id(large.id, place), campaign_id=large.id, version=1,
                   state="revoked", changed_at=now)
        for place in range(1, ROWS + 1)
    )  # fmt: skip
    return large


def test_pages_follow_each_other_without_a_gap_and_back(
    operator_client: Client, open_campaign: CampaignMaker, hand_out: Owners
) -> None:
    hand_out(open_campaign("sale", stock=350), [f"user-{n}" for n in range(350)])
    hand_out(open_campaign("other"), ["ann"])
    seen: list[int] = []
    steps: list[str] = []
    address = "?campaign=sale"
    while address:
        steps.append(address)
        page = operator_client.get(LIST + address).context["cl"]
        seen += [row.place for row in page.result_list]
        address = page.older
    assert seen == list(range(350, 0, -1))
    assert len(steps) == 4
    back = operator_client.get(LIST + steps[-1]).context["cl"]
    while back.newer:
        first = back.result_list[0].place
        back = operator_client.get(LIST + back.newer).context["cl"]
        assert back.result_list[-1].place == first + 1
    assert back.result_list[0].place == 350


def test_a_new_search_starts_on_its_first_page(
    operator_client: Client, open_campaign: CampaignMaker, hand_out: Owners
) -> None:
    hand_out(open_campaign("sale", stock=150), [f"user-{n}" for n in range(150)])
    older = operator_client.get(LIST).context["cl"].older
    page = operator_client.get(LIST + older)
    assert len(page.context["cl"].result_list) == 50
    assert 'name="before"' not in page.content.decode()


ASKED = {
    "newest": {},
    "older": {"before": "{middle}"},
    "newer": {"after": "{middle}"},
    "campaign": {"campaign": "large"},
    "campaign, older": {"campaign": "large", "before": "{middle}"},
    "user": {"q": "ann"},
    "absent user": {"q": "nobody"},
    "user in campaign": {"q": "ann", "campaign": "large"},
    "code": {"q": "{code}"},
    "place": {"q": "large/1500"},
    "place in campaign": {"q": "1500", "campaign": "large"},
    "ordered by hand": {"o": "2.-3.4"},
    "all": {"all": ""},
    "page": {"p": "20"},
}


def rows_read(statements: list[str]) -> int:
    """How many rows the server reads for the queries, by its own counters."""

    def handler_reads(cursor: Any) -> int:
        cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
        return sum(int(value) for _, value in cursor.fetchall())

    with connection.cursor() as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
        before = handler_reads(cursor)
        asking = handler_reads(cursor) - before  # asking for the count is counted, too
        before = handler_reads(cursor)
        for statement in statements:
            cursor.execute(statement.replace("%", "%%"))
            cursor.fetchall()
        return handler_reads(cursor) - before - asking


def query_plans(statement: str) -> list[dict[str, Any]]:
    """The rows of EXPLAIN, one for each table."""
    server: Any = connection
    table = "" if server.mysql_is_mariadb else "FORMAT=TRADITIONAL "  # MySQL 9 draws a tree
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {table}{statement.replace('%', '%%')}")
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def is_along_an_index(plan: dict[str, Any]) -> bool:
    """Or MySQL answers it while planning: no such row, or the only one."""
    extra = (plan["Extra"] or "").lower()
    if plan["table"] is None:
        return "impossible" in extra or "no matching" in extra
    return bool(plan["key"]) and plan["type"] != "ALL" and "filesort" not in extra


@pytest.mark.django_db(transaction=True)
def test_no_question_reads_more_than_a_page_of_a_large_table(
    operator_client: Client, large_campaign: CampaignSnapshot
) -> None:
    if connection.vendor != "mysql":
        pytest.skip("EXPLAIN and the server's own counters are MySQL's.")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE TABLE coupons_coupon, coupons_couponlife")
        cursor.fetchall()
    known = {
        "{middle}": str(slot_id(large_campaign.id, ROWS // 2)),
        "{code}": large_campaign.code_of(user="ann", nth=1, place=1),
    }
    for name, wanted in ASKED.items():
        parameters = {key: known.get(value, value) for key, value in wanted.items()}
        with CaptureQueriesContext(connection) as captured:
            assert operator_client.get(LIST, parameters).status_code == 200
        statements = [query["sql"] for query in captured if "coupons_coupon" in query["sql"]]
        assert statements, name
        for statement in statements:
            assert "COUNT(" not in statement.upper(), name
            for plan in query_plans(statement):
                assert is_along_an_index(plan), f"{name}: {plan} of {statement}"
        assert rows_read(statements) <= 3 * (PAGE + 1), name  # coupons, their lives, a search


@pytest.mark.django_db(transaction=True)
def test_negative_control_a_full_scan_is_detected(large_campaign: CampaignSnapshot) -> None:
    """The test above can fail: a search in the middle of the text is caught by both measures."""
    if connection.vendor != "mysql":
        pytest.skip("EXPLAIN and the server's own counters are MySQL's.")
    scan = "SELECT * FROM coupons_coupon WHERE user LIKE '%x%' ORDER BY stored_at"
    assert not all(is_along_an_index(plan) for plan in query_plans(scan))
    assert rows_read([scan]) >= ROWS
