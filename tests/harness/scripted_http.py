"""An HTTP server that answers as a test says, to test the crowds without a site."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

# Of the token and how many requests with it came before: status and headers.
Script = Callable[[str, int], tuple[int, dict[str, str]]]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is no error."""


@dataclass
class ScriptedServer:
    port: int = 0
    tokens: list[str] = field(default_factory=list)  # of the POST requests, in order
    connections: set[tuple[str, int]] = field(default_factory=set)


@contextmanager
def scripted_http(script: Script) -> Iterator[ScriptedServer]:
    """Every GET is answered 200; every POST as the script says, with a body that is a problem."""
    seen, lock = ScriptedServer(), Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(200, {})

        def do_POST(self) -> None:
            token = self.headers["Authorization"].removeprefix("Bearer ")
            with lock:
                before = seen.tokens.count(token)
                seen.tokens.append(token)
                seen.connections.add(self.client_address)
            self._answer(*script(token, before))

        def _answer(self, status: int, headers: dict[str, str]) -> None:
            body = json.dumps({"code": f"status_{status}"}).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with _Server(("127.0.0.1", 0), Handler) as server:
        seen.port = int(server.server_address[1])
        Thread(target=server.serve_forever, daemon=True).start()
        yield seen
        server.shutdown()
