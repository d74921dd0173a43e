"""Checks of this host: its token keys and its disk."""

import shutil
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coupons.errors import BadToken
from coupons.identity import jwks, user_tokens
from coupons.readiness.result import Line, amber, green, red

DISK_AMBER, DISK_RED = 0.10, 0.02  # share that is free


def host_lines() -> list[Line]:
    return [token_keys(), disk_line()]


def token_keys() -> Line:
    """The shared secret must sign a token that verifies; the file of public keys must have a usable
    key."""
    try:
        seen = _public_keys() if settings.JWT_JWKS_FILE else _shared_secret()
    except (BadToken, OSError, ValueError) as error:
        do = _("Correct JWT_JWKS_FILE or JWT_HS256_SECRET, then restart the web hosts.")
        return red("token_keys", _("No user could log in: {why}").format(why=error), do)
    return green("token_keys", seen)


def _shared_secret() -> str:
    user_tokens.verify_token(user_tokens.mint_token("readiness"))
    seen = _("The shared secret signs and verifies.")
    former = len(settings.JWT_HS256_PREVIOUS)
    if not former:
        return seen
    text = ngettext(
        "{count} former one is still believed.", "{count} former ones are still believed.", former
    )
    return f"{seen} {text.format(count=former)}"


def _public_keys() -> str:
    count = len(jwks.read_keys(settings.JWT_JWKS_FILE))
    text = ngettext("{count} public key of the shop.", "{count} public keys of the shop.", count)
    return text.format(count=count)


def disk_line() -> Line:
    """The disk of the host that runs this check, not those of Redis and MySQL."""
    usage = shutil.disk_usage(Path(__file__).anchor)
    share = usage.free / usage.total
    seen = _("{free:,.1f} GiB free ({share:.0%}) on this host.").format(
        free=usage.free / 2**30, share=share
    )
    do = _("Remove old releases and logs: du -xh / | sort -h | tail")
    if share < DISK_RED:
        return red("disk", seen, do)
    return amber("disk", seen, do) if share < DISK_AMBER else green("disk", seen)
