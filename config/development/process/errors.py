"""What ends a command early: a sentence for the person, or the person's own wish."""

from coupons.management.arguments import ASKED_WRONGLY


class Trouble(Exception):
    """We can't go on. `str(trouble)` says why and what to do, ready to be printed."""

    status = 1  # of the command that it ends


class AskedWrongly(Trouble):
    """A value on the command line or in the environment is what is wrong."""

    status = ASKED_WRONGLY


class Stopped(Exception):
    """Somebody pressed Ctrl-C or sent us a signal to end."""
