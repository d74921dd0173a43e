"""A bare connection to a Redis: commands in one pipeline, packed and read by hiredis."""

import socket
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import hiredis

BLOCK = 500  # claims sent before their answers are read
Command = tuple[Any, ...]  # text, bytes, whole numbers


class RedisConnection:
    """A bare connection to a Redis."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._socket = socket.create_connection((str(address.hostname), address.port or 6379))
        self._reader = hiredis.Reader()

    def send_commands(self, commands: Sequence[Command]) -> list[Any]:
        """The replies, in order. Raises the first error among them."""
        self._socket.sendall(b"".join(hiredis.pack_command(one) for one in commands))
        return [self._answer() for _ in commands]

    def close(self) -> None:
        self._socket.close()

    def _answer(self) -> Any:
        while (answer := self._reader.gets()) is False:
            self._reader.feed(self._socket.recv(65_536))
        if isinstance(answer, Exception):
            raise answer
        return answer
