"""Codes and counts as operators read them, in both languages (issue 14, part 10)."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from coupons.audit import labels
from coupons.campaigns import update
from coupons.claims.values import Reason
from coupons.models import Campaign, CampaignEvent, EventKind, GivenUp
from coupons.store import keys, store
from tests.conftest import CampaignMaker

CODE = re.compile(r">[^<]*\b(?:" + "|".join(Reason) + r")\b[^<]*<")  # in the text, not a title


@pytest.mark.parametrize("reason", Reason)
def test_14_10_every_reason_has_a_label_in_both_languages(reason: Reason) -> None:
    texts = set()
    for language in ("en", "ko"):
        with translation.override(language):
            texts.add(labels.reason_label(reason))
    assert len(texts | {reason.value}) == 3
    assert labels.reason_label("of a later release") == "of a later release"


@pytest.mark.parametrize("reason", Reason)
def test_14_10_no_page_shows_a_reasons_code(
    operator_client: Client,
    campaign_url: Callable[..., str],
    open_campaign: CampaignMaker,
    reason: Reason,
) -> None:
    open_campaign("sale")
    sale = Campaign.objects.get()
    fields: Any = {b"u": b"mina", b"n": b"1", b"p": b"7", b"t": b"1", b"reason": reason.encode()}
    store().client.xadd(keys.campaign_keys("sale").parked, fields)
    GivenUp.objects.create(
        campaign=sale, place=3, user="jun", nth=1, admitted_ms=1, actor="mina",
        reason=reason, why="no",
    )  # fmt: skip
    CampaignEvent.objects.create(
        campaign=sale, actor="mina", kind=EventKind.CLAIMS_REPLAYED,
        data={"count": 2, "reason": reason},
    )  # fmt: skip
    for below in ("parked", "change"):
        shown = operator_client.get(campaign_url("sale", below), headers={"Accept-Language": "ko"})
        assert not CODE.findall(shown.content.decode())
    parked = operator_client.get(campaign_url("sale", "parked")).content.decode()
    assert str(labels.reason_label(reason)) in parked


@pytest.mark.parametrize(("count", "noun"), [(0, "claimants"), (1, "claimant"), (2, "claimants")])
def test_14_10_one_is_no_plural(count: int, noun: str) -> None:
    event = CampaignEvent(kind=EventKind.REBUILT, data={"claimants": count, "highest": 5})
    assert f"{count} {noun};" in labels.event_text(event)
    claims = f"{count} claim{'' if count == 1 else 's'} already"
    assert claims in update.below_admitted_text("sale", 0, count)


@pytest.mark.parametrize("odd", ["many", None, [], {"a": 1}, 1.5])
def test_14_10_counts_of_another_release_are_shown_as_they_are(odd: object) -> None:
    event = CampaignEvent(kind=EventKind.REBUILT, data={"claimants": odd})
    assert f"{odd} claimants" in labels.event_text(event)
