"""A TCP proxy on the loopback whose cable can be pulled: it goes on taking what it is sent, hands
nothing over in either direction and closes nothing, as a peer that is silently gone.

In the test's own process, so that a test can count the bytes and cut at an exact moment. Crash
tests have another (crash/proxy.py), a program: it delays and moves endpoints, and a judge that uses
the processor must not delay what passes through it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_READ = 65_536


class Proxy:
    """`pulled` may be set and cleared while it runs; so may `refuses`: new connections are cut."""

    def __init__(self, host: str, port: int) -> None:
        self.taken = 0  # bytes from clients
        self.pulled = threading.Event()
        self.refuses = threading.Event()
        self._target = (host, port)
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Close every connection there is, also those that are half open."""
        opened, self._open = self._open, []
        for each in opened:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._open.append(client)
                if self.refuses.is_set():
                    client.close()
                    continue
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        """A connection begun while the cable is out reaches nobody, also later."""
        if self.pulled.is_set():
            self._pump(client, None)
            return
        with suppress(OSError):
            server = socket.create_connection(self._target)
            self._open.append(server)
            threading.Thread(target=self._pump, args=(server, client), daemon=True).start()
            self._pump(client, server, counted=True)

    def _pump(
        self, source: socket.socket, sink: socket.socket | None, *, counted: bool = False
    ) -> None:
        """What was swallowed once never arrives: the two sides are lost to each other for good."""
        lost = sink is None
        with suppress(OSError):
            while data := source.recv(_READ):
                self.taken += len(data) if counted or sink is None else 0
                lost = lost or self.pulled.is_set()
                if sink is not None and not lost:
                    sink.sendall(data)
        if sink is not None and not lost:
            with suppress(OSError):
                sink.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxy(host: str, port: int) -> Iterator[Proxy]:
    between = Proxy(host, port)
    try:
        yield between
    finally:
        between.close()
