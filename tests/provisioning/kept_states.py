"""The test cloud's state, kept under a name and taken up again: `POST /states/NAME/keep` and
`POST /states/NAME/restore`, which answers 404 if there is no such state.

The server forks. To keep a state, the process that has it stops serving and waits, and its child
goes on. To restore it, the waiting process forks again, and the process that served ends. So the
whole process is the state: nothing of it is forgotten, and each copy is independent.
"""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ORPHANED_AFTER_S = 5  # at most: then a process whose parent is gone ends, too


class ForkingServer:
    """Serves one request at a time, without threads, which a fork would lose."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder  # of a named pipe for each state
        self._server: Any = None
        self._parent, self._over = 0, False

    def served_beside(self, app: Any) -> Any:
        def serve(environ: Any, start_response: Any) -> Iterable[bytes]:
            if not environ["PATH_INFO"].startswith("/states/"):
                answer: Iterable[bytes] = app(environ, start_response)
                return answer
            _, _, name, verb = environ["PATH_INFO"].split("/")
            found = {"keep": self._keep, "restore": self._restore}[verb](self._folder / name)
            start_response("200 OK" if found else "404 Not Found", [("Content-Length", "0")])
            return [b""]

        return serve

    def serve_forever(self, server: Any) -> None:
        """Serve with this server of werkzeug's, until another process takes over."""
        self._server, server.timeout = server, ORPHANED_AFTER_S
        self._parent = os.getppid()
        while not self._over and os.getppid() == self._parent:
            server.handle_request()
        os._exit(0)

    def _keep(self, pipe: Path) -> bool:
        """Returns in a child."""
        pipe.parent.mkdir(exist_ok=True)
        os.mkfifo(pipe)
        if os.fork():
            self._wait_and_fork(pipe)
            self.serve_forever(self._server)
        self._parent = os.getppid()
        return True

    def _wait_and_fork(self, pipe: Path) -> None:
        """Returns in a child for each byte that comes through the pipe."""
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no child becomes a zombie
        parent, orders = os.getppid(), os.open(pipe, os.O_RDWR)
        while os.getppid() == parent:
            ready, _, _ = select.select([orders], [], [], ORPHANED_AFTER_S)
            if ready and os.read(orders, 1) and not os.fork():
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                return
        os._exit(0)

    def _restore(self, pipe: Path) -> bool:
        if not pipe.exists():
            return False
        with pipe.open("wb") as orders:
            orders.write(b".")
        self._over = True
        return True
