"""Send one webhook: one POST to the address that was checked, within a fixed time in all."""

import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from threading import Lock, Timer
from typing import Any

import requests
from requests_hardened import Config, HTTPSession
from requests_hardened.ip_filter import InvalidIPAddress
from requests_hardened.ip_filter_adapter import IPFilterAdapter
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from coupons import __version__
from coupons.observability import webhook_metrics
from coupons.webhooks.addresses import (
    AddressRefused,
    IPAddress,
    NameUnknown,
    SendingRules,
    Target,
    parse_target,
    resolve_target,
)

TIME_S = 15.0  # for an attempt in all, of which a connection takes at most CONNECT_S
CONNECT_S = 5.0
KEPT_BYTES = 1024  # of an answer
LONGEST_RETRY_AFTER = timedelta(hours=24)


class Result(StrEnum):
    """How an attempt ended."""

    DELIVERED = "delivered"  # 2xx
    GONE = "gone"  # 410: the receiver wants no more
    REDIRECTED = "redirected"  # 3xx, which is not followed
    REFUSED = "refused"  # any other status
    UNREACHABLE = "unreachable"  # no name, no connection, no certificate, no HTTP
    TIMED_OUT = "timed_out"
    FORBIDDEN = "forbidden"  # the address is not public: nothing was sent
    UNSIGNED = "unsigned"  # COUPON_KEYS lacks the key of the endpoint's secret: nothing was sent


for _result in Result:  # exported as 0, since Prometheus sees no increase at a new series
    webhook_metrics.ATTEMPTS.labels(_result.value)


@dataclass(frozen=True, slots=True)
class Attempt:
    """`answer`: the first bytes of its body, which a stranger wrote. `retry_after`: how long the
    receiver asks us to wait."""

    result: Result
    duration_ms: int = 0
    status: int | None = None
    answer: bytes = b""
    retry_after: timedelta | None = None


def post_message(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    rules: SendingRules,
    *,
    time_s: float = TIME_S,
) -> Attempt:
    """POST the body once. Never raises for what the receiver or its network does."""
    began = time.monotonic()
    result, status, answer, wait = _exchange(url, body, headers, rules, time_s)
    return Attempt(result, round(1000 * (time.monotonic() - began)), status, answer, wait)


_Exchange = tuple[Result, int | None, bytes, timedelta | None]


def _exchange(
    url: str, body: bytes, headers: Mapping[str, str], rules: SendingRules, time_s: float
) -> _Exchange:
    with Deadline(time_s) as deadline:
        try:
            target = parse_target(url, rules)
            address = resolve_target(target, rules)
            return _post(target, address, body, headers, rules, deadline)
        except (AddressRefused, InvalidIPAddress):
            return Result.FORBIDDEN, None, b"", None
        except (NameUnknown, requests.RequestException, OSError, ValueError) as error:
            slow = deadline.is_over or isinstance(error, requests.Timeout)
            return Result.TIMED_OUT if slow else Result.UNREACHABLE, None, b"", None


def _post(
    target: Target,
    address: IPAddress,
    body: bytes,
    headers: Mapping[str, str],
    rules: SendingRules,
    deadline: "Deadline",
) -> _Exchange:
    host = f"[{address}]" if address.version == 6 else str(address)
    with _session(target, rules, deadline) as session:
        response = session.post(
            f"{target.scheme}://{host}:{target.port}{target.path}",
            data=body,
            headers=_all_headers(headers),
            stream=True,
            allow_redirects=False,
            verify=rules.ca_file or True,
            timeout=(CONNECT_S, TIME_S),
        )
        with response:
            if deadline.is_over:  # it cut the answer short, which may look complete
                return Result.TIMED_OUT, None, b"", None
            wait = _retry_after(response.headers.get("Retry-After", ""))
            return _result_of(response.status_code), response.status_code, _kept(response), wait


def _session(target: Target, rules: SendingRules, deadline: "Deadline") -> Any:
    """A session for one request: no proxy, no netrc, no cookies, no connection is kept."""
    session = HTTPSession(
        Config(
            ip_filter_enable=True,
            ip_filter_allow_loopback_ips=rules.loopback,
            never_redirect=True,
            default_timeout=(CONNECT_S, TIME_S),
        )
    )
    session.trust_env = False
    session.headers.clear()
    session.mount(f"{target.scheme}://", _PinnedAdapter(target, rules, deadline))
    return session


def _all_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "User-Agent": f"coupon-webhooks/{__version__}",
        "Accept-Encoding": "identity",
        "Connection": "close",
        **headers,
    }


class _PinnedAdapter(IPFilterAdapter):  # type: ignore[misc]
    """Dials the address in the request's URL, which was checked, and which the library checks
    again; `Host` and the certificate's name are the target's."""

    def __init__(self, target: Target, rules: SendingRules, deadline: "Deadline") -> None:
        super().__init__(is_https_proto=target.scheme == "https", allow_loopback=rules.loopback)
        self._target = target
        self.poolmanager.pool_classes_by_scheme = {
            "http": _watched(HTTPConnectionPool, deadline),
            "https": _watched(HTTPSConnectionPool, deadline),
        }

    def build_connection_pool_key_attributes(
        self, request: Any, verify: Any, cert: Any = None
    ) -> Any:
        host_params, pool_kwargs = super().build_connection_pool_key_attributes(
            request, verify, cert
        )
        request.headers["Host"] = self._target.netloc
        if self._target.scheme == "https":
            pool_kwargs["assert_hostname"] = pool_kwargs["server_hostname"] = self._target.host
        return host_params, pool_kwargs


def _watched(pool_class: type[HTTPConnectionPool], deadline: "Deadline") -> Callable[..., Any]:
    """Pools whose connections the deadline can cut off."""

    class Connection(pool_class.ConnectionCls):  # type: ignore[name-defined,misc]
        def _new_conn(self) -> socket.socket:
            made: socket.socket = super()._new_conn()
            deadline.watch(made)
            return made

    def make_pool(*args: Any, **kwargs: Any) -> HTTPConnectionPool:
        pool = pool_class(*args, **kwargs)
        pool.ConnectionCls = Connection
        return pool

    return make_pool


class Deadline:
    """Cuts off the connections of an attempt when its time is over. A timeout of each read is not
    enough: a receiver that sends a byte every ten seconds never reaches it."""

    def __init__(self, time_s: float) -> None:
        self.is_over = False
        self._lock, self._sockets = Lock(), list[socket.socket]()
        self._timer = Timer(time_s, self._end)
        self._timer.daemon = True

    def __enter__(self) -> "Deadline":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            for watched in self._sockets:
                watched.close()
            self._sockets.clear()

    def watch(self, connected: socket.socket) -> None:
        """By a duplicate, since TLS takes the file descriptor away from this object."""
        with self._lock:
            self._sockets.append(socket.socket(fileno=os.dup(connected.fileno())))
        if self.is_over:
            self._end()

    def _end(self) -> None:
        self.is_over = True
        with self._lock:
            for watched in self._sockets:
                with suppress(OSError):
                    watched.shutdown(socket.SHUT_RDWR)


def _result_of(status: int) -> Result:
    if 200 <= status < 300:
        return Result.DELIVERED
    if status == 410:
        return Result.GONE
    return Result.REDIRECTED if 300 <= status < 400 else Result.REFUSED


def _kept(response: requests.Response) -> bytes:
    """The beginning of the body. The status has decided: a body that breaks off changes nothing."""
    with suppress(Exception):
        kept: bytes = response.raw.read(KEPT_BYTES, decode_content=False)
        return kept
    return b""


def _retry_after(text: str) -> timedelta | None:
    """Seconds or an HTTP date (RFC 9110, 10.2.3); None: absent, in the past or not understood."""
    try:
        if text.isascii() and text.isdigit():
            wait = timedelta(seconds=min(int(text[:9]), LONGEST_RETRY_AFTER.total_seconds()))
        else:
            wait = parsedate_to_datetime(text).astimezone(UTC) - datetime.now(UTC)
    except (ValueError, TypeError, OverflowError):
        return None
    return min(wait, LONGEST_RETRY_AFTER) if wait > timedelta() else None
