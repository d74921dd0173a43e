"""Which URLs and options make a connection to a store that nobody can read, and that reaches
nobody else: TLS, the server's certificate judged by an authority, and its name compared.

What the drivers do with less: kombu connects to anybody by a `rediss://` without `ssl_cert_reqs`;
mysqlclient, built with MariaDB's library as ours is, connects in clear with PREFERRED and with
REQUIRED to a server (or to whoever is in between) that offers no TLS, and checks no name
without a mode. `tests/config/test_tls_of_stores.py` shows each of them.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

_REQUIRED = frozenset({"required"})  # redis-py knows no other word for it
_OFF = frozenset({"", "0", "f", "false", "n", "no"})  # as redis-py reads a boolean in a URL


def redis_tls_fault(url: str) -> str:
    """Why a connection by this URL of a Redis might be read, or reach another server; empty: it
    can't."""
    parts = urlsplit(url)
    if parts.scheme != "rediss":
        return "is not encrypted"
    options = parse_qs(parts.query, keep_blank_values=True)
    if not set(options.get("ssl_cert_reqs", ())) or not _only(options["ssl_cert_reqs"], _REQUIRED):
        return "is encrypted, but accepts the certificate of any server"
    if any(value.lower() in _OFF for value in options.get("ssl_check_hostname", ())):
        return "accepts a certificate for any name"
    if not any(options.get("ssl_ca_certs", ())):
        return "names no authority (ssl_ca_certs)"
    return ""


def mysql_tls_fault(options: Mapping[str, Any]) -> str:
    """The same of the OPTIONS of a database in MySQL."""
    mode, tls = options.get("ssl_mode"), options.get("ssl")
    if mode is None and not tls:
        return "are not encrypted"
    if mode != "VERIFY_IDENTITY":
        return "do not verify the server, and may not be encrypted"
    if not isinstance(tls, Mapping) or not tls.get("ca"):
        return "name no authority (ssl-ca)"
    return ""


def _only(values: list[str], accepted: frozenset[str]) -> bool:
    return all(value in accepted for value in values)
