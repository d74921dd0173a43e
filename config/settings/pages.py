"""The public pages."""

import re

from django.core.exceptions import ImproperlyConfigured

from config import env


def _address(name: str, form: str, what: str) -> str:
    value = env.text(name, default="")
    if value and not re.fullmatch(form, value):
        raise ImproperlyConfigured(f"{name}={value!r} is not {what}.")
    return value


# The origin of the users' API, if pages call it on another one than their own.
PAGES_API_URL = _address(
    "PAGES_API_URL", r"https?://[a-z0-9.:\[\]-]+", "an origin such as https://api.shop.example"
)
# Where "log in" leads; `{campaign}` is the slug of the page's campaign.
SHOP_LOGIN_URL = _address("SHOP_LOGIN_URL", r"https?://[!-~]+", "an address of http or https")
