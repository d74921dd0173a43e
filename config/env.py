"""Typed readers of environment variables; no other module reads them. Each reader raises
ImproperlyConfigured for a wrong value.

`COUPONS_ENV` says where we run. `local` (the default) has defaults for everything; `production`
has none for secrets and addresses: the process does not start without them.
"""

import json
import os
import re
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ImproperlyConfigured

from config import env_files, store_urls
from config.cross_origin import origin_complaint
from config.secret_rules import are_alike, published_key, secret_weakness

BASE_DIR = Path(__file__).resolve().parent.parent
_Kind = TypeVar("_Kind", bound=StrEnum)
SHORTEST_SECRET = 32  # bytes: as long as the SHA-256 that is keyed with it
# The environment this process was started with. A program that is not ours (a peer of the
# comparison, a command under `tests.servers`) gets this, without what importing `config` adds.
GIVEN = dict(os.environ)
# The names that env files (`.env`, `var/local.env`) have added to it, each with its file.
FROM_FILES = env_files.join_env_files(os.environ, BASE_DIR)


class Deployment(StrEnum):
    LOCAL = "local"
    PRODUCTION = "production"


def var_folder() -> Path:
    """Where a laptop keeps its data; created when needed, except in production."""
    folder = BASE_DIR / "var"
    if not PRODUCTION:
        folder.mkdir(exist_ok=True)
    return folder


def text(
    name: str,
    *,
    local: str | None = None,
    default: str | None = None,
    one_of: tuple[str, ...] = (),
) -> str:
    """The variable's text. `local` is the default on a laptop, `default` everywhere."""
    value = os.environ.get(name) or (local if not PRODUCTION else None) or default
    if value is None:
        raise ImproperlyConfigured(f"{name} is not set. See .env.example for what it means.")
    if one_of and value not in one_of:
        choices = " or ".join(map(repr, one_of))
        raise ImproperlyConfigured(f"{name}={value!r} is not {choices}.")
    return value


def secret(name: str, *, local: str) -> str:
    """A secret of at least 32 bytes; in production also checked by `secret_rules`. No error message
    contains it."""
    value = text(name, local=local)
    _demand_secret(name, value.encode())
    return value


def demand_unlike_secrets(name: str, password: str) -> None:
    """In production: raises ImproperlyConfigured if this password is also one of our secrets."""
    if PRODUCTION and password:
        _demand_unlike_others(name, password.encode())


def _demand_secret(name: str, value: bytes) -> None:
    if len(value) < SHORTEST_SECRET:
        raise ImproperlyConfigured(f"{name} is shorter than {SHORTEST_SECRET} bytes.")
    if kind := published_key(value):
        raise ImproperlyConfigured(f"{name} is {kind}, no secret.")
    if PRODUCTION:
        if why := secret_weakness(value):
            raise ImproperlyConfigured(f"{name} {why}. Draw a random one. {_DRAW}")
        _demand_unlike_others(name, value)


def _demand_unlike_others(name: str, value: bytes) -> None:
    _demand_unlike(_secrets_read | _store_passwords_read, name, value)
    _secrets_read[name] = value


def _demand_unlike(others: dict[str, bytes], name: str, value: bytes) -> None:
    for other, used_value in others.items():
        if other != name and are_alike(used_value, value):
            raise ImproperlyConfigured(f"{name} is the same secret as {other}. Draw one each.")


_DRAW = "(python3 -c 'import secrets; print(secrets.token_hex(32))')"
_secrets_read: dict[str, bytes] = {}  # by setting: all that this process has read
_store_passwords_read: dict[str, bytes] = {}  # passwords of Redis, the broker and the database


def store_url(name: str, *, local: str | None = None) -> str:
    """A store's URL, its password percent-encoded. No error message contains it.

    In production its password must not also be one of our secrets; two stores may share one."""
    url = text(name, local=local)
    if why := store_urls.url_complaint(name, url):
        raise ImproperlyConfigured(why)
    if PRODUCTION and (password := store_urls.password_of(url)):
        label = f"The password of {name}"
        _demand_unlike(_secrets_read, label, password)
        _store_passwords_read[label] = password
    return url


def optional_store_url(name: str) -> str:
    """As `store_url`; empty if the variable is not set, in production, too."""
    return store_url(name) if os.environ.get(name) else ""


def file(name: str) -> str:
    """The path of an existing file; empty if the variable is not set."""
    path = os.environ.get(name, "")
    if path and not Path(path).is_file():
        raise ImproperlyConfigured(f"{name}={path!r} is not a file.")
    return path


def folder(name: str) -> str:
    """The path of an existing, writable folder; empty if the variable is not set."""
    path = os.environ.get(name, "")
    if path and not (Path(path).is_dir() and os.access(path, os.W_OK)):
        raise ImproperlyConfigured(f"{name}={path!r} is not a folder that may be written into.")
    return path


def time_zone(name: str, *, default: str) -> str:
    """The name of a time zone, as Asia/Seoul."""
    zone = text(name, default=default)
    try:
        return ZoneInfo(zone).key
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise ImproperlyConfigured(f"{name}={zone!r} is not a zone's name, as {default}.") from None


def integer(name: str, default: int, *, low: int = 0, high: int = 2**31) -> int:
    value_text = os.environ.get(name) or str(default)
    try:
        value = int(value_text)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={value_text!r} is not a whole number.") from None
    if not low <= value <= high:
        raise ImproperlyConfigured(f"{name}={value} is not between {low} and {high}.")
    return value


def seconds(name: str, default: float, *, low: float = 0, high: float = 3600) -> float:
    value_text = os.environ.get(name) or str(default)
    try:
        value = float(value_text)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={value_text!r} is not a number of seconds.") from None
    if not low <= value <= high:  # false for "nan", too
        raise ImproperlyConfigured(f"{name}={value_text} is not between {low} and {high} seconds.")
    return value


def boolean(name: str, *, default: bool) -> bool:
    value_text = (os.environ.get(name) or ("yes" if default else "no")).lower()
    if value_text not in _BOOLEANS:
        raise ImproperlyConfigured(f"{name}={value_text!r} is neither yes nor no.")
    return _BOOLEANS[value_text]


def listing(name: str, *, local: str | None = None, default: str | None = None) -> list[str]:
    """A list of comma-separated words, with the defaults of `text`."""
    return _words(text(name, local=local, default=default))


def secret_texts(name: str) -> list[str]:
    """A list of secrets, written as JSON or comma-separated. No error message contains one."""
    value = text(name, default="")
    secrets = _json_list(value) if value.startswith("[") else None
    if secrets is None:
        secrets = _words(value)
    for number, word in enumerate(secrets, 1):
        _demand_secret(f"{name}: secret {number}", word.encode())
    return secrets


def _words(comma_separated: str) -> list[str]:
    return [word.strip() for word in comma_separated.split(",") if word.strip()]


def _json_list(value: str) -> list[str] | None:
    try:
        parsed = json.loads(value)
    except ValueError:
        return None
    is_text_list = isinstance(parsed, list) and all(isinstance(item, str) for item in parsed)
    return parsed if is_text_list else None


def networks(name: str, *, default: str) -> list[IPv4Network | IPv6Network]:
    """A list of comma-separated networks, as 10.0.0.0/8."""
    words = listing(name, default=default)
    try:
        return [ip_network(word) for word in words]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}.") from None


def choice(name: str, kinds: type[_Kind], *, default: _Kind) -> _Kind:
    value_text = os.environ.get(name) or default
    try:
        return kinds(value_text)
    except ValueError:
        choices = ", ".join(kinds)
        raise ImproperlyConfigured(f"{name}={value_text!r} is none of: {choices}.") from None


def addresses(name: str, *, default: str) -> list[tuple[str, int]]:
    """A list of comma-separated `host:port`."""
    parsed = []
    for word in listing(name, default=default):
        host, _, port = word.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
            raise ImproperlyConfigured(f"{name}: {word!r} is not host:port.")
        parsed.append((host, int(port)))
    return parsed


def origins(name: str) -> list[str]:
    """A list of comma-separated origins, as browsers send them: https://shop.example."""
    words = listing(name, default="")
    for word in words:
        if why := origin_complaint(word):
            raise ImproperlyConfigured(f"{name}: {why}")
    return words


def secrets_by_id(name: str, *, local: str) -> dict[str, bytes]:
    """Keys written as `id:hex[,id:hex]`, newest first: the first is for new campaigns, the others
    are for those made under them."""
    keys: dict[str, bytes] = {}
    for number, part in enumerate(text(name, local=local).split(","), 1):
        key_id, secret = _secret_with_id(f"{name}: key {number}", part.strip())
        if key_id in keys:
            raise ImproperlyConfigured(f"{name}: two keys are called {key_id!r}.")
        keys[key_id] = secret
    return keys


def _secret_with_id(label: str, id_and_hex: str) -> tuple[str, bytes]:
    """An error names the key by its number: a malformed id may be a part of the secret."""
    key_id, colon, secret = id_and_hex.partition(":")
    if not colon or not _KEY_ID.fullmatch(key_id):
        raise ImproperlyConfigured(
            f"{label} is not 'id:hex', the id 1 to 32 of these: a-z A-Z 0-9 . _ -."
        )
    try:
        raw = bytes.fromhex(secret)
    except ValueError:
        raise ImproperlyConfigured(f"{label} is not hexadecimal.") from None
    _demand_secret(label, raw)
    return key_id, raw


_KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,32}")
_BOOLEANS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


def _read_deployment() -> Deployment:
    name = os.environ.get("COUPONS_ENV") or Deployment.LOCAL
    try:
        return Deployment(name)
    except ValueError:
        raise ImproperlyConfigured(
            f"COUPONS_ENV={name!r} is neither local nor production."
        ) from None


PRODUCTION = _read_deployment() is Deployment.PRODUCTION
# The Redis that `make run` starts.
LAPTOP_REDIS_URL = f"redis://127.0.0.1:{integer('VALKEY_PORT', 6399, low=1, high=65_535)}/0"
