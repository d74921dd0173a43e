"""What ends a command early: a sentence for the person, or the person's own wish."""


class Trouble(Exception):
    """We can't go on. `str(trouble)` says why and what to do, ready to be printed."""


class Stopped(Exception):
    """Somebody pressed Ctrl-C or sent us a signal to end."""
