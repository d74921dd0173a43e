"""The base of all our commands: every error becomes one sentence and an exit status.

0: done. 2: a value on the command line or in the environment is wrong. 1: the values are right, but
the command was refused or a server is unreachable. A command documents any other status itself.
"""

import sys
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ImproperlyConfigured, ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError

from coupons.audit import origin, trail
from coupons.claims.limits import MAX_PER_USER, MAX_STOCK
from coupons.database import availability, error_codes
from coupons.errors import BadInput, BadToken, CouponError, UnknownCampaign
from coupons.management.arguments import ASKED_WRONGLY, Line, Whole, error_sentence
from coupons.models import Act, AuditActor, Campaign, CampaignEvent

INTERRUPTED = 130  # a shell's exit status for Ctrl-C
# Types for `argparse`: who acts, and a campaign's stock and coupons per user.
ACTOR = Line(CampaignEvent._meta.get_field("actor").max_length or 0)
STOCK, PER_USER = Whole(1, MAX_STOCK), Whole(1, MAX_PER_USER)
# Options of every command.
_COMMON = frozenset({
    "verbosity", "settings", "pythonpath", "traceback", "no_color", "force_color", "skip_checks",
    "stdout", "stderr",
})  # fmt: skip
_WRONG_VALUES = (UnknownCampaign, BadInput, BadToken)


class SentenceCommand(BaseCommand):
    """Base of our commands."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """A parser that raises CommandError, without printing the usage."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.called_from_command_line = False
        return parser

    def run_from_argv(self, argv: list[str]) -> None:
        try:
            super().run_from_argv(argv)
        except CommandError as misread:  # raised by the parser
            sentence = error_sentence(str(misread).removeprefix("Error: "))
            self.stderr.write(f"{sentence} See: manage.py {argv[1]} --help")
            sys.exit(ASKED_WRONGLY)
        except KeyboardInterrupt:
            self.stderr.write("Stopped.")
            sys.exit(INTERRUPTED)

    def is_read(self, options: dict[str, Any]) -> bool:
        """Whether a run with these options changes and shows nothing that the audit log must
        know: such a run leaves no row."""
        return False

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run it as an origin of the audit log. A run that left no row of its own leaves one with
        its name and options."""
        name = type(self).__module__.rpartition(".")[2]
        with origin.acting(lambda: origin.of_process(AuditActor.COMMAND, name)) as scope:
            answer = self._execute(*args, **options)
            if scope.rows == 0 and not self.is_read(options):
                given = {key: value for key, value in options.items() if key not in _COMMON}
                trail.record_or_log(Act.COMMAND, kind="command", id=name, after=given)
        return answer

    def _execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except ValidationError as wrong:
            raise CommandError(" ".join(_sentences(wrong)), returncode=ASKED_WRONGLY) from wrong
        except ImproperlyConfigured as wrong:
            raise CommandError(str(wrong), returncode=ASKED_WRONGLY) from wrong
        except CouponError as failure:
            status = ASKED_WRONGLY if isinstance(failure, _WRONG_VALUES) else 1
            raise CommandError(str(failure), returncode=status) from failure
        except DatabaseError as failure:
            if not (error_codes.is_away(failure) or error_codes.lacks_tables(failure)):
                raise
            raise CommandError(_of_database(failure)) from failure

    def demand_consent(self, question: str, *, is_given: bool) -> bool:
        """Confirmation of what can't be undone: True with --yes (`is_given`), or if the answer at
        the terminal is "y". Raises CommandError if standard input is no terminal."""
        if is_given:
            return True
        if not sys.stdin.isatty():
            message = f"{question} There is no terminal to ask at. To confirm: --yes"
            raise CommandError(message, returncode=ASKED_WRONGLY)
        return self.ask(question)

    def ask(self, question: str) -> bool:
        """Whether the answer is "y"; False if standard input has ended."""
        try:
            return input(f"{question} [y/N] ").strip().lower() == "y"
        except EOFError:
            self.stdout.write("")
            return False


def of_campaign(slug: str, failure: CouponError) -> str:
    """The error's sentence, with the campaign's slug in front unless it contains it."""
    return str(failure) if slug in str(failure) else f"{slug}: {failure}"


def demand_campaign(slug: str) -> None:
    """Check that the campaign exists. Raises UnknownCampaign, DatabaseAway."""
    with availability.require_database():
        exists = Campaign.objects.filter(slug=slug).exists()
    if not exists:
        raise UnknownCampaign(f"There is no campaign {slug!r}.")


def _of_database(failure: DatabaseError) -> str:
    if error_codes.lacks_tables(failure):
        return "The database has not the tables of this version: manage.py migrate"
    return f"The database does not answer: {failure}"


def _sentences(error: ValidationError) -> list[str]:
    """The messages, each with the name of its field."""
    if not hasattr(error, "error_dict"):
        return [error_sentence(text) for text in error.messages]
    by_field = {
        name: " ".join(map(error_sentence, texts)) for name, texts in error.message_dict.items()
    }
    return [
        text if name == NON_FIELD_ERRORS else f"{name}: {text}" for name, text in by_field.items()
    ]
