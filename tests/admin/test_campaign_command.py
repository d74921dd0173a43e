"""`manage.py campaign`: pause, resume, close, as the admin does."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from coupons.models import Campaign
from tests.conftest import CampaignMaker, Person

pytestmark = pytest.mark.stores


def run_campaign_command(*words: str) -> str:
    out = StringIO()
    call_command("campaign", *words, "--actor", "Mina", stdout=out)
    return out.getvalue()


def test_pause_resume_and_close(open_campaign: CampaignMaker) -> None:
    open_campaign()
    assert "sale is paused now." in run_campaign_command("pause", "sale")
    assert Person("jun").claims().status_code == 503
    run_campaign_command("resume", "sale")
    assert Person("jun").claims().status_code == 202
    run_campaign_command("close", "sale", "--yes")
    assert Campaign.objects.get(slug="sale").state == Campaign.State.CLOSED


@pytest.mark.django_db(transaction=True)
def test_an_impossible_transition_is_refused_in_a_sentence() -> None:
    with pytest.raises(CommandError, match="nothing"):
        run_campaign_command("pause", "nothing")


def test_a_dry_run_says_what_would_happen_and_an_undo_takes_it_back(
    open_campaign: CampaignMaker,
) -> None:
    open_campaign("sale")
    told = run_campaign_command("close", "sale", "--dry-run").splitlines()
    assert told[0] == "It closes now, and can't be opened again."
    assert told[-1] == "sale would be closed; nothing was written."
    with pytest.raises(CommandError, match="There is nothing to undo of sale"):
        run_campaign_command("undo", "sale")
    run_campaign_command("pause", "sale", "--reason", "load")
    run_campaign_command("undo", "sale", "--dry-run")
    assert Campaign.objects.get().state == "paused"
    undone = run_campaign_command("undo", "sale", "--reason", "it is over")
    assert undone == "pause of sale is undone.\n"
    assert Campaign.objects.get().state == "scheduled"


def test_a_close_can_be_asked_for(open_campaign: CampaignMaker) -> None:
    open_campaign("sale")
    with pytest.raises(CommandError, match="--ask goes with"):
        run_campaign_command("close", "sale", "--ask")
    asked = run_campaign_command("close", "sale", "--ask", "--reason", "the sale is over")
    assert "waits for an approval" in asked
    assert Campaign.objects.get().state == "scheduled"
