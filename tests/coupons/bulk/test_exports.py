"""Exports: every coupon once, in order, resumable, and safe to open in a spreadsheet."""

import csv
import io
import json

import pytest

from coupons.audit.actors import Actor
from coupons.bulk import exports
from coupons.bulk.reading import Format
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.grants import granting
from coupons.issuing.drain import drain
from coupons.models import ActorKind, Campaign, Coupon
from coupons.redemption import lifecycle
from coupons.store import Grantee
from tests.conftest import CampaignMaker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]

MINA = Actor(ActorKind.OPERATOR, "Mina")
USERS = ["ann", "bob", '=HYPERLINK("x")', "jun"]


@pytest.fixture
def winners(open_campaign: CampaignMaker, strategy: str) -> CampaignSnapshot:
    campaign = open_campaign(strategy=strategy)
    grantees = [Grantee(user, 1, "") for user in USERS]
    granting.grant_places("sale", grantees, actor=MINA)
    if strategy == Campaign.Strategy.QUEUED:
        drain("sale", consumer="one")
    lifecycle.revoke_coupon(pk=Coupon.objects.get(user="bob").pk, actor=MINA, reason="x")
    return campaign


def export(file_format: Format, **options: float) -> str:
    chunks = exports.export_coupons(Campaign.objects.get(), file_format, **options)  # type: ignore[arg-type]
    return b"".join(chunks).decode()


def test_json_lines_are_exact(winners: CampaignSnapshot) -> None:
    *rows, last = map(json.loads, export(Format.JSON_LINES).splitlines())
    assert [(row["place"], row["user"], row["state"]) for row in rows] == [
        (1, "ann", "issued"), (2, "bob", "revoked"), (3, USERS[2], "issued"), (4, "jun", "issued"),
    ]  # fmt: skip
    assert last == {"complete": True, "after": 4}


def test_csv_has_no_formula(winners: CampaignSnapshot) -> None:
    text = export(Format.CSV)
    head, *rows, last = csv.reader(io.StringIO(text))
    assert tuple(head) == exports.COLUMNS
    assert rows[2][2] == "'" + USERS[2]
    assert last == ["# complete"]


def test_it_goes_on_where_it_ended(
    winners: CampaignSnapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PAGE", 2)
    *rows, last = map(json.loads, export(Format.JSON_LINES, time_s=0).splitlines())
    assert ([row["place"] for row in rows], last) == ([1, 2], {"complete": False, "after": 2})
    text = export(Format.CSV, after=last["after"], time_s=0)
    assert [line.split(",")[0] for line in text.splitlines()] == ["3", "4", "# go on with after=4"]
    assert export(Format.CSV, after=4) == "# complete\r\n"
