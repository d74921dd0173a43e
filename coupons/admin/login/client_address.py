"""Where a request came from, as far as that can be believed."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

UNKNOWN = "unknown"
_IPV6_PREFIX = 64  # what a provider gives to one customer, who then has 2^64 addresses


def client_network(request: HttpRequest | None) -> str:
    """The client's address; of IPv6 its network, since one client has all addresses of it."""
    if request is None:
        return UNKNOWN
    address = _client(request)
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _IPV6_PREFIX), strict=False))
    return str(address) if address else UNKNOWN


def _client(request: HttpRequest) -> IPv4Address | IPv6Address | None:
    """The peer; if that is a proxy of ours, the last address it was told that is none of ours.

    Whatever stands before that in the header was written by a client.
    """
    address = _parsed(request.META.get("REMOTE_ADDR", ""))
    hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    while address is not None and hops and _is_ours(address):
        told = _parsed(hops.pop())
        if told is None:
            break
        address = told
    return address


def _is_ours(address: IPv4Address | IPv6Address) -> bool:
    return any(address in network for network in settings.TRUSTED_PROXIES)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """IPv4 in IPv6's clothes is IPv4: a listener on both says so."""
    try:
        address = ip_address(text.strip().removeprefix("[").partition("]")[0].partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
