"""21: a batch's INSERT as one text stores to the byte what the driver's own formatting does."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from coupons.claims.values import AdmittedClaim
from coupons.issuing import writer
from coupons.models import Coupon
from tests.conftest import CampaignMaker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]

STORED_AT = "2026-11-29 12:00:00.123000"
# What a token or a request id may hold, and what would end a statement or a value.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
ODD = st.sampled_from(["'", "\\", "%s", "%(a)s", "x');--", "쿠폰", "\x00", "X'41'", "🎟"])


def rows_stored_by(insert: Callable[[Any], object]) -> list[Any]:
    """What the table holds after `insert`, which is taken back."""
    with transaction.atomic(), connection.cursor() as cursor:
        insert(cursor)
        cursor.execute(f"SELECT {', '.join(writer._COLUMNS)} FROM {Coupon._meta.db_table}")
        stored = sorted(cursor.fetchall())
        transaction.set_rollback(True)
    return stored


@pytest.mark.skipif(connection.vendor != "mysql", reason="SQLite keeps the driver's form")
def test_21_both_forms_store_the_same_bytes(open_campaign: CampaignMaker) -> None:
    sale = open_campaign(stock=10)

    @settings(max_examples=60, deadline=None)
    @given(st.lists(TEXTS | ODD, min_size=1, max_size=5, unique=True), TEXTS | ODD | st.just(""))
    def compare(users: list[str], request: str) -> None:
        claims = [
            AdmittedClaim(user, 1, place, 1_795_000_000_123 + place, request)
            for place, user in enumerate(users, 1)
        ]
        rows = [writer._row(sale, claim, str.encode) for claim in claims]
        values = [(*row, STORED_AT) for row in rows]
        as_text = rows_stored_by(lambda one: one.execute(writer._insert_text(rows, STORED_AT)))
        assert len(as_text) == len(claims)
        assert as_text == rows_stored_by(lambda one: one.executemany(writer._INSERT, values))

    compare()


def test_21_a_value_that_is_no_number_gets_into_no_statement(open_campaign: CampaignMaker) -> None:
    row = list(
        writer._row(open_campaign(), AdmittedClaim("mina", 1, 1, 1_795_000_000_123), str.encode)
    )
    row[5] = "1); DROP TABLE coupons_coupon; --"
    with pytest.raises(ValueError, match="format code 'd'"):
        writer._insert_text([tuple(row)], STORED_AT)
