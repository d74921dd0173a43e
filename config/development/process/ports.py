"""Ports of this machine's loopback interface.

A port for a server that starts a moment later can't come from the kernel (`bind` to port 0): the
kernel may give the same port to two callers, or use it for an outgoing connection meanwhile.
"""

import fcntl
import os
import random
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from config.development.process.errors import Trouble

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of one run's servers."""

    web: int
    flower: int
    valkey: int
    consumer: int
    operators: int
    merchants: int
    pages: int
    shop: int


# Below the range of Linux and macOS for outgoing connections, above that of well-known servers.
_FIRST, _LAST = 10_240, 32_767
_BLOCK = 64  # ports that a process reserves at once, by a lock that it holds until it exits


def free_port() -> int:
    """A port that is free and that no other call returns, in this or in any other process of this
    user, until this process exits. Raises Trouble if there is none."""
    port = next(_free, None)
    if port is None:
        raise Trouble(f"No port from {_FIRST} to {_LAST} is free.")
    return port


def free_ports() -> Ports:
    """A free port for each server. Raises Trouble."""
    return Ports(**{field.name: free_port() for field in fields(Ports)})


def _ports() -> Iterator[int]:
    firsts = list(range(_FIRST, _LAST, _BLOCK))
    random.shuffle(firsts)
    for first in firsts:
        if _locked(first):
            yield from (port for port in range(first, first + _BLOCK) if not is_taken(port))


def _locked(first: int) -> bool:
    """Whether the block is ours now. The open file is the lock: the kernel closes it when the
    process exits, and programs that it starts don't inherit it."""
    folder = Path(tempfile.gettempdir()) / f"coupons-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    lock = os.open(folder / str(first), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return False
    return True


_free = _ports()


def is_taken(port: int) -> bool:
    with socket.socket() as probe:
        # A port with closed connections in TIME_WAIT only counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def demand_port(port: int, *, what: str, variable: str) -> None:
    """Raises Trouble with one sentence if another program listens on the port."""
    if is_taken(port):
        raise Trouble(
            f"Port {port} ({what}) is used by another program: stop it, or choose another port"
            f" with {variable}=NUMBER."
        )
