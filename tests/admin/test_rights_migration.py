"""Migration 0011: the roles exist after it, and nobody loses what they could do before."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from coupons.audit import trail
from coupons.models.rights import ROLES

APPROVALS = ("0012_closed_campaigns_have_a_proof", "0013_approvals_and_undo")
BEFORE, AFTER = "0010_campaigns_are_announced", "0011_rights_and_roles"
pytestmark = [
    pytest.mark.stores, pytest.mark.slow, pytest.mark.django_db(transaction=True),
]  # fmt: skip


@pytest.fixture
def migrate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    # Before its migration there is no audit log.
    monkeypatch.setattr(trail, "record_act", lambda *args, **more: None)

    def migrate_to(name: str) -> None:
        MigrationExecutor(connection).migrate([("coupons", name)])

    yield migrate_to
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes("coupons"))


def test_whoever_could_change_campaigns_may_still_close_them(
    migrate: Callable[[str], Any],
) -> None:
    migrate(BEFORE)
    Group.objects.all().delete()
    Permission.objects.filter(codename__in=["close_campaign", "view_user_ids"]).delete()
    mina, bob = (User.objects.create_user(name, is_staff=True) for name in ("mina", "bob"))
    mina.user_permissions.add(Permission.objects.get(codename="change_campaign"))
    bob.user_permissions.add(Permission.objects.get(codename="view_campaign"))
    migrate(AFTER)
    mina, bob = (User.objects.get(username=name) for name in ("mina", "bob"))
    assert mina.has_perms(["coupons.close_campaign", "coupons.view_user_ids"])
    assert not bob.has_perm("coupons.close_campaign")


def test_the_groups_have_their_rights_on_an_empty_database(migrate: Callable[[str], Any]) -> None:
    """Where Django has not made any right yet: its signal comes after the last migration."""
    migrate(BEFORE)
    Group.objects.all().delete()
    Permission.objects.all().delete()
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes("coupons"))
    for role in ROLES.values():
        held = Group.objects.get(name=role.name).permissions.values_list("codename", flat=True)
        assert set(held) == set(role.codenames)


def test_a_group_of_the_same_name_is_left_alone(migrate: Callable[[str], Any]) -> None:
    migrate(BEFORE)
    Group.objects.all().delete()
    Group.objects.create(name="operator")
    migrate(AFTER)
    assert Group.objects.get(name="operator").permissions.count() == 0
    assert Group.objects.get(name="viewer").permissions.filter(codename="view_coupon").exists()


def test_whoever_could_close_alone_may_approve_a_changed_group_may_not(
    migrate: Callable[[str], Any],
) -> None:
    """A group that lost a right of its role is the site's own, and gets nothing new."""
    migrate(BEFORE)
    Group.objects.all().delete()
    migrate(APPROVALS[0])
    mina = User.objects.create_user("mina", is_staff=True)
    mina.user_permissions.add(Permission.objects.get(codename="close_campaign"))
    operator = Group.objects.get(name="operator")
    operator.permissions.remove(Permission.objects.get(codename="revoke_coupon"))
    migrate(APPROVALS[1])
    mina = User.objects.get(username="mina")
    assert mina.has_perms(["coupons.approve_requests", "coupons.ask_approval"])
    named = {
        role: set(Group.objects.get(name=role).permissions.values_list("codename", flat=True))
        for role in ROLES
    }
    assert "ask_approval" not in named["operator"]
    assert named["approver"] >= {"approve_requests", "view_approvalrequest"}
    assert "approve_requests" not in named["support"]
