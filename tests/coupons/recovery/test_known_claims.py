"""The sources from which a rebuild learns a campaign's claims."""

from typing import Any

import pytest

from coupons import store
from coupons.admission import strategies
from coupons.claims.values import Claim, Outcome, Reason
from coupons.issuing.drain import drain
from coupons.observability.metrics import Gap
from coupons.recovery import rebuild, reconcile
from coupons.store import keys
from tests.conftest import CampaignMaker
from tests.coupons.recovery.test_rebuild import admit_users, lose_keys

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.stores]


def test_a_coupon_of_nth_is_remembered_as_such(open_campaign: CampaignMaker) -> None:
    campaign = open_campaign(stock=10, per_user=3)
    first = strategies.admit(campaign, Claim("mina", 2))
    drain("sale", consumer="one")
    lose_keys()
    rebuild.rebuild_campaign("sale", actor="Mina")
    again = strategies.admit(campaign, Claim("mina", 2))
    assert (again.outcome, again.place, again.at_ms) == (
        Outcome.ALREADY_CLAIMED, first.place, first.at_ms,
    )  # fmt: skip
    assert strategies.admit(campaign, Claim("mina", 1)).outcome == Outcome.ADMITTED


def test_a_place_known_only_from_a_claimant_is_not_given_again(
    open_campaign: CampaignMaker,
) -> None:
    campaign = open_campaign(stock=10)
    admit_users(campaign, range(4))
    names = keys.campaign_keys("sale")
    lose_keys(names.gate, names.queue)
    assert rebuild.rebuild_campaign("sale", actor="Mina").highest == 4
    assert reconcile.reconcile_campaigns()[0].mended == {Gap.NOT_STORED: 4}
    assert drain("sale", consumer="one").stored == 4


def test_queue_and_parked_claims_are_read_once(
    open_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = open_campaign(stock=10)
    admit_users(campaign, range(3))
    (entry, *_) = store.store().queue.read_new("sale", consumer="one", count=1).entries
    store.store().queue.park_entry("sale", entry.id, Reason.REJECTED)
    asked: list[str] = []
    for name in ("waiting_entries", "parked_entries"):
        real = getattr(store.store().queue, name)

        def count_first_reads(*words: Any, name: str = name, real: Any = real, **more: Any) -> Any:
            if "after" not in more:
                asked.append(name)
            return real(*words, **more)

        monkeypatch.setattr(store.store().queue, name, count_first_reads)
    assert rebuild.rebuild_campaign("sale", actor="Mina").claimants == 3
    assert sorted(asked) == ["parked_entries", "waiting_entries"]
