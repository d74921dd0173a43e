"""Typed readers of the environment: the only place that reads it. A wrong value is a loud error.

`COUPONS_ENV` says where we run. `local` (the default) has embedded defaults for everything;
`production` has none for secrets and addresses: whatever is missing stops the start.
"""

import os
from enum import StrEnum
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent


class Place(StrEnum):
    LOCAL = "local"
    PRODUCTION = "production"


def var_folder() -> Path:
    """Where a laptop keeps its data; made when first asked for."""
    folder = BASE_DIR / "var"
    if not PRODUCTION:
        folder.mkdir(exist_ok=True)
    return folder


def text(name: str, *, local: str | None = None, default: str | None = None) -> str:
    """The variable's text; `local` is the default on a laptop, `default` everywhere."""
    value = os.environ.get(name) or (local if not PRODUCTION else None) or default
    if value is None:
        raise ImproperlyConfigured(f"{name} is not set. See .env.example for what it means.")
    return value


def optional(name: str) -> str:
    return os.environ.get(name, "")


def integer(name: str, default: int, *, low: int = 0, high: int = 2**31) -> int:
    said = os.environ.get(name) or str(default)
    try:
        value = int(said)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={said!r} is not a whole number.") from None
    if not low <= value <= high:
        raise ImproperlyConfigured(f"{name}={value} is not between {low} and {high}.")
    return value


def seconds(name: str, default: float) -> float:
    said = os.environ.get(name) or str(default)
    try:
        value = float(said)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={said!r} is not a number of seconds.") from None
    if value < 0:
        raise ImproperlyConfigured(f"{name}={said} is negative.")
    return value


def boolean(name: str, *, default: bool) -> bool:
    said = (os.environ.get(name) or ("yes" if default else "no")).lower()
    if said not in _BOOLEANS:
        raise ImproperlyConfigured(f"{name}={said!r} is neither yes nor no.")
    return _BOOLEANS[said]


def listing(name: str, default: str = "") -> list[str]:
    """Comma-separated words."""
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def secrets_by_id(name: str, *, local: str) -> dict[str, bytes]:
    """`id:hex[,id:hex]`, newest first: the first is for what is new, the others for the old."""
    keys: dict[str, bytes] = {}
    for part in text(name, local=local).split(","):
        key_id, _, secret = part.strip().partition(":")
        try:
            keys[key_id] = bytes.fromhex(secret)
        except ValueError:
            raise ImproperlyConfigured(f"{name}: the key {key_id!r} is not hexadecimal.") from None
        if len(keys[key_id]) < 32:
            raise ImproperlyConfigured(f"{name}: the key {key_id!r} is shorter than 32 bytes.")
    return keys


_BOOLEANS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


def _place() -> Place:
    said = os.environ.get("COUPONS_ENV") or Place.LOCAL
    try:
        return Place(said)
    except ValueError:
        raise ImproperlyConfigured(
            f"COUPONS_ENV={said!r} is neither local nor production."
        ) from None


PRODUCTION = _place() is Place.PRODUCTION
