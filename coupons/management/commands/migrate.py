"""Django's `migrate`, as the database user who may change tables."""

from typing import Any

from django.core.management.commands import migrate

from coupons.database import table_owner


class Command(migrate.Command):
    def execute(self, *args: Any, **options: Any) -> str | None:
        table_owner.become_owner()
        return super().execute(*args, **options)
