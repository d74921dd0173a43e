"""Events get a kind and data in place of English words; holding and overriding become columns.

Old entries are carried over. An earlier release can read and write this table while hosts are being
updated, and after a rollback: its two columns stay, with a default, until a later migration removes
them. But holds and overrides of one release are not seen by the other: to each, a campaign that the
other holds back is paused by a person. What the earlier one writes has no kind, and shows as "other".
"""

import ast
import re

from django.db import migrations, models

_KINDS = {
    "created": "created",
    "edited": "edited",
    "scheduled": "scheduled",
    "rescheduled": "rescheduled",
    "opened": "opened",
    "open": "opened",
    "paused": "paused",
    "resumed": "resumed",
    "closed": "closed",
    "held back": "held",
    "released": "released",
    "overridden": "overridden",
    "warmed up": "warmed_up",
    "rebuilt": "rebuilt",
    "checked": "checked",
    "replayed": "claims_replayed",
    "gave up": "claim_given_up",
    "honoured a receipt": "receipt_honoured",
}
_CHOICES = [
    ("created", "created"),
    ("edited", "edited"),
    ("scheduled", "scheduled"),
    ("rescheduled", "rescheduled"),
    ("stock_set", "stock set"),
    ("opened", "opened"),
    ("paused", "paused"),
    ("resumed", "resumed"),
    ("closed", "closed"),
    ("held", "held back"),
    ("released", "released"),
    ("overridden", "overridden"),
    ("warmed_up", "warmed up"),
    ("rebuilt", "rebuilt"),
    ("checked", "checked"),
    ("claims_replayed", "replayed"),
    ("claim_given_up", "gave up"),
    ("receipt_honoured", "honoured a receipt"),
    ("other", "other"),
]
_REPAIR = re.compile(r"(\d+) claimants; numbers go on above (\d+); epoch (\S+)")
_DATABASE = re.compile(r"the database answered in (\d+) ms")
_SCRIPTS = re.compile(r"(\d+) scripts are in Redis")
_HOST = re.compile(r"(.+) answered (\d+) of (\d+)")
_REPLAYED = re.compile(r"(\d+)(?: (\S+))?")
_PERSON = re.compile(r"(\d+) ('.*?'|\".*?\")(?:: (.*))?", re.DOTALL)
_HOLDING = ("held", "released", "overridden", "scheduled", "paused", "resumed", "opened", "closed")
_PLANNING = ("overridden", "scheduled", "rescheduled")
_ROWS = 1_000
_NOTE_CHARS = 500


def kind_and_data(verb, note):
    """Of an entry as it was written until now. What can't be read is kept as text."""
    if stock := re.fullmatch(r"stock set to (\d+)", verb):
        return "stock_set", {"stock": int(stock[1])}
    kind = _KINDS.get(verb)
    data = _data(kind, note) if kind else None
    if data is None:
        return "other", {"text": f"{verb}: {note}" if note else verb}
    return kind, data


def _data(kind, note):
    if kind == "overridden":
        return {"reason": note}
    if kind == "held":
        names = note.removeprefix("red: ")
        return {"checks": names.split(", ")} if names != note else None
    if kind == "warmed_up":
        return _warm_up(note)
    if kind in ("rebuilt", "checked"):
        found = _REPAIR.fullmatch(note)
        if found:
            return {
                "claimants": int(found[1]), "highest": int(found[2]), "epoch": found[3],
            }  # fmt: skip
        return None if note else {}
    if kind == "claims_replayed":
        found = _REPLAYED.fullmatch(note)
        return found and {"count": int(found[1]), "reason": found[2] or ""}
    if kind in ("claim_given_up", "receipt_honoured"):
        return _person(kind, note)
    if kind == "released":
        return {} if note == "nothing is red any more" else None
    return None if note else {}


def _warm_up(note):
    data = {"hosts": []}
    for part in note.split("; "):
        if found := _DATABASE.fullmatch(part):
            data["database_ms"] = int(found[1])
        elif found := _SCRIPTS.fullmatch(part):
            data["scripts"] = int(found[1])
        elif found := _HOST.fullmatch(part):
            data["hosts"].append([found[1], int(found[2]), int(found[3])])
        elif len(note) < _NOTE_CHARS or not note.endswith(part):  # else it was cut there
            return None
    return data


def _person(kind, note):
    found = _PERSON.fullmatch(note)
    if not found or (kind == "claim_given_up") != (found[3] is not None):
        return None
    try:
        data = {"place": int(found[1]), "user": ast.literal_eval(found[2])}
    except (ValueError, SyntaxError):
        return None
    return data | ({"why": found[3]} if kind == "claim_given_up" else {})


class AddOnce(migrations.AddField):
    """Repeatable: MySQL commits each change of a table by itself, so a process that is killed leaves
    the first ones behind."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if not self._is_there(app_label, schema_editor, to_state):
            self._add(app_label, schema_editor, from_state, to_state)

    def _add(self, *where):
        super().database_forwards(*where)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        if self._is_there(app_label, schema_editor, to_state):
            super().database_backwards(app_label, schema_editor, from_state, to_state)

    def _is_there(self, app_label, schema_editor, state):
        table = state.apps.get_model(app_label, self.model_name)._meta.db_table
        with schema_editor.connection.cursor() as cursor:
            columns = schema_editor.connection.introspection.get_table_description(cursor, table)
        return self.name in {column.name for column in columns}


class AddFlag(AddOnce):
    """Not as Django does it on SQLite: that copies all rows into a new table with all constraints,
    also those that `0006` has left out because old rows break them."""

    def __init__(self, model_name, name):
        super().__init__(
            model_name, name, models.BooleanField(db_default=False, default=False, editable=False)
        )

    def deconstruct(self):
        return self.__class__.__name__, [self.model_name, self.name], {}

    def _add(self, app_label, schema_editor, from_state, to_state):
        self._alter(schema_editor, f"ADD COLUMN {self.name} bool DEFAULT 0 NOT NULL")

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        if self._is_there(app_label, schema_editor, from_state):
            self._alter(schema_editor, f"DROP COLUMN {self.name}")

    def _alter(self, schema_editor, change):
        table = schema_editor.quote_name(f"coupons_{self.model_name_lower}")
        schema_editor.execute(f"ALTER TABLE {table} {change}")


def carry_over(apps, schema_editor):
    events = apps.get_model("coupons", "CampaignEvent").objects.order_by("pk")
    last = 0
    while rows := list(events.filter(pk__gt=last)[:_ROWS]):
        last = rows[-1].pk
        old = [row for row in rows if row.verb]  # a row of today has none
        for row in old:
            row.kind, row.data = kind_and_data(row.verb, row.note)
        events.bulk_update(old, ["kind", "data"])
    for campaign in apps.get_model("coupons", "Campaign").objects.exclude(state="draft"):
        newest = campaign.events.order_by("-pk").values_list("kind", flat=True)
        campaign.held = (
            campaign.state == "paused" and newest.filter(kind__in=_HOLDING).first() == "held"
        )
        campaign.overridden = newest.filter(kind__in=_PLANNING).first() == "overridden"
        campaign.save(update_fields=["held", "overridden"])


class Migration(migrations.Migration):
    dependencies = [("coupons", "0007_names_of_operators_are_exact")]

    operations = [
        AddFlag("campaign", "held"),
        AddFlag("campaign", "overridden"),
        AddOnce(
            "campaignevent",
            "kind",
            models.CharField(choices=_CHOICES, db_default="other", max_length=32),
        ),
        AddOnce("campaignevent", "data", models.JSONField(default=dict, null=True)),
        migrations.AlterField(
            "campaignevent", "verb", models.CharField(db_default="", max_length=32)
        ),
        migrations.AlterField(
            "campaignevent", "note", models.CharField(blank=True, db_default="", max_length=500)
        ),
        migrations.RunPython(carry_over, migrations.RunPython.noop),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveField("campaignevent", "verb"),
                migrations.RemoveField("campaignevent", "note"),
            ]
        ),
    ]
