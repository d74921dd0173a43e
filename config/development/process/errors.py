"""Exceptions that end a command early."""

from coupons.management.arguments import ASKED_WRONGLY


class Trouble(Exception):
    """The command can't go on. `str(trouble)` says why and what to do; it is printed as it is."""

    status = 1  # the command's exit status


class AskedWrongly(Trouble):
    """The cause is a wrong value on the command line or in the environment."""

    status = ASKED_WRONGLY


class Stopped(Exception):
    """Ctrl-C was pressed, or the process got another signal to end."""
