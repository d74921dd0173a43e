"""Whom operators' notifications are sent to. Off unless an address is set."""

import re
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from config import env

_MAIL_PORTS = {"smtp": 25, "smtps": 465, "smtp+tls": 587}


def _checked(name: str, value: str, form: str, what: str) -> str:
    """The value may contain a password or be a secret: no error message contains it."""
    if value and not re.fullmatch(form, value):
        raise ImproperlyConfigured(f"{name} is not {what}.")
    return value


NOTIFY_EMAILS = env.listing("NOTIFY_EMAILS", default="")
for _address in NOTIFY_EMAILS:
    _checked("NOTIFY_EMAILS", _address, r"[!-?A-~]+@[!-?A-~]+", "a list of mail addresses")
NOTIFY_WEBHOOK_URL = _checked(
    "NOTIFY_WEBHOOK_URL",
    env.text("NOTIFY_WEBHOOK_URL", default=""),
    r"https?://[!-~]+",
    "an address of https",
)
NOTIFY_FROM = _checked(
    "NOTIFY_FROM",
    env.text("NOTIFY_FROM", default=""),
    r"[!-?A-~]+@[!-?A-~]+",
    "a mail address",
)
# The origin of the admin as operators' browsers know it: messages carry links with it.
ADMIN_URL = _checked(
    "ADMIN_URL",
    env.text("ADMIN_URL", default=""),
    r"https?://[a-z0-9.:\[\]-]+",
    "an origin such as https://coupons.shop.example",
)
_server = _checked(
    "NOTIFY_MAIL_SERVER",
    env.text("NOTIFY_MAIL_SERVER", default=""),
    r"smtp(?:s|\+tls)?://(?:[!-?A-~]+@)?[a-z0-9.-]+(?::[1-9][0-9]{0,4})?",
    "smtp://, smtps:// or smtp+tls://[USER:PASSWORD@]HOST[:PORT]",
)
if NOTIFY_EMAILS and not (_server and NOTIFY_FROM):
    raise ImproperlyConfigured("NOTIFY_EMAILS needs NOTIFY_MAIL_SERVER and NOTIFY_FROM.")

# Django's own settings of its mail backend.
_mail = urlsplit(_server)
EMAIL_HOST, EMAIL_PORT = _mail.hostname or "", _mail.port or _MAIL_PORTS.get(_mail.scheme, 25)
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = unquote(_mail.username or ""), unquote(_mail.password or "")
EMAIL_USE_SSL, EMAIL_USE_TLS = _mail.scheme == "smtps", _mail.scheme == "smtp+tls"
EMAIL_TIMEOUT = 10  # seconds, of each step: a task must not hang at a slow server
