"""Receipts: forgeries are refused, and a receipt whose claim was lost is honoured."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from coupons import store
from coupons.admission import strategies
from coupons.audit import labels
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.claims import campaign_keys, coupon_codes, receipt_tokens
from coupons.claims.values import Claim
from coupons.errors import Refused
from coupons.issuing import receipt_status
from coupons.issuing.drain import drain
from coupons.issuing.receipt_status import Fate
from coupons.models import CampaignEvent, Coupon, EventKind, Tally
from coupons.observability.metrics import Gap
from coupons.recovery import honour, rebuild, reconcile
from coupons.store import keys
from tests.conftest import CampaignMaker, Person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]


def receipt_for(campaign: CampaignSnapshot, user: str) -> str:
    """Admit the user; the receipt of the admission."""
    said = strategies.admit(campaign, Claim(user))
    assert said.holds_a_place
    return campaign.receipt_of(user=user, nth=1, place=said.place, admitted_ms=said.at_ms)


def fate_of(token: str) -> Fate | None:
    finding = receipt_status.verify_receipt(token)
    return None if finding is None else finding.fate


def lost_with_redis(campaign: CampaignSnapshot, *users: str) -> list[str]:
    """These users were admitted, nothing was stored, and Redis was emptied and rebuilt."""
    tokens = [receipt_for(campaign, user) for user in users]
    reconcile.reconcile_campaigns()  # MySQL knows how many places were given
    client: Any = store.store().client
    client.flushall()
    rebuild.rebuild_campaign(campaign.slug, actor="Mina")
    return tokens


def test_a_receipt_is_queued_then_issued(open_campaign: CampaignMaker) -> None:
    token = receipt_for(open_campaign(), "mina")
    assert fate_of(token) is Fate.QUEUED
    drain("sale", consumer="one")
    assert fate_of(token) is Fate.ISSUED


def test_a_receipt_that_we_did_not_sign_is_not_genuine(open_campaign: CampaignMaker) -> None:
    campaign = open_campaign()
    other = campaign_keys.campaign_key("local", b"\x22" * 32, "sale")
    for token in (
        receipt_tokens.sign_receipt(other, "sale", "mina", 1, 1, 1_795_000_000_000),
        receipt_tokens.sign_receipt(campaign.key, "no-such", "mina", 1, 1, 1_795_000_000_000),
        receipt_tokens.sign_receipt(campaign.key, "../sale", "mina", 1, 1, 1_795_000_000_000),
        "eyJ", "", "a.b.c",
    ):  # fmt: skip
        assert receipt_status.verify_receipt(token) is None


def test_a_lost_claim_is_honoured_on_its_place_with_the_code_of_then(
    open_campaign: CampaignMaker,
) -> None:
    campaign = open_campaign(stock=5)
    first, second = lost_with_redis(campaign, "mina", "jun")
    assert fate_of(second) is Fate.LOST
    coupon = honour.honour_receipt(second, actor="Sora")
    assert (coupon.place, coupon.user) == (2, "jun")
    assert coupon.code == campaign.code_of(user="jun", nth=1, place=2)
    assert receipt_for(campaign, "jun") == second  # the answer of then, to the byte
    assert strategies.admit(campaign, Claim("late")).place == 3
    event = CampaignEvent.objects.first()
    assert event is not None
    assert (event.actor, labels.event_text(event)) == ("Sora", "honoured a receipt: 2 'jun'")
    honour.honour_receipt(first, actor="Sora")
    drain("sale", consumer="one")
    assert reconcile.compare_campaign("sale").left == 0
    assert Tally.objects.get().stored == Coupon.objects.count() == 3


def test_honouring_twice_is_honouring_once(open_campaign: CampaignMaker) -> None:
    (token,) = lost_with_redis(open_campaign(), "mina")
    assert honour.honour_receipt(token, actor="Sora") == honour.honour_receipt(token, actor="Sora")
    assert CampaignEvent.objects.filter(kind=EventKind.RECEIPT_HONOURED).count() == 1


def test_numbers_go_on_above_an_honoured_place(open_campaign: CampaignMaker) -> None:
    """A receipt for place 3 proves that 1 and 2 were given, too."""
    campaign = open_campaign(stock=5)
    tokens = [receipt_for(campaign, user) for user in ("mina", "jun", "sora")]
    client: Any = store.store().client
    client.flushall()
    rebuild.rebuild_campaign("sale", actor="Mina")  # of a place that MySQL did not know
    honour.honour_receipt(tokens[2], actor="Sora")
    assert strategies.admit(campaign, Claim("late")).place == 4
    assert honour.honour_receipt(tokens[0], actor="Sora").place == 1


def test_a_place_that_was_given_to_another_since_is_not_honoured(
    open_campaign: CampaignMaker,
) -> None:
    """Not even while the other claim waits: it could no longer be stored."""
    campaign = open_campaign()
    token = receipt_for(campaign, "mina")
    client: Any = store.store().client
    client.flushall()
    rebuild.rebuild_campaign("sale", actor="Mina")
    assert strategies.admit(campaign, Claim("jun")).place == 1
    with pytest.raises(Refused, match="another user"):
        honour.honour_receipt(token, actor="Sora")
    assert drain("sale", consumer="one").stored == 1
    with pytest.raises(Refused):
        honour.honour_receipt(token, actor="Sora")
    assert fate_of(token) is Fate.LOST


def test_a_user_who_was_admitted_again_keeps_the_later_place(open_campaign: CampaignMaker) -> None:
    campaign = open_campaign()
    (token,) = lost_with_redis(campaign, "mina")
    assert strategies.admit(campaign, Claim("mina")).place == 2
    with pytest.raises(Refused):
        honour.honour_receipt(token, actor="Sora")
    drain("sale", consumer="one")
    with pytest.raises(Refused):
        honour.honour_receipt(token, actor="Sora")
    assert Coupon.objects.get().place == 2


def test_a_place_beyond_the_stock_is_not_honoured(open_campaign: CampaignMaker) -> None:
    campaign = open_campaign(stock=2)
    token = receipt_tokens.sign_receipt(campaign.key, "sale", "mina", 1, 3, 1_795_000_000_000)
    with pytest.raises(Refused, match="beyond the stock"):
        honour.honour_receipt(token, actor="Sora")
    assert store.store().campaigns.gate("sale").admitted == 0


def test_a_claim_that_is_not_lost_is_left_alone(open_campaign: CampaignMaker) -> None:
    token = receipt_for(open_campaign(), "mina")
    with pytest.raises(Refused, match="queued"):
        honour.honour_receipt(token, actor="Sora")
    with pytest.raises(Refused):
        honour.honour_receipt("nonsense", actor="Sora")


def test_an_honoured_hole_is_none_any_more(open_campaign: CampaignMaker) -> None:
    campaign = open_campaign()
    (token,) = lost_with_redis(campaign, "mina")
    assert reconcile.compare_campaign("sale").found == {Gap.HOLE: 1}
    honour.honour_receipt(token, actor="Sora")
    assert Tally.objects.get().holes == 0
    strategies.admit(campaign, Claim("jun"))
    store.store().client.xtrim(keys.campaign_keys("sale").queue, maxlen=0, approximate=False)
    assert reconcile.reconcile_campaigns()[0].mended == {
        Gap.NOT_STORED: 1
    }  # seen although a hole was counted


# Over HTTP


def post_verify(user: str, token: object) -> Any:
    return Person(user).client.post(
        "/api/v1/receipts/verify", {"receipt": token}, content_type="application/json"
    )


def test_verifying_a_receipt_shows_its_state_and_not_its_user(
    open_campaign: CampaignMaker,
) -> None:
    campaign = open_campaign()
    token = receipt_for(campaign, "mina")
    queued = post_verify("mina", token).json()
    assert (queued["genuine"], queued["status"], queued["yours"]) == (True, "queued", True)
    drain("sale", consumer="one")
    seen = post_verify("jun", token)
    said = seen.json()
    assert (said["status"], said["yours"], said["place"]) == ("issued", False, 1)
    assert "stored_at" in said
    coupon = Coupon.objects.get()
    assert b"mina" not in seen.content
    assert coupon_codes.grouped_code(coupon.code).encode() not in seen.content


def test_a_forged_receipt_is_not_genuine_and_shows_no_state(open_campaign: CampaignMaker) -> None:
    open_campaign()
    assert post_verify("mina", "e30.e30.AAAA").json() == {"genuine": False}


@pytest.mark.parametrize("odd", ["", None, 7, ["x"], {"a": 1}])
def test_what_is_no_text_is_bad_input(open_campaign: CampaignMaker, odd: object) -> None:
    answer = post_verify("mina", odd)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "receipt")


def test_the_state_of_a_genuine_receipt_is_unknown_while_redis_is_away(
    open_campaign: CampaignMaker, redis_away: Any
) -> None:
    campaign = open_campaign()
    first = receipt_for(campaign, "mina")
    drain("sale", consumer="one")
    second = receipt_for(campaign, "jun")
    redis_away()
    assert post_verify("mina", first).json()["status"] == "issued"
    assert post_verify("mina", second).status_code == 503


def test_the_command_only_shows_unless_told_to_store(
    open_campaign: CampaignMaker, capsys: pytest.CaptureFixture[str]
) -> None:
    (token,) = lost_with_redis(open_campaign(), "mina")
    call_command("honour_receipt", token)
    assert "lost" in capsys.readouterr().out
    assert not Coupon.objects.exists()
    call_command("honour_receipt", token, "--yes")
    assert "is stored on place 1" in capsys.readouterr().out
    with pytest.raises(CommandError):
        call_command("honour_receipt", "nonsense")
