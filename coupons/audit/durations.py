"""Lengths of time as people read them, in the reader's language."""

from django.utils.translation import gettext as _


def duration_text(ms: int) -> str:
    """`0.9 s`, `12 s`, `2 min 5 s`, `3 h 10 min`, `4 d 2 h`: two units at most, rounded down; below
    ten seconds in tenths."""
    seconds = ms // 1000
    if seconds < 10:
        return _("{} s").format(f"{ms // 100 / 10:.1f}")
    if seconds < 60:
        return _("{} s").format(seconds)
    if seconds < 3_600:
        return _("{} min {} s").format(*divmod(seconds, 60))
    if seconds < 86_400:
        return _("{} h {} min").format(*divmod(seconds // 60, 60))
    return _("{} d {} h").format(*divmod(seconds // 3_600, 24))
