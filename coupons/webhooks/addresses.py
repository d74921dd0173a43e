"""Which addresses a webhook may be sent to: public ones only, whatever the name resolves to.

A merchant names the address, and our host dials it from inside our network: without these rules the
sender would be a way to whatever our hosts may reach (server-side request forgery).
"""

import re
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from threading import Thread
from urllib.parse import urlsplit

from django.conf import settings

IPAddress = IPv4Address | IPv6Address
MOST_URL_CHARS = 2000
RESOLVE_TIME_S = 5.0

# Public by Python's tables, and yet a way inside: translated, tunnelled or answered by the cloud.
_FORBIDDEN = tuple(
    ip_network(text)
    for text in (
        "100.64.0.0/10",  # carrier-grade NAT; Alibaba's metadata is in it
        "168.63.129.16/32",  # Azure's platform address
        "192.0.0.0/24",  # protocol assignments; Oracle's metadata is in it
        "192.88.99.0/24",  # 6to4 relays
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/48",  # NAT64 of a local network
        "2001::/23",  # Teredo, ORCHID and other protocol assignments
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
        "5f00::/16",  # segment routing
    )
)
_GLOBAL_UNICAST = ip_network("2000::/3")
_NAME = re.compile(
    r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
# Names of networks without a public root.
_INNER = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "arpa", "invalid")
# Ports above 1023 of services that are no receivers of webhooks, and would read a line of a body.
_SERVICE_PORTS = frozenset({
    1433, 1521, 2049, 2181, 2375, 2376, 2379, 2380, 3306, 3389, 4369, 5432, 5672, 5984, 6379, 6380,
    6443, 7001, 8086, 9042, 9092, 9200, 9300, 10250, 10255, 11211, 15672, 25672, 27017,
})  # fmt: skip


NOT_PUBLIC = "must have a public name or a public IP address as its host"


class AddressRefused(Exception):
    """A webhook must not be sent there. The text says why, for the merchant."""


class NameUnknown(Exception):
    """The host's name does not resolve (now)."""


@dataclass(frozen=True, slots=True)
class SendingRules:
    """What a laptop and tests allow beside HTTPS to public addresses."""

    plain_http: bool = False
    loopback: bool = False
    ca_file: str = ""  # certificates to trust in place of the public ones


@dataclass(frozen=True, slots=True)
class Target:
    """An endpoint's address in its parts. `host`: a name in lower case, or an IP address."""

    scheme: str
    host: str
    port: int
    path: str  # with the query

    @property
    def netloc(self) -> str:
        """For the Host header: without the scheme's own port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


_PORTS = {"https": 443, "http": 80}


def rules_of_settings() -> SendingRules:
    return SendingRules(
        plain_http=settings.WEBHOOKS_PLAIN_HTTP,
        loopback=settings.WEBHOOKS_LOOPBACK,
        ca_file=settings.WEBHOOKS_CA_FILE,
    )


def parse_target(url: str, rules: SendingRules) -> Target:
    """An endpoint's address. Raises AddressRefused for one that can't be public, or that two
    programs could read differently. Looks up no name."""
    if not (0 < len(url) <= MOST_URL_CHARS and re.fullmatch(r"[!-\[\]-~]+", url)):
        raise AddressRefused("must be printable ASCII, 2000 characters at most, without spaces")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused("must be an https address") from None
    if parts.scheme not in (("https", "http") if rules.plain_http else ("https",)):
        raise AddressRefused("must be an https address")
    if "@" in parts.netloc or "#" in url:
        raise AddressRefused("must have no user name, no password and no fragment")
    host = _checked_host(parts.hostname or "", rules)
    port = _checked_port(_PORTS[parts.scheme] if port is None else port, parts.scheme)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port, path)


def _checked_host(host: str, rules: SendingRules) -> str:
    literal = _ip_literal(host)
    if literal is not None:
        demand_public(literal, rules)
        return str(literal)
    if host == "localhost" and rules.loopback:
        return host
    # A last label that begins with a digit is a number to somebody: 0x7f.1, 0177.0.0.1, 127.1.
    if len(host) > 253 or not _NAME.fullmatch(host) or host.rpartition(".")[2] in _INNER:
        raise AddressRefused(NOT_PUBLIC)
    return host


def _ip_literal(host: str) -> IPAddress | None:
    try:
        return None if "%" in host else ip_address(host)
    except ValueError:
        return None


def _checked_port(port: int, scheme: str) -> int:
    if port != _PORTS[scheme] and (port < 1024 or port in _SERVICE_PORTS):
        raise AddressRefused("must have port 443, or one above 1023 that no known service uses")
    return port


def demand_public(address: IPAddress, rules: SendingRules) -> None:
    """Raises AddressRefused unless it is a public address, or an allowed loopback one."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address.is_loopback and rules.loopback:
        return
    is_public = address.is_global and not (address.is_multicast or address.is_reserved)
    if isinstance(address, IPv6Address):
        is_public = is_public and address in _GLOBAL_UNICAST
    if not is_public or any(address in network for network in _FORBIDDEN):
        raise AddressRefused(NOT_PUBLIC)


def resolve_target(target: Target, rules: SendingRules) -> IPAddress:
    """The address to dial: the resolver's first answer. All of its answers must be public, or a
    later one could be dialled by somebody who tries them in turn. Raises AddressRefused,
    NameUnknown."""
    addresses = _resolved(target.host, target.port)
    for address in addresses:
        demand_public(address, rules)
    return addresses[0]


def _resolved(host: str, port: int) -> list[IPAddress]:
    """In a thread of its own, since the system's resolver has no timeout of ours."""
    found: list[IPAddress] = []

    def resolve() -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return
        found.extend(ip_address(str(answer[4][0]).partition("%")[0]) for answer in answers)

    thread = Thread(target=resolve, name="resolver", daemon=True)
    thread.start()
    thread.join(RESOLVE_TIME_S)
    addresses = list(found)
    if thread.is_alive() or not addresses:
        raise NameUnknown(host)
    return addresses
