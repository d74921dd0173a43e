"""Ports of this machine's loopback interface."""

import socket

from config.local.trouble import Trouble

HOST = "127.0.0.1"


def free() -> int:
    """A port that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def taken(port: int) -> bool:
    with socket.socket() as probe:
        # What a closed connection leaves behind for a minute is no user.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def demand(port: int, *, what: str, variable: str) -> None:
    """Raises Trouble with one sentence if another program has the port."""
    if taken(port):
        raise Trouble(
            f"Port {port} ({what}) is used by another program: stop it, or choose another port"
            f" with {variable}=NUMBER."
        )
