"""`manage.py user_token USER`: a signed token for trying the API by hand."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from coupons import tokens
from coupons.errors import BadToken


class Command(BaseCommand):
    help = "Print a user token, signed with the shared secret (development only)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="the user's id, 1 to 128 bytes")
        parser.add_argument("--segment", action="append", default=[], help="may be given again")
        parser.add_argument("--minutes", type=int, default=60, help="until it expires (default 60)")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.JWT_JWKS_FILE:
            raise CommandError("Tokens are signed by the shop (JWT_JWKS_FILE is set), not here.")
        try:
            token = tokens.mint(
                options["user"],
                segments=tuple(options["segment"]),
                lifetime_s=options["minutes"] * 60,
            )
        except BadToken as error:
            raise CommandError(str(error)) from None
        self.stdout.write(token)
