"""Peer E: as little as a claim can cost in Python: a bare ASGI application on granian with uvloop.

No framework. Its connection to Redis is hiredis on an asyncio protocol, so that the claims of a
process are pipelined; an HS256 token is verified by `hmac`. Script, coupon code and metrics are
those of the other peer (`peer_admission`); its claims are drained by the product's own worker.
"""

import asyncio
import base64
import hmac
import os
import time
from collections import deque
from collections.abc import Awaitable, Callable
from hashlib import sha1
from typing import Any
from urllib.parse import urlsplit

import hiredis
import orjson
import peer_admission
from peer_admission import ADMIT, BadToken, Snapshot

TIMEOUT_S = 0.3
SHA = sha1(ADMIT.encode(), usedforsecurity=False).hexdigest()
SECRET = os.environ.get("JWT_HS256_SECRET", "").encode()
ISSUER, AUDIENCE = os.environ["JWT_ISSUER"], os.environ["JWT_AUDIENCE"]
LEEWAY_S = 5
Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Answer = tuple[int, bytes, list[tuple[bytes, bytes]]]
AWAY: Answer = (503, b'{"code":"store_away"}', [(b"retry-after", b"2")])
NOT_FOUND: Answer = (404, b'{"code":"not_found"}', [])
UNAUTHORIZED: Answer = (401, b'{"code":"bad_token"}', [])


class RedisAway(Exception):
    """No connection, or no reply in time, or an error in place of one."""


class Connection(asyncio.Protocol):
    """Commands are written as they come, and replies belong to them in order."""

    def __init__(self) -> None:
        self._reader, self._waiting = hiredis.Reader(), deque[asyncio.Future[Any]]()
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (reply := self._reader.gets()) is not False:
            waiting = self._waiting.popleft()
            if not waiting.done():  # given up after TIMEOUT_S
                waiting.set_result(reply)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_exception(RedisAway(str(error)))

    @property
    def is_open(self) -> bool:
        return self._transport is not None

    async def call(self, *words: Any) -> Any:
        """The reply. Raises RedisAway."""
        if not self.is_open:
            raise RedisAway("closed")
        waiting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        self._transport.write(hiredis.pack_command(words))
        try:
            async with asyncio.timeout(TIMEOUT_S):
                reply = await waiting
        except TimeoutError:
            raise RedisAway("no reply in time") from None
        if isinstance(reply, Exception):
            raise RedisAway(str(reply))
        return reply


_connecting = asyncio.Lock()
_connection = Connection()


async def connected() -> Connection:
    """The connection of this process; a new one has loaded the script. Raises RedisAway."""
    global _connection
    if _connection.is_open:
        return _connection
    async with _connecting:
        if not _connection.is_open:
            address = urlsplit(os.environ["REDIS_URL"])
            loop, port = asyncio.get_running_loop(), address.port or 6379
            try:
                _, made = await loop.create_connection(Connection, str(address.hostname), port)
            except OSError as error:
                raise RedisAway(str(error)) from None
            await made.call("SCRIPT", "LOAD", ADMIT)
            _connection = made
    return _connection


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await serve_lifespan(receive, send)
    else:
        await serve_request(scope, send)


async def serve_request(scope: dict[str, Any], send: Send) -> None:
    try:
        status, body, headers = await respond(scope)
    except RedisAway:
        status, body, headers = AWAY
    size = (b"content-length", str(len(body)).encode())
    head = [(b"content-type", b"application/json"), size, *headers]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})


async def serve_lifespan(receive: Receive, send: Send) -> None:
    for step in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{step}.complete"})


async def respond(scope: dict[str, Any]) -> Answer:
    match scope["method"], scope["path"].split("/"):
        case "POST", ["", "api", "v1", "campaigns", slug, "claims"]:
            return await create_claim(slug, dict(scope["headers"]).get(b"authorization", b""))
        case "GET", ["", "api", "v1", "campaigns", slug]:
            return await show_campaign(slug)
        case "GET", ["", "metrics"]:
            return 200, peer_admission.metrics_text(), []
    return NOT_FOUND


async def create_claim(slug: str, authorization: bytes) -> Answer:
    try:
        user = authenticated_user(authorization)
    except BadToken:
        return UNAUTHORIZED
    if (campaign := await find_snapshot(slug)) is None:
        return NOT_FOUND
    call = peer_admission.admission_call(campaign, user)
    redis = await connected()
    reply = await redis.call("EVALSHA", SHA, len(call.keys), *call.keys, *call.args)
    status, outcome, body = peer_admission.answer_claim(campaign, user, reply)
    return status, body, [(b"coupon-outcome", outcome.encode())]


async def show_campaign(slug: str) -> Answer:
    if (campaign := await find_snapshot(slug)) is None:
        return NOT_FOUND
    redis = await connected()
    return 200, peer_admission.campaign_body(campaign, await redis.call("TIME")), []


async def find_snapshot(slug: str) -> Snapshot | None:
    """The definition from the product's gate, at most a second old."""
    if (known := peer_admission.known_snapshot(slug)) is not None:
        return known
    redis = await connected()
    facts = await redis.call("HGET", peer_admission.gate_key(slug), "facts")
    return None if facts is None else peer_admission.keep_snapshot(slug, facts)


def authenticated_user(authorization: bytes) -> str:
    """The token's subject. Raises BadToken."""
    scheme, _, token = authorization.partition(b" ")
    if scheme != b"Bearer":
        raise BadToken("no bearer token")
    if peer_admission.PUBLIC_KEYS:
        return peer_admission.verify_with_pyjwt(token.decode())
    try:
        return _verify_hs256(token)
    except (ValueError, KeyError, TypeError):
        raise BadToken("malformed") from None


def _verify_hs256(token: bytes) -> str:
    signed, _, signature = token.rpartition(b".")
    if not hmac.compare_digest(hmac.digest(SECRET, signed, "sha256"), _decoded(signature)):
        raise BadToken("wrong signature")
    claims = orjson.loads(_decoded(signed.partition(b".")[2]))
    is_for_us = claims["iss"] == ISSUER and claims["aud"] == AUDIENCE
    if not is_for_us or claims["exp"] + LEEWAY_S < time.time():
        raise BadToken("expired, or for another audience")
    return str(claims["sub"])


def _decoded(segment: bytes) -> bytes:
    return base64.urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))
