"""`manage.py flower`: Flower with a login; it shows the workers and their tasks.

It receives the workers' events over the broker, and with `CELERY_REMOTE_CONTROL` it also controls
them. So without a login it is served on a laptop's own loopback only.
"""

import os
import socket
import sys
from argparse import ArgumentTypeError
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from coupons.management.arguments import Whole
from coupons.management.base import SentenceCommand

SHORTEST_PASSWORD = 12
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Command(SentenceCommand):
    help = "Start Flower behind the login FLOWER_LOGIN; it shows the workers and their tasks."

    def is_read(self, options: dict[str, Any]) -> bool:
        return True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--address", type=own_address, default="127.0.0.1", help="to listen on")
        parser.add_argument("--port", type=Whole(1, 65_535), default=5555)

    def handle(self, *args: Any, **options: Any) -> None:
        _demand_login(settings.FLOWER_LOGIN, options["address"])
        _demand_free(options["address"], options["port"])
        flower = [sys.executable, "-m", "celery", "-A", "config", "flower"]
        where = [f"--address={options['address']}", f"--port={options['port']}"]
        if settings.FLOWER_LOGIN:  # not as an argument, which every user of the host can read
            where.append(f"--conf={settings.FLOWER_LOGIN_FILE}")
        self.stdout.flush()
        os.execv(sys.executable, [*flower, *where])  # noqa: S606 - a list made here, no shell


def own_address(address: str) -> str:
    """An address of this host. Raises ArgumentTypeError."""
    try:
        _bind(address.strip() or "?", 0)
    except (OSError, UnicodeError):
        raise ArgumentTypeError(f"{address!r} is no address of this host.") from None
    return address


def _demand_free(address: str, port: int) -> None:
    try:
        _bind(address, port)
    except OSError as error:
        why = error.strerror or error
        raise CommandError(f"Port {port} of {address} can't be listened on: {why}.") from None


def _bind(address: str, port: int) -> None:
    """Raises OSError."""
    family, kind, protocol, _, where = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(where)


def _demand_login(login: str, address: str) -> None:
    """Raises CommandError if the login is malformed, weak, or missing where one is required."""
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
