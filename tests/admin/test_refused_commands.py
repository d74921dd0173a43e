"""Commands as a new user types them: one that can't be undone asks for confirmation, and a refusal
is one sentence that names the fault."""

import os
import pty
import subprocess
import sys
from datetime import timedelta
from io import StringIO

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from config import env
from coupons.audit import log
from coupons.campaigns import lifecycle
from coupons.claims.values import Reason
from coupons.management.commands import replay_parked
from coupons.models import Campaign, EventKind
from tests.conftest import CampaignMaker

pytestmark = pytest.mark.django_db(transaction=True)
SALE = "sale"


@pytest.fixture
def scheduled_sale(draft: CampaignMaker) -> Campaign:
    opens = timezone.now() + timedelta(hours=1)
    draft(SALE, opens_at=opens, closes_at=opens + timedelta(hours=1))
    return lifecycle.schedule_campaign(SALE, actor="Mina")


def refusal_of(*words: str) -> CommandError:
    with pytest.raises(CommandError) as refused:
        call_command(*words, stdout=StringIO(), stderr=StringIO())
    return refused.value


def campaign_state() -> str:
    return Campaign.objects.get(slug=SALE).state


def test_closing_without_a_terminal_needs_a_flag(scheduled_sale: Campaign) -> None:
    refused = refusal_of("campaign", "close", SALE)
    assert refused.returncode == 2
    assert str(refused).startswith("Close sale for good? A closed campaign can't be opened again.")
    assert str(refused).endswith("--yes")
    assert campaign_state() == "scheduled"
    call_command("campaign", "close", SALE, "--yes", stdout=StringIO())
    assert campaign_state() == "closed"


@pytest.mark.parametrize(("answer", "after"), [(b"n\n", "scheduled"), (b"\n", "scheduled"),
                                               (b"y\n", "closed")])  # fmt: skip
def test_at_a_terminal_closing_is_a_question(
    scheduled_sale: Campaign, child_environment: dict[str, str], answer: bytes, after: str
) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "manage.py", "campaign", "close", SALE],
        cwd=env.BASE_DIR, env=child_environment, stdin=theirs, stdout=subprocess.PIPE, text=True,
    ) as command:  # fmt: skip
        os.write(ours, answer)
        output, _ = command.communicate(timeout=300)
    os.close(ours)
    os.close(theirs)
    assert "Close sale for good? A closed campaign can't be opened again. [y/N]" in output
    assert (command.returncode, campaign_state()) == (0, after)


@pytest.mark.parametrize("stock", ["-3", "0", "20000000"])
@pytest.mark.parametrize("words", [("campaign", "stock", SALE), ("new_campaign", "other")])
def test_a_stock_out_of_bounds_is_refused_by_its_name(
    scheduled_sale: Campaign, words: tuple[str, ...], stock: str
) -> None:
    message = str(refusal_of(*words, f"--stock={stock}"))
    assert f"--stock: {stock} is not between 1 and 10,000,000" in message


@pytest.mark.parametrize("stock", [-3, 0, 20_000_000])
def test_a_wrong_stock_set_by_code_names_its_field(scheduled_sale: Campaign, stock: int) -> None:
    with pytest.raises(ValidationError) as refused:
        lifecycle.change_stock(SALE, stock=stock, actor="Mina")
    assert list(refused.value.message_dict) == ["stock"]


def test_choices_read_as_words(scheduled_sale: Campaign) -> None:
    message = str(refusal_of("replay_parked", SALE, "--reason", "x"))
    assert "Reason" not in message and "<" not in message
    assert Reason.UNREADABLE.value in message
    parser = replay_parked.Command().create_parser("manage.py", "replay_parked")
    kinds = {type(each) for action in parser._actions for each in action.choices or ()}
    assert kinds <= {str, int}


@pytest.mark.parametrize("actor", ["x\ny", "x\x1b[2J", "x\u202ey", "\u200b", "", "x" * 151])
def test_an_actor_is_one_line_that_can_be_seen(scheduled_sale: Campaign, actor: str) -> None:
    assert "--actor" in str(refusal_of("campaign", "pause", SALE, f"--actor={actor}"))
    assert campaign_state() == "scheduled"


def test_the_history_holds_single_lines_whoever_writes_it(scheduled_sale: Campaign) -> None:
    reason = "a\r\nb\x1b[2J" + "c" * 600
    log.record_event(scheduled_sale, "x\ny\u202e" + "z" * 200, EventKind.OVERRIDDEN, reason=reason)
    event = scheduled_sale.events.first()
    assert event is not None
    assert event.actor.startswith("x yz") and len(event.actor) == 150
    assert event is not None and event.data is not None
    assert event.data["reason"].startswith("a  b [2Jc") and len(event.data["reason"]) == 500


@pytest.mark.parametrize("command", ["reconcile", "rebuild", "replay_parked"])
def test_a_draft_is_called_a_draft_and_nothing_reads_like_damage(
    draft: CampaignMaker, command: str
) -> None:
    draft("en-5")
    out, err = StringIO(), StringIO()
    with pytest.raises(CommandError) as refused:
        call_command(command, "en-5", stdout=out, stderr=err)
    assert str(refused.value) == "en-5 is a draft: Redis knows a campaign once it is scheduled."
    assert refused.value.returncode == 1
    assert out.getvalue() + err.getvalue() == ""
