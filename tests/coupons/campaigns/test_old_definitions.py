"""12.A4, 12.21: rows older than the constraints cause no failure, and all constraints that they
satisfy are added."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.utils import timezone

from coupons.campaigns import lifecycle, lookup
from coupons.issuing import drain
from coupons.models import Campaign, Coupon
from coupons.models.row_constraints import missing_constraints
from coupons.monitoring import server_checks
from coupons.readiness import board
from tests.conftest import CampaignMaker, Person

pytestmark = [pytest.mark.slow, pytest.mark.stores, pytest.mark.django_db(transaction=True)]

LAST = datetime.max.replace(tzinfo=UTC)
MOST_DAYS = 65_535  # of MySQL's column; SQLite's has no end
BEFORE, AFTER = "0005_slots_are_removed_in_batches", "0006_definitions_are_bounded"


@pytest.fixture
def table_without_constraints(transactional_db: None) -> Iterator[None]:
    """The table without the constraints of the bounds."""
    _enforce(False)
    yield
    Coupon.objects.all().delete()
    Campaign.objects.all().delete()
    _enforce(True)


def _enforce(on: bool) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"PRAGMA ignore_check_constraints = {'OFF' if on else 'ON'}")
        elif getattr(connection, "mysql_is_mariadb", False):
            cursor.execute(f"SET SESSION check_constraint_checks = {int(on)}")
        else:
            for each in Campaign._meta.constraints:
                enforced = "ENFORCED" if on else "NOT ENFORCED"
                cursor.execute(f"ALTER TABLE coupons_campaign ALTER CHECK {each.name} {enforced}")


def old_definition(**changes: Any) -> dict[str, Any]:
    return changes


OLD = [
    old_definition(valid_until=LAST, valid_days=None),
    old_definition(valid_days=99_999_999),
    old_definition(closes_at=LAST),
    old_definition(closes_at=LAST, valid_days=MOST_DAYS),
    old_definition(opens_at=datetime(1, 1, 1, tzinfo=UTC)),
    old_definition(valid_until=datetime(2001, 1, 1, tzinfo=UTC), valid_days=None),
    old_definition(currency="ZZZ", minimum_order=Decimal("1000.50")),
    old_definition(discount_cap=Decimal(0)),
    old_definition(discount="amount", discount_value=Decimal(5000), discount_cap=Decimal(10)),
    old_definition(name="two\nlines"),
]


@pytest.mark.parametrize(
    ("strategy", "zone"), [("queued", "Asia/Seoul"), ("direct", "America/New_York")]
)
@pytest.mark.parametrize("changes", OLD, ids=lambda each: ",".join(each))
def test_an_old_campaign_is_sold_stored_shown_paused_and_closed(
    table_without_constraints: None,
    settings: Any,
    open_campaign: CampaignMaker,
    person: type[Person],
    changes: dict[str, Any],
    strategy: str,
    zone: str,
) -> None:
    settings.TIME_ZONE = zone
    if (connection.vendor == "mysql" and changes.get("valid_days", 0)) or MOST_DAYS < 0:
        changes = changes | {"valid_days": MOST_DAYS}
    open_campaign("sale", strategy=strategy)
    Campaign.objects.update(**changes)
    lifecycle.pause_campaign("sale", actor="Mina")
    lifecycle.resume_campaign("sale", actor="Mina")
    lifecycle.change_stock("sale", stock=20, actor="Mina")
    lookup.clear_snapshots()

    mina = person("mina")
    answer = mina.claims("sale")
    assert answer.status_code in (201, 202), answer.content
    told = answer.json()
    if strategy == "queued":
        assert drain.drain("sale", consumer="test").stored == 1
    for path in (
        "campaigns/sale",
        "campaigns/sale/claims/me",
        "coupons",
        f"coupons/{told['code']}",
    ):
        assert mina.asks(path).status_code == 200, path
    assert mina.asks("campaigns/sale/claims/me").json()["expires_at"] == told["expires_at"]
    assert mina.claims("sale").json() == told

    _all_pages_show()
    assert board.readiness_board("sale").lines
    assert lifecycle.close_campaign("sale", actor="Mina").state == "closed"
    _all_pages_show()


def _all_pages_show() -> None:
    operator = Client()
    operator.force_login(User.objects.get_or_create(username="mina", is_superuser=True,
                                                    is_staff=True)[0])  # fmt: skip
    pk, coupon = Campaign.objects.get().pk, Coupon.objects.get().pk
    for page in (
        "campaign/", f"campaign/{pk}/change/", f"campaign/{pk}/live/", f"campaign/{pk}/readiness/",
        f"campaign/{pk}/parked/", "coupon/", f"coupon/{coupon}/change/",
    ):  # fmt: skip
        assert operator.get(f"/admin/coupons/{page}").status_code == 200, page


def test_a_change_answers_for_what_it_made_wrong_itself(
    table_without_constraints: None, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale")
    Campaign.objects.update(currency="ZZZ", valid_until=LAST, valid_days=None)
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        lifecycle.change_stock("sale", stock=0, actor="Mina")
    soon = timezone.now() + timedelta(hours=1)
    opens_at = Campaign.objects.get().opens_at
    with pytest.raises(ValidationError, match="2000 and 2200"):
        lifecycle.reschedule("sale", opens_at=opens_at, closes_at=LAST, actor="Mina")
    lifecycle.reschedule("sale", opens_at=opens_at, closes_at=soon, actor="Mina")


def test_an_old_draft_is_not_scheduled_before_it_is_corrected(
    table_without_constraints: None, draft: Callable[..., Campaign]
) -> None:
    draft("sale")
    Campaign.objects.update(currency="ZZZ")
    with pytest.raises(ValidationError, match="ZZZ"):
        lifecycle.schedule_campaign("sale", actor="Mina")
    campaign = Campaign.objects.get()
    campaign.currency = "KRW"
    lifecycle.save_draft(campaign, actor="Mina")
    assert lifecycle.schedule_campaign("sale", actor="Mina").state == "scheduled"


@pytest.fixture
def tables_before_bounds(transactional_db: None) -> Iterator[Callable[[], Any]]:
    """The tables as before the migration of the bounds; migrated again afterwards."""
    _migrate(BEFORE)
    yield (
        lambda: (
            MigrationExecutor(connection)
            .loader.project_state(("coupons", BEFORE))
            .apps.get_model("coupons", "Campaign")
        )
    )
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM coupons_campaign")
    _migrate(BEFORE)
    _migrate(AFTER)
    assert missing_constraints() == []


def _migrate(name: str) -> None:
    """Migrate to `AFTER` and on to the newest, which today's models need."""
    executor = MigrationExecutor(connection)
    newest = executor.loader.graph.leaf_nodes("coupons")
    executor.migrate(newest if name == AFTER else [("coupons", name)])


def _insert(model: Any, slug: str, **changes: Any) -> None:
    now = timezone.now()
    said = {"name": slug, "stock": 10, "opens_at": now, "closes_at": now + timedelta(hours=1),
            "discount_value": 10, "valid_days": 30, "key_id": "local", "epoch": "e"}  # fmt: skip
    model.objects.create(slug=slug, **said | changes)


def test_the_migration_leaves_out_what_old_rows_break_and_says_so(
    tables_before_bounds: Callable[[], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    _insert(tables_before_bounds(), "fine")
    _insert(tables_before_bounds(), "for-ever", valid_days=40_000)
    _insert(
        tables_before_bounds(),
        "dead",
        valid_until=datetime(2001, 1, 1, tzinfo=UTC),
        valid_days=None,
    )
    _migrate(AFTER)
    said = capsys.readouterr().err
    assert "campaign_valid_days_are_bounded was left out: for-ever would break it" in said
    assert "campaign_valid_until_is_after_it_closes was left out: dead would break it" in said
    assert [each.name for each in missing_constraints()] == [
        "campaign_valid_until_is_after_it_closes", "campaign_valid_days_are_bounded",
    ]  # fmt: skip
    assert {each.slug: each.valid_days for each in Campaign.objects.all()} == {
        "fine": 30, "for-ever": 40_000, "dead": None,
    }  # fmt: skip
    assert [each.id for each in server_checks.check_definition_constraints()] == ["coupons.W010"]


def test_once_all_rows_fit_the_constraints_are_added(
    tables_before_bounds: Callable[[], Any],
) -> None:
    _insert(tables_before_bounds(), "for-ever", valid_days=40_000)
    _migrate(AFTER)
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("definitions", "--constrain", stdout=out)
    assert "for-ever (draft): valid_days: Ensure this value is less than or equal to 36500." in (
        out.getvalue()
    )
    assert "lacks campaign_valid_days_are_bounded: rows break" in out.getvalue()
    Campaign.objects.update(valid_days=365)
    call_command("definitions", stdout=out)
    assert "add them by --constrain" in out.getvalue()
    call_command("definitions", "--constrain", stdout=out)
    assert out.getvalue().endswith("The database holds every bound of a definition.\n")
    assert missing_constraints() == []
    assert server_checks.check_definition_constraints() == []


def test_a_migration_undone_and_done_again_ends_where_it_was(
    tables_before_bounds: Callable[[], Any],
) -> None:
    for _ in range(2):
        _insert(tables_before_bounds(), "for-ever", valid_days=40_000)
        _migrate(AFTER)
        _migrate(BEFORE)
        tables_before_bounds().objects.all().delete()
    _migrate(AFTER)
    assert missing_constraints() == []
