"""`manage.py rebuild`: its output, and that no other command or process is needed."""

import pytest
from django.core.management import CommandError, call_command

from coupons import store
from coupons.issuing.drain import drain
from coupons.models import Campaign
from coupons.recovery import failover
from coupons.store import keys
from tests.conftest import CampaignMaker
from tests.coupons.recovery.test_rebuild import admit_users, lose_keys
from tests.harness.store_override import forget_store

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]


def test_the_command_rebuilds_one_or_all_that_are_closed(
    open_campaign: CampaignMaker, capsys: pytest.CaptureFixture[str]
) -> None:
    open_campaign("one")
    open_campaign("two")
    lose_keys(keys.campaign_keys("two").gate)
    call_command("rebuild", "--all")
    said = capsys.readouterr().out
    assert "two: 0 claimants written" in said
    assert "one:" not in said
    call_command("rebuild", "one")
    assert "one: 0 claimants written" in capsys.readouterr().out
    with pytest.raises(CommandError, match="no-such"):
        call_command("rebuild", "no-such")


def test_14_a_count_of_one_has_no_plural(
    open_campaign: CampaignMaker, capsys: pytest.CaptureFixture[str]
) -> None:
    admit_users(open_campaign(), ["mina"])
    call_command("rebuild", "sale")
    printed = capsys.readouterr().out
    assert "sale: 1 claimant written in " in printed
    assert "1 claim waits to be stored, numbers go on above 1." in printed
    call_command("reconcile")
    assert "1 campaign compared: " in capsys.readouterr().out


def test_the_command_verifies_the_server_itself(
    open_campaign: CampaignMaker,
) -> None:
    campaign = open_campaign(stock=10)
    admit_users(campaign, range(3))
    drain("sale", consumer="one")
    lose_keys()
    forget_store()
    assert not store.store().server.read_identity().may_decide
    call_command("rebuild", "sale")
    assert store.store().server.read_identity().may_decide
    assert admit_users(campaign, ["late"])["late"].place == 4


def test_the_command_fails_where_this_redis_may_not_decide_afterwards(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_campaign()
    monkeypatch.setattr(failover, "verify_server", lambda: False)
    with pytest.raises(CommandError, match="may not decide yet"):
        call_command("rebuild", "sale")


@pytest.mark.parametrize("key", ["queue", "claimants", "filter", "parked", "gate"])
def test_the_command_leaves_a_campaign_open_whose_keys_it_can_not_write(
    open_campaign: CampaignMaker, capsys: pytest.CaptureFixture[str], key: str
) -> None:
    """The rebuild would fail in the middle and leave the campaign closed."""
    open_campaign()
    damaged = getattr(keys.campaign_keys("sale"), key)
    store.store().client.delete(damaged)
    store.store().client.zadd(damaged, {"another program's": 1})
    epoch = Campaign.objects.get().epoch
    with pytest.raises(CommandError, match="Not rebuilt: sale"):
        call_command("rebuild", "sale")
    told = capsys.readouterr().err
    assert f"{damaged} (zset)" in told
    assert "redis-cli RENAME" in told
    assert Campaign.objects.get().epoch == epoch
