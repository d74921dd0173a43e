"""Who did what, from where: rows of the audit log by the admin, the API, commands and the clock."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from coupons.audit import log, trail
from coupons.campaigns import lifecycle, recorded_states
from coupons.models import (
    Act,
    AuditActor,
    AuditEvent,
    AuditIsKept,
    Campaign,
    CouponEvent,
    EventKind,
    Merchant,
)
from tests.coupons.api.merchant.shop import Shop

pytestmark = pytest.mark.django_db


def newest(**fields: Any) -> AuditEvent:
    return AuditEvent.objects.filter(**fields).latest("id")


def test_an_operator_s_verb_says_who_when_and_from_where(open_campaign: Any) -> None:
    campaign, client = open_campaign("sale"), Client()
    client.force_login(User.objects.create_superuser("bob"))
    client.post(
        reverse("admin:coupons_campaign_do", args=[campaign.id, "pause"]), {"reason": "load"},
        REMOTE_ADDR="203.0.113.7", headers={"X-Request-Id": "asked-1"},
    )  # fmt: skip
    row = newest(verb=EventKind.PAUSED)
    assert (row.actor_kind, row.actor, row.address) == ("operator", "bob", "203.0.113.7")
    assert (row.request_id, row.campaign_id, row.object_id) == ("asked-1", campaign.id, "sale")
    assert row.at is not None
    assert (row.before, row.after) == ({"state": "scheduled"}, {"state": "paused"})


def test_an_edited_draft_shows_each_field_before_and_after(draft: Any) -> None:
    campaign = draft("sale", stock=10)
    AuditEvent.objects.count()
    campaign.stock, campaign.name = 20, "Another"
    lifecycle.save_draft(campaign, actor="bob")
    row = newest(verb=EventKind.EDITED)
    assert row.before == {"stock": 10, "name": "The sale"}
    assert row.after == {"stock": 20, "name": "Another"}


def test_a_merchant_s_key_and_its_address_are_in_both_tables(open_campaign: Any) -> None:
    shop = Shop("books")
    shop.post("webhooks", {"url": "https://hooks.example.com/books"})
    row = newest(verb=Act.ADDED, object_kind="webhookendpoint")
    assert row.actor_kind == AuditActor.KEY
    assert row.actor == shop.key.prefix
    assert row.address == "127.0.0.1"


def test_the_clock_s_own_acts_are_rows(draft: Any) -> None:
    campaign = draft("sale")
    Campaign.objects.filter(pk=campaign.pk).update(state="scheduled", strategy="direct")
    recorded_states.follow_the_clock()
    row = newest(verb=EventKind.OPENED)
    assert (row.actor_kind, row.actor) == (AuditActor.CLOCK, "clock")
    assert row.address


def test_a_command_s_row_has_user_and_host(db: None) -> None:
    call_command("merchant", "create", "books")
    row = newest(verb=Act.ADDED, object_kind="merchant")
    assert row.actor_kind == AuditActor.COMMAND
    assert row.actor.endswith(f"@{row.address}")


def test_a_command_that_leaves_no_row_leaves_one_with_its_options(db: None) -> None:
    call_command("user_token", "ann")
    row = newest()
    assert (row.verb, row.object_id) == (Act.COMMAND, "user_token")
    assert row.after == {"user": "ann"} | (row.after or {})


def test_an_operator_s_groups_and_rights_are_rows(db: None) -> None:
    ann = User.objects.create_user("ann", password="something long")
    assert "something long" not in str(newest(object_kind="user", verb=Act.ADDED).after)
    ann.groups.add(Group.objects.get(name="viewer"))
    assert newest(object_kind="user").after == {"groups": ["viewer"]}
    ann.groups.clear()
    assert newest(object_kind="user").before == {"groups": ["viewer"]}
    ann.set_password("something else, long")
    ann.save()
    assert newest(object_kind="user").after == {"password": "••• (changed)"}


def test_a_form_that_leaves_no_row_leaves_one(open_campaign: Any) -> None:
    """A verb that another author adds is in the log without a line of its own."""
    client = Client()
    client.force_login(User.objects.create_superuser("bob"))
    client.post(reverse("admin:coupons_campaign_changelist"), {"action": "nothing"})
    row = newest()
    assert (row.verb, row.actor) == (Act.SENT, "bob")


def test_a_refused_verb_leaves_a_row(open_campaign: Any) -> None:
    campaign, client = open_campaign("sale"), Client()
    client.force_login(User.objects.create_user("mina", is_staff=True))
    client.post(reverse("admin:coupons_campaign_do", args=[campaign.id, "pause"]))
    assert (newest().verb, newest().actor) == (Act.REFUSED, "mina")


def test_a_row_can_t_be_changed_or_deleted(db: None) -> None:
    row = trail.record_act(Act.CHANGED, kind="merchant", id="books")
    row.actor = "nobody"
    for change in (
        row.save, row.delete, AuditEvent.objects.all().delete,
        lambda: AuditEvent.objects.update(actor="nobody"),
        lambda: AuditEvent.objects.bulk_update([row], ["actor"]),
    ):  # fmt: skip
        with pytest.raises(AuditIsKept):
            change()


def test_what_is_kept_is_bounded(db: None) -> None:
    long = {f"field {number}": "x" * 10_000 for number in range(200)}
    row = trail.record_act(Act.CHANGED, after=long, reason="y" * 5_000, actor="z" * 500)
    assert len(str(row.after)) < 20_000
    assert (len(row.reason), len(row.actor)) == (500, 150)


def test_a_reason_is_a_column(open_campaign: Any) -> None:
    campaign = Campaign.objects.get(pk=open_campaign("sale").id)
    log.record_event(campaign, "bob", EventKind.PAUSED, reason="too many complaints")
    assert newest().reason == "too many complaints"


def test_a_deleted_draft_keeps_its_rows(draft: Any) -> None:
    campaign = draft("sale")
    number = campaign.pk
    lifecycle.delete_draft(campaign)
    row = newest(verb=Act.DELETED)
    assert (row.campaign_id, row.object_id) == (number, "sale")
    assert "The sale" in str(row.before)
    assert not CouponEvent.objects.exists()
    assert not Merchant.objects.exists()
