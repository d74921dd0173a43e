"""`manage.py readiness`: its status, its JSON, and the override of a red board."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from coupons.campaigns import lifecycle, opening_hold
from coupons.models import Campaign
from coupons.readiness import board
from coupons.store import keys, store

pytestmark = pytest.mark.usefixtures("healthy_worker")
GATE = keys.campaign_keys("sale").gate


def run_readiness(*arguments: str) -> tuple[int, str]:
    said = StringIO()
    try:
        call_command("readiness", *arguments, stdout=said, no_color=True)
    except SystemExit as end:
        return int(end.code or 0), said.getvalue()
    return 0, said.getvalue()


def test_the_command_says_yes_or_no_by_its_status(scheduled_sale: Campaign) -> None:
    status, said = run_readiness("sale")
    assert status == 0
    assert "sale is ready to open" in said.splitlines()[-1]
    store().client.delete(GATE)
    status, said = run_readiness("sale")
    assert status == 1
    assert "✗ both_stores" in said
    assert "sale is not ready" in said.splitlines()[-1]


def test_the_command_speaks_json(scheduled_sale: Campaign) -> None:
    store().client.hset(GATE, "stock", 9)
    status, said = run_readiness("sale", "--json")
    told = json.loads(said)
    assert (status, told["light"], told["blocks"]) == (1, "red", True)
    assert {line["name"]: line["light"] for line in told["lines"]}["both_stores"] == "red"


def test_the_command_overrides_with_a_reason_only(scheduled_sale: Campaign) -> None:
    store().client.hset(GATE, "longest", 9)
    with pytest.raises(CommandError, match="Give a reason") as refused:
        run_readiness("sale", "--override", " ")
    assert refused.value.returncode == 2
    status, said = run_readiness("sale", "--override", "we know", "--actor", "mina")
    assert status == 0
    assert "as mina decided: we know" in said
    with pytest.raises(CommandError, match="no campaign"):
        run_readiness("nosuch")


def test_an_override_ends_with_the_opening_it_was_for(scheduled_sale: Campaign) -> None:
    opening_hold.override_hold("sale", actor="mina", reason="we know")
    assert board.readiness_board("sale").overridden is not None
    later = scheduled_sale.opens_at + timedelta(hours=5)
    lifecycle.reschedule("sale", opens_at=later, closes_at=later + timedelta(hours=1), actor="mina")
    assert board.readiness_board("sale").overridden is None
