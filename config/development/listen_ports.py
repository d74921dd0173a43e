"""The ports that `make run` listens on: read from the settings, checked to be different and free.

Two servers on one port do not always fail: granian shares a port (SO_REUSEPORT), and the kernel
then gives every connection to one of the two at random.
"""

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from itertools import combinations
from urllib.parse import urlsplit

from config import env
from config.development.process import ports
from config.development.process.errors import AskedWrongly
from config.development.process.ports import Ports

_LISTENERS = {  # setting: field of Ports, what listens there
    "WEB_PORT": ("web", "web"),
    "FLOWER_PORT": ("flower", "Flower"),
    "CONSUMER_PORT": ("consumer", "the consumer"),
    "OPERATORS_PORT": ("operators", "the operators' door"),
    "MERCHANTS_PORT": ("merchants", "the merchants' door"),
    "PAGES_PORT": ("pages", "the event pages"),
    "SHOP_PORT": ("shop", "the example shop"),
    "VALKEY_PORT": ("valkey", "valkey"),
}
_STORES = {"REDIS_URL": 6379, "CELERY_BROKER_URL": 6379, "DATABASE_URL": 3306}  # default ports
# Pairs that may name the same server.
_SHARED = ({"REDIS_URL", "CELERY_BROKER_URL"}, {"VALKEY_PORT", "CELERY_BROKER_URL"})


def ports_of_settings(environment: Mapping[str, str]) -> Ports:
    """Raises ImproperlyConfigured for a value that is no port, AskedWrongly for one port in two
    settings. `environment` names the stores; we start those that it does not name."""
    by_setting = {
        "WEB_PORT": env.integer("WEB_PORT", 8080, low=1, high=65_535),
        "FLOWER_PORT": env.integer("FLOWER_PORT", 5555, low=1, high=65_535),
        "CONSUMER_PORT": env.integer("CONSUMER_PORT", 8081, low=1, high=65_535),
        "OPERATORS_PORT": env.integer("OPERATORS_PORT", 8090, low=1, high=65_535),
        "MERCHANTS_PORT": env.integer("MERCHANTS_PORT", 8082, low=1, high=65_535),
        "PAGES_PORT": env.integer("PAGES_PORT", 8083, low=1, high=65_535),
        "SHOP_PORT": env.integer("SHOP_PORT", 8084, low=1, high=65_535),
        "VALKEY_PORT": env.integer("VALKEY_PORT", 6399, low=1, high=65_535),
    }
    listeners = dict(by_setting)
    if environment.get("REDIS_URL"):  # then no valkey of ours is started
        del listeners["VALKEY_PORT"]
    _demand_different(listeners | dict(_local_stores(environment)))
    return Ports(**{_LISTENERS[name][0]: port for name, port in by_setting.items()})


def demand_free_ports(chosen: Ports, *, own_redis: bool) -> None:
    """Raises Trouble if another program listens on one of them."""
    for name, (field, what) in _LISTENERS.items():
        if own_redis or name != "VALKEY_PORT":
            ports.demand_port(getattr(chosen, field), what=what, variable=name)


def _demand_different(port_of: Mapping[str, int]) -> None:
    for first, other in combinations(port_of, 2):
        if port_of[first] == port_of[other] and {first, other} not in _SHARED:
            raise AskedWrongly(
                f"{first} and {other} are both port {port_of[first]}:"
                " choose another one for one of them."
            )


def _local_stores(environment: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """Setting and port of each store on this machine; other hosts and files use none of ours."""
    for name, default in _STORES.items():
        address = urlsplit(environment.get(name) or "")
        if _is_local(address.hostname or ""):
            yield name, address.port or default


def _is_local(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
