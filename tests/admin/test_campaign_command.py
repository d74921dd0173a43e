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
