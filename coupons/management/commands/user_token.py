"""`manage.py user_token USER`: a signed token for trying the API by hand."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from coupons.claims.limits import MAX_USER_BYTES
from coupons.identity import user_tokens
from coupons.management.arguments import ASKED_WRONGLY, Text, Whole
from coupons.management.base import SentenceCommand

LONGEST_MINUTES = 366 * 24 * 60


class Command(SentenceCommand):
    help = "Print a user token, signed with the shared secret, for trying the API by hand."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", type=Text(MAX_USER_BYTES), help="the user's id")
        parser.add_argument(
            "--segment", type=Text(64), action="append", default=[], help="may be repeated"
        )
        parser.add_argument(
            "--minutes",
            type=Whole(1, LONGEST_MINUTES),
            default=60,
            help="until it expires (default 60)",
        )
        parser.add_argument(
            "--sign-in-production",
            action="store_true",
            help="in production too, where whoever has the token is that user",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.JWT_JWKS_FILE:
            raise CommandError("Tokens are signed by the shop (JWT_JWKS_FILE is set), not here.")
        if settings.PRODUCTION and not options["sign_in_production"]:
            raise CommandError(
                "In production the shop signs tokens. To sign one here all the same, and so to act"
                " as that user: --sign-in-production",
                returncode=ASKED_WRONGLY,
            )
        if options["minutes"] * 60 > settings.JWT_LONGEST_S:
            raise CommandError(
                f"A token of {options['minutes']} minutes would be refused: JWT_LONGEST_S is"
                f" {settings.JWT_LONGEST_S}.",
                returncode=ASKED_WRONGLY,
            )
        token = user_tokens.mint_token(
            options["user"],
            segments=tuple(options["segment"]),
            lifetime_s=options["minutes"] * 60,
        )
        self.stdout.write(token)
