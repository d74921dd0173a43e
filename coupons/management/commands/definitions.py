"""`manage.py definitions`: which campaigns break today's limits, and which constraints the database
lacks because of them.

A migration skips a constraint that existing rows break. Such campaigns continue as they are; one
that is public needs no correction. A draft must be corrected in the admin before it can be
scheduled. `--constrain` adds the constraints once all rows satisfy them. Exit status 1: some rows
do not.
"""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.db import connection
from django.db.models import CheckConstraint

from coupons.database import availability, table_owner
from coupons.errors import DatabaseAway
from coupons.management.base import SentenceCommand
from coupons.models import Campaign
from coupons.models.row_constraints import breaking_rows, missing_constraints


class Command(SentenceCommand):
    help = "Name the campaigns whose definition breaks a rule, and the constraints left out."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--constrain", action="store_true", help="add the constraints that were left out"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with availability.require_database():
                self._report(constrain=options["constrain"])
        except DatabaseAway as away:
            raise CommandError(str(away), returncode=2) from None

    def _report(self, *, constrain: bool) -> None:
        for campaign in Campaign.objects.order_by("slug").iterator():
            for fault in _faults_of(campaign):
                self.stdout.write(f"{campaign.slug} ({campaign.get_state_display()}): {fault}")
        missing = missing_constraints()
        broken = [constraint.name for constraint in missing if breaking_rows(Campaign, constraint)]
        if constrain and not broken:
            table_owner.become_owner()
            _add(missing)
            missing = []
        self.stdout.write(_verdict(missing, broken))
        if broken:
            raise SystemExit(1)


def _faults_of(campaign: Campaign) -> list[str]:
    try:
        campaign.full_clean(validate_unique=False)
    except ValidationError as error:
        return [f"{name}: {' '.join(texts)}" for name, texts in error.message_dict.items()]
    return []


def _add(missing: list[CheckConstraint]) -> None:
    with connection.schema_editor() as editor:
        for constraint in missing:
            editor.add_constraint(Campaign, constraint)


def _verdict(missing: list[CheckConstraint], broken: list[str]) -> str:
    """The one sentence a command ends with."""
    names = ", ".join(constraint.name for constraint in missing)
    if broken:
        return f"The database lacks {names}: rows break {', '.join(broken)}."
    if missing:
        return f"The database lacks {names}; all rows fit: add them by --constrain."
    return "The database holds every bound of a definition."
