"""`manage.py unlock NAME`: an operator who was locked out may try again at once."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from coupons.admin import lockout
from coupons.errors import StoreFailure
from coupons.store import store


class Command(BaseCommand):
    help = "Forget wrong passwords: of one operator, with the addresses that sent them, or of all."

    def add_arguments(self, parser: CommandParser) -> None:
        whom = parser.add_mutually_exclusive_group(required=True)
        whom.add_argument("name", nargs="?", help="the operator's name, in any spelling")
        whom.add_argument("--all", action="store_true", help="every operator and every address")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"]
        try:
            if options["all"]:
                count = store().unlock_all()
                self.stdout.write(f"Everybody may log in: {count} counters were forgotten.")
            else:
                count = store().unlock(lockout.folded(name))
                self.stdout.write(f"{name} may log in: attempts of {count} sources were forgotten.")
        except StoreFailure as failure:
            raise CommandError(f"Nothing was forgotten. {failure}") from None
