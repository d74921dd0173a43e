"""`manage.py flower`: Flower with a login, which shows the workers and their bells.

What it shows it hears on the broker (the workers send events), and with `CELERY_REMOTE_CONTROL` it
also commands them. So without a login it is served on a laptop's own loopback only.
"""

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

SHORTEST_PASSWORD = 12
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Command(BaseCommand):
    help = "Start Flower behind the login FLOWER_LOGIN; it shows the workers and their bells."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--address", default="127.0.0.1", help="to listen on")
        parser.add_argument("--port", type=int, default=5555)

    def handle(self, *args: Any, **options: Any) -> None:
        _demand_login(settings.FLOWER_LOGIN, options["address"])
        os.environ.setdefault("CELERY_WORKER", "yes")  # as patient with the broker as a worker
        flower = [sys.executable, "-m", "celery", "-A", "config", "flower"]
        where = [f"--address={options['address']}", f"--port={options['port']}"]
        if settings.FLOWER_LOGIN:  # not among the arguments, where every user of the host reads it
            where.append(f"--conf={settings.FLOWER_LOGIN_FILE}")
        self.stdout.flush()
        os.execv(sys.executable, [*flower, *where])  # noqa: S606 - a list made here, no shell


def _demand_login(login: str, address: str) -> None:
    """Raises CommandError where strangers could look in."""
    user, _, password = login.partition(":")
    if login and (not user or len(password) < SHORTEST_PASSWORD or not login.isascii()):
        raise CommandError(
            f"FLOWER_LOGIN must be user:password in ASCII, the password of {SHORTEST_PASSWORD}"
            " characters or more."
        )
    if not login and (settings.PRODUCTION or address not in LOOPBACK):
        raise CommandError(
            "Flower is not started without a login: set FLOWER_LOGIN=user:password. (A laptop's"
            " own loopback needs none.)"
        )
