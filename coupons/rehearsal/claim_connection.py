"""A small HTTP/1.1 client for claims: one connection that stays open, one request at a time.

Our hosts have no client library that serves thousands of requests a second from one core.
"""

import asyncio
import ssl
from typing import Any
from urllib.parse import urlsplit

import orjson

PATIENCE_S = 5.0  # of a user
_MOST_BYTES = 1_000_000


class NoAnswer(Exception):
    """The connection failed, or what came is no answer of a coupon site."""


class ClaimConnection:
    """Not safe to share between tasks. `url`: the site's, without a path."""

    def __init__(self, url: str, slug: str) -> None:
        parts = urlsplit(url)
        self._host, self._tls = parts.hostname or "", parts.scheme == "https"
        self._port = parts.port or (443 if self._tls else 80)
        # The load balancer's header, since TLS ends there: without it HTTP is redirected to HTTPS.
        self._head = (
            f"POST /api/v1/campaigns/{slug}/claims HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            "X-Forwarded-Proto: https\r\nContent-Length: 0\r\nAuthorization: Bearer "
        ).encode()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def claim(self, token: str) -> tuple[str, dict[str, Any]]:
        """Outcome or failure code, and the answer's body. Raises NoAnswer."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self._claim(token)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError) as error:
            self.close()
            raise NoAnswer(f"{type(error).__name__}: {error}"[:200]) from None

    async def _claim(self, token: str) -> tuple[str, dict[str, Any]]:
        reader, writer = self._streams or await self._connect()
        writer.write(self._head + token.encode() + b"\r\n\r\n")
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        status = int(head[0].split(b" ", 2)[1])
        headers = dict(_header(line) for line in head[1:] if line)
        size = int(headers.get(b"content-length", b"x"))
        if size > _MOST_BYTES:
            raise ValueError("the answer is too long")
        body = await reader.readexactly(size)
        if headers.get(b"connection", b"").lower() == b"close":
            self.close()
        document = orjson.loads(body) if body.startswith(b"{") else {}
        outcome = headers.get(b"coupon-outcome", b"").decode() or document.get("code")
        return str(outcome or f"http_{status}"), document

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        context = ssl.create_default_context() if self._tls else None
        self._streams = await asyncio.open_connection(self._host, self._port, ssl=context)
        return self._streams

    def close(self) -> None:
        if self._streams:
            self._streams[1].close()
            self._streams = None


def _header(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name.lower(), value.strip()
