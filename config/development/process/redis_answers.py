"""Checks that the Redis named by a setting answers. No message shows its URL: it has a password."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import redis

from config.development.process.errors import Trouble

_PATIENCE_S = 2


def demand_redis(environment: Mapping[str, str], name: str) -> None:
    """Raises Trouble, with one sentence that names the setting, if it does not answer."""
    if why := redis_complaint(environment[name]):
        raise Trouble(
            f"No Redis answers at {host_and_port(environment, name)} (from {name}): {why}."
        )


def host_and_port(environment: Mapping[str, str], name: str) -> str:
    address = urlsplit(environment[name])
    return f"{address.hostname}:{address.port or 6379}"


def redis_complaint(url: str) -> str:
    """Why this Redis can't be used (which includes that it still loads its data); empty: it can."""
    patience = {"socket_timeout": _PATIENCE_S, "socket_connect_timeout": _PATIENCE_S}
    try:
        with redis.Redis.from_url(url, **patience) as client:
            client.ping()
    except redis.AuthenticationError:
        return "it refuses this user and password"
    except redis.BusyLoadingError:
        return "it still loads its data"
    except (redis.ConnectionError, redis.TimeoutError):
        return "no connection, or no answer in time"
    except redis.RedisError as error:
        return str(error).rstrip(".")
    except (TypeError, ValueError):
        return "its URL has options that no Redis client knows"
    return ""
