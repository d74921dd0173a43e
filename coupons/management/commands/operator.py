"""`manage.py operator NAME --role ROLE`: make an operator, give roles, help one who can't log in.

A new operator gets a link, printed here, behind which the password is chosen: good once, for a day.
Nobody sets up a second factor without one: --link prints it for an operator who exists.
With --password it is asked for at the terminal, or read from standard input, one line. No password
is ever a word of the command line, where other users of the host could read it.
"""

import getpass
import sys
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import default_token_generator
from django.core.management.base import CommandError, CommandParser
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from coupons.admin import rights
from coupons.admin.login import lockout, second_factor
from coupons.admin.login.login_log import log_change
from coupons.management.arguments import ASKED_WRONGLY, Text
from coupons.management.base import SentenceCommand
from coupons.models import Act
from coupons.models.rights import ROLES

SUPERUSER = "superuser"
LONGEST_NAME_BYTES = 150
LOCAL_SITE = settings.OPERATORS_SITE


class Command(SentenceCommand):
    help = (
        "Make an operator, give roles, print a link to choose a password, reset the second factor."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", type=Text(LONGEST_NAME_BYTES), help="the name to log in with")
        parser.add_argument(
            "--role",
            choices=[*ROLES, SUPERUSER],
            help="what the operator may do; a second one is added by a second call",
        )
        parser.add_argument(
            "--password",
            action="store_true",
            help="ask for the password, or read it from standard input; else a link is printed",
        )
        parser.add_argument(
            "--link", action="store_true", help="print a link also for an operator who exists"
        )
        parser.add_argument(
            "--reset-totp",
            action="store_true",
            help="forget app and recovery codes; a link is printed",
        )
        parser.add_argument(
            "--site",
            type=Text(200),
            default=LOCAL_SITE,
            help=f"where the operator reaches the admin (default: {LOCAL_SITE}, through a tunnel)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        _demand_site(options["site"])
        user = User.objects.filter(username=options["name"]).first()
        is_new = user is None
        if user is None:
            if options["role"] is None:
                missing = f"There is no operator {options['name']!r}. To make one, give --role."
                raise CommandError(missing, returncode=ASKED_WRONGLY)
            user = _make_operator(options["name"])
        if options["role"]:
            self._give_role(user, options["role"])
        if options["reset_totp"]:
            self._reset_second_factor(user)
        if options["password"]:
            self._set_password(user)
        if options["link"] or options["reset_totp"] or (is_new and not options["password"]):
            self._print_link(user, options["site"])
        elif not (options["role"] or options["password"]):
            nothing = "Nothing to do. Say --role, --link, --password or --reset-totp."
            raise CommandError(nothing, returncode=ASKED_WRONGLY)

    def _give_role(self, user: User, role: str) -> None:
        if role == SUPERUSER:
            User.objects.filter(pk=user.pk).update(is_superuser=True)
        else:
            user.groups.add(rights.role_group(role))
        log_change(Act.CHANGED, f"the role {role} was given at a terminal", user.username, None)
        self.stdout.write(f"{user.username} has the role {role}.")

    def _reset_second_factor(self, user: User) -> None:
        second_factor.remove_devices(user)
        log_change(
            Act.FACTOR_REMOVED, "the second factor was removed at a terminal", user.username, None
        )
        self.stdout.write(f"{user.username} sets up the second factor again, by this link alone:")

    def _set_password(self, user: User) -> None:
        if sys.stdin.isatty():
            password = getpass.getpass("Password: ")
            if getpass.getpass("Again: ") != password:
                raise CommandError("The two passwords differ.", returncode=ASKED_WRONGLY)
        else:
            password = sys.stdin.readline().rstrip("\n")
        validate_password(password, user)
        user.set_password(password)
        user.save(update_fields=["password"])
        log_change(Act.PASSWORD, "a new password at a terminal", user.username, None)
        self.stdout.write(f"{user.username} has a new password.")

    def _print_link(self, user: User, site: str) -> None:
        key = urlsafe_base64_encode(force_bytes(user.pk))
        token = default_token_generator.make_token(user)
        path = reverse("operator-invitation", args=[key, token], urlconf="config.urls.operators")
        log_change(Act.LINK, "a link to choose a password was made", user.username, None)
        hours = settings.PASSWORD_RESET_TIMEOUT // 3600
        self.stdout.write(
            f"{user.username} chooses a password, once, within {hours} hours: "
            f"{site.rstrip('/')}{path}"
        )


def _demand_site(site: str) -> None:
    parts = urlsplit(site)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        wrong = f"--site {site!r} is not an address such as {LOCAL_SITE}."
        raise CommandError(wrong, returncode=ASKED_WRONGLY)


def _make_operator(name: str) -> User:
    """Raises ValidationError for a name that Django refuses, CommandError for one that is nearly
    another's."""
    user = User(username=name, is_staff=True)
    user.set_unusable_password()
    user.full_clean()
    for other in User.objects.values_list("username", flat=True):
        if lockout.folded_name(other) == lockout.folded_name(name):
            alike = f"An operator has nearly the same name: {other}."
            raise CommandError(alike, returncode=ASKED_WRONGLY)
    user.save()
    return user
