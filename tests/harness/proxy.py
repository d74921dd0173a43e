"""A misbehaving TCP proxy between clients and servers on the loopback: a process
(proxy_program.py, which lists the modes) and its routes."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from tests.harness.servers import free_port

ROOT = Path(__file__).resolve().parents[2]


class ProxyRoute:
    """Clients connect to `port`."""

    def __init__(self, process: "subprocess.Popen[str]", lock: Lock, name: str, port: int) -> None:
        self.port = port
        self._process, self._lock, self._name = process, lock, name

    def switch_to(self, mode: str, *arguments: object) -> None:
        """Returns when the mode has taken effect. Raises RuntimeError if the process has ended."""
        self._command(mode, *arguments)

    def count_bytes(self) -> int:
        """Bytes that clients have sent since the start."""
        return self._command("count")

    def _command(self, mode: str, *arguments: object) -> int:
        with self._lock:
            assert self._process.stdin
            print(self._name, mode, *arguments, file=self._process.stdin, flush=True)
            return _read_reply(self._process)


@contextmanager
def start_proxy(targets: Mapping[str, int], log: Path) -> Iterator[dict[str, ProxyRoute]]:
    """One process with a route to each of the ports `targets`."""
    ports = {name: free_port() for name in targets}
    routes = [f"{name}:{ports[name]}:{target}" for name, target in targets.items()]
    command = [sys.executable, "-m", "tests.harness.proxy_program", *routes]
    with log.open("w") as out, subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=out, text=True
    ) as process:  # fmt: skip
        try:
            _read_reply(process)
            lock = Lock()
            yield {name: ProxyRoute(process, lock, name, port) for name, port in ports.items()}
        finally:
            process.kill()


def _read_reply(process: "subprocess.Popen[str]") -> int:
    assert process.stdout
    reply = process.stdout.readline()
    if not reply:
        raise RuntimeError("The proxy has ended; see its log.")
    return int(reply)
