"""URLs of the stores, which contain a password. No message shows a URL or a part of one.

The drivers read a password that isn't percent-encoded as a host, a port or a path: some raise an
error that shows it, some connect elsewhere. So a URL is checked here before a driver gets it.
"""

import ssl
from collections.abc import Collection
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlsplit

from kombu.utils.url import parse_url

_REDIS = frozenset({"redis", "rediss"})
_FILES = frozenset({"sqlite"})  # schemes with a path in place of a host
SCHEMES = {
    "REDIS_URL": _REDIS,
    "CELERY_BROKER_URL": _REDIS,
    "DATABASE_URL": frozenset({"mysql", "sqlite"}),
    "MIGRATIONS_DATABASE_URL": frozenset({"mysql"}),
}
HOW_TO_QUOTE = (
    "In a user or a password write / as %2F, @ as %40, : as %3A, # as %23, ? as %3F, [ as %5B and"
    " % as %25."
)


def url_complaint(name: str, url: str) -> str:
    """What is wrong with the URL of the setting `name`, and how to correct it; empty: nothing."""
    why = _scheme_fault(url, SCHEMES[name])
    return f"{name} is no address of a store: {why}. {HOW_TO_QUOTE}" if why else ""


def sqlite_url(file: Path) -> str:
    """The URL of a SQLite file; special characters of its path are encoded."""
    return f"sqlite:///{quote(str(file))}"


def password_of(url: str) -> bytes:
    """The decoded password of a URL; empty if it has none."""
    return unquote_to_bytes(urlsplit(url).password or "")


def broker_tls(url: str) -> dict[str, Any] | None:
    """Celery's `broker_use_ssl` for a broker's URL: its own options of TLS, and the server's
    certificate is verified unless they say otherwise (kombu's default is not to). Flower knows TLS
    by this only. None without TLS."""
    if urlsplit(url).scheme != "rediss":
        return None
    options: dict[str, Any] = parse_url(url).get("ssl", {})
    return {"ssl_cert_reqs": ssl.CERT_REQUIRED} | options


def _scheme_fault(url: str, schemes: Collection[str]) -> str:
    if any(ord(character) < 32 or ord(character) == 127 for character in url):
        return "it holds a control character"
    scheme = url.partition("://")[0]
    if scheme not in schemes or "://" not in url:
        return f"it begins with none of {', '.join(f'{name}://' for name in sorted(schemes))}"
    return "" if scheme in _FILES else _host_fault(url)


def _host_fault(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return "its host or its port can't be read"
    if not host:
        return "it names no host"
    if parts.fragment or "@" in parts.path + parts.query:
        return "a part of it is after the host that belongs before it"
    if parts.scheme in _REDIS and parts.path.strip("/") and not parts.path.strip("/").isdigit():
        return "the part after the host is not a database's number"
    return ""
