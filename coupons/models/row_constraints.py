"""Adding constraints to tables that may have rows that violate them, and finding missing ones."""

import sys
from typing import Any, cast

from django.apps import apps
from django.db import connection
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import AddConstraint
from django.db.migrations.state import ProjectState
from django.db.models import CheckConstraint, Model

MOST_NAMED = 10


def breaking_rows(
    model: type[Model], constraint: CheckConstraint, using: str = "default"
) -> list[str]:
    """The slugs of the first rows (at most MOST_NAMED) that violate the constraint."""
    rows = model._default_manager.using(using).exclude(constraint.condition)
    return list(rows.order_by("pk").values_list("slug", flat=True)[:MOST_NAMED])


def missing_constraints() -> list[CheckConstraint]:
    """The constraints on campaigns that a migration left out."""
    model = apps.get_model("coupons", "Campaign")
    with connection.cursor() as cursor:
        existing = connection.introspection.get_constraints(cursor, model._meta.db_table)
    checks = [check for check in model._meta.constraints if isinstance(check, CheckConstraint)]
    return [check for check in checks if check.name not in existing]


class AddConstraintIfRowsFit(AddConstraint):
    """Adds the constraint, or leaves it out with a message if rows violate it: an old campaign must
    not stop a deployment. `manage.py definitions` adds it once the rows fit."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        alias = schema_editor.connection.alias
        broken = breaking_rows(model, cast(CheckConstraint, self.constraint), alias)
        _drop_violated_constraints(model, alias)
        if broken:
            sys.stderr.write(
                f"\n  {self.constraint.name} was left out: {', '.join(broken)} would break it. "
                "See `manage.py definitions`.\n"
            )
            return
        super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Remove the constraint, if it was not left out."""
        model = to_state.apps.get_model(app_label, self.model_name)
        connection = schema_editor.connection
        _drop_violated_constraints(model, connection.alias)
        with connection.cursor() as cursor:
            existing = connection.introspection.get_constraints(cursor, model._meta.db_table)
        if self.constraint.name in existing:
            super().database_backwards(app_label, schema_editor, from_state, to_state)


def _drop_violated_constraints(model: Any, alias: str) -> None:
    """Drop violated constraints from the model: for any change SQLite copies the whole table, with
    all constraints of the model."""
    model._meta.constraints = [
        constraint
        for constraint in model._meta.constraints
        if not isinstance(constraint, CheckConstraint)
        or not breaking_rows(model, constraint, alias)
    ]
