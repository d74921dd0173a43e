"""Entries that earlier releases wrote in English are carried over into kinds and data."""

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from coupons.audit import labels, log
from coupons.models import Campaign, CampaignEvent, EventKind

NOW = sorted(Path("coupons/migrations").glob("0*.py"))[-1].stem
BEFORE, AFTER = "0007_names_of_operators_are_exact", "0008_history_is_typed"
kind_and_data: Callable[[str, str], tuple[str, dict[str, Any]]] = import_module(
    f"coupons.migrations.{AFTER}"
).kind_and_data

OLD = [
    ("created", "", "created", {}),
    ("open", "", "opened", {}),
    ("closed", "", "closed", {}),
    ("stock set to 25", "", "stock_set", {"stock": 25}),
    ("held back", "red: replicas, redis", "held", {"checks": ["replicas", "redis"]}),
    ("released", "nothing is red any more", "released", {}),
    ("overridden", "red: on purpose", "overridden", {"reason": "red: on purpose"}),
    (
        "warmed up",
        "the database answered in 3 ms; 15 scripts are in Redis; http://a answered 60 of 64",
        "warmed_up",
        {"database_ms": 3, "scripts": 15, "hosts": [["http://a", 60, 64]]},
    ),
    ("warmed up", "the database answered in 3 ms", "warmed_up", {"database_ms": 3, "hosts": []}),
    (
        "rebuilt",
        "5 claimants; numbers go on above 7; epoch ab.2",
        "rebuilt",
        {"claimants": 5, "highest": 7, "epoch": "ab.2"},
    ),
    ("checked", "", "checked", {}),
    ("replayed", "2", "claims_replayed", {"count": 2, "reason": ""}),
    ("replayed", "2 rejected", "claims_replayed", {"count": 2, "reason": "rejected"}),
    (
        "gave up",
        "3 'jun': it's: odd",
        "claim_given_up",
        {"place": 3, "user": "jun", "why": "it's: odd"},
    ),
    ("gave up", '3 "ju\'n": x', "claim_given_up", {"place": 3, "user": "ju'n", "why": "x"}),
    ("honoured a receipt", "2 'jun'", "receipt_honoured", {"place": 2, "user": "jun"}),
    ("danced", "twice", "other", {"text": "danced: twice"}),
    ("rebuilt", "somehow", "other", {"text": "rebuilt: somehow"}),
    (
        "warmed up",
        ("the database answered in 3 ms; http://" + "a" * 500 + " answered")[:500],
        "warmed_up",
        {"database_ms": 3, "hosts": []},
    ),
    ("warmed up", "it was warm", "other", {"text": "warmed up: it was warm"}),
    ("gave up", "3 'ju", "other", {"text": "gave up: 3 'ju"}),
]


@pytest.mark.parametrize(("verb", "note", "kind", "data"), OLD)
def test_an_old_entry_is_read(verb: str, note: str, kind: str, data: dict[str, Any]) -> None:
    assert kind_and_data(verb, note) == (kind, data)
    assert kind in EventKind


@pytest.fixture
def migrated_to() -> Iterator[Callable[[str], Any]]:
    """Call it with a migration's name: migrates this test's schema to it, and returns its
    models."""

    def migrate_to(name: str) -> Any:
        executor = MigrationExecutor(connection)
        executor.migrate([("coupons", name)])
        return MigrationExecutor(connection).loader.project_state(("coupons", name)).apps

    yield migrate_to
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes("coupons"))


@pytest.mark.stores
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_table_of_the_release_before_is_carried_over(
    migrated_to: Callable[[str], Any], draft: Callable[..., Campaign]
) -> None:
    for slug, state in (("held", "paused"), ("paused", "paused"), ("overridden", "scheduled")):
        campaign = draft(slug)
        CampaignEvent.objects.all().delete()
        Campaign.objects.filter(pk=campaign.pk).update(state=state)
    old = migrated_to(BEFORE)
    campaigns = {each.slug: each for each in old.get_model("coupons", "Campaign").objects.all()}
    event = old.get_model("coupons", "CampaignEvent").objects.create
    for slug, words in {
        "held": [("scheduled", ""), ("paused", ""), ("resumed", ""), ("held back", "red: redis")],
        "paused": [("held back", "red: redis"), ("overridden", "so what"), ("rescheduled", "")],
        "overridden": [("scheduled", ""), ("overridden", "so what"), ("stock set to 25", "")],
    }.items():
        for verb, note in words:
            event(campaign=campaigns[slug], actor="mina", verb=verb, note=note)
    migrated_to(AFTER)
    migrated_to(NOW)
    slugs = ("held", "paused", "overridden")
    held, paused, overridden = (Campaign.objects.get(slug=slug) for slug in slugs)
    shown = log.hold_event(held)
    assert shown is not None and labels.event_details(shown) == "red: Redis"
    assert (paused.held, paused.overridden) == (False, False)
    assert overridden.overridden
    override = log.override_event(overridden)
    assert override is not None and labels.event_text(override) == "overridden: so what"
    texts = {labels.event_text(each) for each in overridden.events.all()}
    assert texts == {"scheduled", "overridden: so what", "stock set to 25"}


@pytest.mark.stores
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_release_before_writes_into_the_table_of_now(draft: Callable[..., Campaign]) -> None:
    """As during a rolling update, and after a rollback."""
    campaign = draft("sale")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO coupons_campaignevent (campaign_id, at, actor, verb, note)"
            " VALUES (%s, CURRENT_TIMESTAMP, 'mina', 'paused', '')",
            [campaign.pk],
        )
    newest = campaign.events.first()
    assert newest is not None
    assert (newest.kind, newest.data) == (EventKind.OTHER, None)
    assert labels.event_text(newest) == "other"


class Killed(BaseException):
    pass


@pytest.mark.stores
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_killed_after_any_statement_it_is_finished_by_migrating_again(
    migrated_to: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """MySQL commits each DDL statement by itself."""
    execute = connection.SchemaEditorClass.execute
    for killed_after in range(1, 100):
        migrated_to(BEFORE)
        done = 0

        def execute_and_die(self: Any, *words: Any, **more: Any) -> None:
            nonlocal done
            execute(self, *words, **more)
            done += 1
            if done == killed_after:  # noqa: B023 - called in this round only
                raise Killed

        with monkeypatch.context() as killing:
            killing.setattr(connection.SchemaEditorClass, "execute", execute_and_die)
            try:
                migrated_to(AFTER)
                break
            except Killed:
                pass
        migrated_to(AFTER)
        assert not CampaignEvent.objects.filter(kind="held").exists()  # the columns are there
        assert not Campaign.objects.filter(held=True, overridden=True).exists()
    assert killed_after > 3
