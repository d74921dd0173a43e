"""Save as new: a draft with the terms of another campaign. Coupons as a file."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from coupons.audit import labels
from coupons.campaigns.snapshot import CampaignSnapshot
from coupons.models import Campaign
from tests.admin.conftest import Owners
from tests.admin.test_form import ADD, form_fields

CampaignMaker = Callable[..., CampaignSnapshot]
LIST = "/admin/coupons/coupon/"


def body_of(answer: Any) -> str:
    return b"".join(answer.streaming_content).decode()


def test_a_copy_has_the_terms_and_a_window_of_its_own(
    operator_client: Client, draft: Callable[..., Campaign]
) -> None:
    source = draft("autumn", name="Autumn", stock=500, per_user=2, minimum_order=20_000)
    address = f"{ADD}?copy={source.pk}"
    fields = form_fields(operator_client, address)
    assert (fields["stock"], fields["per_user"], fields["minimum_order"]) == ("500", "2", "20000")
    assert not fields.get("slug") and not fields.get("opens_at")
    opens = timezone.localtime(timezone.now() + timedelta(days=7)).replace(tzinfo=None)
    typed = {"slug": "winter", "opens_at": opens.isoformat(timespec="minutes"),
             "closes_at": (opens + timedelta(hours=1)).isoformat(timespec="minutes")}  # fmt: skip
    answer = operator_client.post(address, fields | typed)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    made = Campaign.objects.get(slug="winter")
    assert (made.state, made.stock, made.per_user) == ("draft", 500, 2)
    assert [labels.event_text(event) for event in made.events.all()] == [
        "created: as a copy of autumn"
    ]
    assert Campaign.objects.get(slug="autumn").events.count() == 1


def test_a_copy_of_nothing_is_an_empty_form(operator_client: Client) -> None:
    for given in ("", "x", "4711", "9" * 40, "-1"):
        answer = operator_client.get(ADD, {"copy": given})
        assert answer.status_code == 200, given


def test_coupons_are_downloaded_whole(
    operator_client: Client, open_campaign: CampaignMaker, hand_out: Owners
) -> None:
    hand_out(open_campaign("sale"), ["ann", "=bob"])
    hand_out(open_campaign("other"), ["eve"])
    query = {"campaign": "sale", "export": "jsonl"}
    *rows, last = map(json.loads, body_of(operator_client.get(LIST, query)).splitlines())
    assert [(row["place"], row["user"]) for row in rows] == [(1, "ann"), (2, "=bob")]
    assert last["complete"] is True
    answer = operator_client.get(LIST, query | {"export": "csv"})
    assert "sale-coupons.csv" in answer["Content-Disposition"]
    lines = body_of(answer).splitlines()
    assert lines[-1] == "# complete"
    assert "'=bob" in lines[2]  # no formula


def test_no_file_for_who_may_not_see_users_and_none_of_nothing(
    operator_client: Client, read_only_client: Client, open_campaign: CampaignMaker
) -> None:
    open_campaign("sale")
    query = {"campaign": "sale", "export": "csv"}
    assert read_only_client.get(LIST, query).status_code == 403
    for wrong in ({"export": "xml"}, {"campaign": "none"}, {"campaign": ""}):
        assert operator_client.get(LIST, query | wrong).status_code == 404
