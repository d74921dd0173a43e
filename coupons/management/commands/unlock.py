"""`manage.py unlock NAME`: end the lockout of an operator after wrong passwords."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError, CommandParser

from coupons.admin.login import lockout
from coupons.claims.quantities import counted_noun
from coupons.errors import StoreFailure
from coupons.management.arguments import ASKED_WRONGLY, Text
from coupons.management.base import SentenceCommand
from coupons.store import store

LONGEST_NAME_BYTES = 600  # 150 characters of 4 bytes, the longest name of an operator


class Command(SentenceCommand):
    help = "Reset failed logins: of one operator, with the addresses that sent them, or of all."

    def add_arguments(self, parser: CommandParser) -> None:
        target = parser.add_mutually_exclusive_group(required=True)
        target.add_argument(
            "name",
            type=Text(LONGEST_NAME_BYTES),
            nargs="?",
            help="the operator's name, in any spelling",
        )
        target.add_argument("--all", action="store_true", help="every operator and every address")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["all"]:
                count = store().logins.unlock_all()
                reset = counted_noun(count, "counter was", "counters were")
                self.stdout.write(f"All operators may log in: {reset} reset.")
            else:
                self._unlock(options["name"])
        except StoreFailure as failure:
            raise CommandError(f"Nothing was reset. {failure}") from None

    def _unlock(self, name: str) -> None:
        """MySQL is queried only for a name without failed logins: unlocking works without it."""
        folded = lockout.folded_name(name)
        count = store().logins.unlock_name(folded)
        if not count and folded not in map(lockout.folded_name, _operators()):
            raise CommandError(f"There is no operator {name!r}.", returncode=ASKED_WRONGLY)
        sources = counted_noun(count, "source")
        self.stdout.write(f"{name} may log in: attempts of {sources} were reset.")


def _operators() -> list[str]:
    return list(get_user_model().objects.values_list("username", flat=True))
