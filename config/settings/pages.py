"""The public pages."""

import re

from django.core.exceptions import ImproperlyConfigured

from config import env


def _checked(name: str, value: str, form: str, what: str) -> str:
    if value and not re.fullmatch(form, value):
        raise ImproperlyConfigured(f"{name}={value!r} is not {what}.")
    return value


# The origin of the users' API, if pages call it on another one than their own.
PAGES_API_URL = _checked(
    "PAGES_API_URL",
    env.text("PAGES_API_URL", default=""),
    r"https?://[a-z0-9.:\[\]-]+",
    "an origin such as https://api.shop.example",
)
# Where "log in" leads; `{campaign}` is the slug of the page's campaign.
SHOP_LOGIN_URL = _checked(
    "SHOP_LOGIN_URL",
    env.text("SHOP_LOGIN_URL", default=""),
    r"https?://[!-~]+",
    "an address of http or https",
)
