"""The client's address of a request, taken from trusted sources only."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

UNKNOWN = "unknown"
_IPV6_PREFIX = 64  # length of the prefix that a provider assigns to one customer: 2^64 addresses


def client_address(request: HttpRequest) -> str:
    """The client's address, whole; "unknown" if nothing in the request says it."""
    address = _client(request)
    return str(address) if address else UNKNOWN


def client_network(request: HttpRequest | None) -> str:
    """The client's IPv4 address, or its IPv6 network: one client has all addresses of that."""
    if request is None:
        return UNKNOWN
    address = _client(request)
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _IPV6_PREFIX), strict=False))
    return str(address) if address else UNKNOWN


def _client(request: HttpRequest) -> IPv4Address | IPv6Address | None:
    """The peer; if that is our proxy, the last address in X-Forwarded-For that is not our proxy.

    A client may have written anything that is before it in the header.
    """
    address = _parsed(request.META.get("REMOTE_ADDR", ""))
    hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    while address is not None and hops and _is_ours(address):
        hop = _parsed(hops.pop())
        if hop is None:
            break
        address = hop
    return address


def _is_ours(address: IPv4Address | IPv6Address) -> bool:
    return any(address in network for network in settings.TRUSTED_PROXIES)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """Parse an address; an IPv4-mapped IPv6 address (from a dual-stack listener) becomes IPv4."""
    try:
        address = ip_address(text.strip().removeprefix("[").partition("]")[0].partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
