"""The misbehaving proxy as its callers see it: one method, and a process behind it."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock


class Proxies:
    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process, self._lock = process, Lock()

    @classmethod
    @contextmanager
    def started(
        cls, listen: Mapping[str, int], target: Mapping[str, int], log: Path
    ) -> Iterator["Proxies"]:
        """One route per name, from the port it listens on to the port of the server itself."""
        routes = [f"{name}:{port}:{target[name]}" for name, port in listen.items()]
        command = [sys.executable, "-m", "tests.crash.proxy", *routes]
        with log.open("w") as out, subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=out, text=True
        ) as process:  # fmt: skip
            proxies = cls(process)
            proxies._heard_ok()
            try:
                yield proxies
            finally:
                process.kill()

    def tell(self, name: str, verb: str, *said: object) -> None:
        """See `tests.crash.proxy` for the verbs. Returns when it is so."""
        with self._lock:
            assert self._process.stdin
            print(name, verb, *said, file=self._process.stdin, flush=True)
            self._heard_ok()

    def _heard_ok(self) -> None:
        assert self._process.stdout
        said = self._process.stdout.readline()
        if said != "ok\n":
            raise RuntimeError(f"The proxy is gone: {said!r}")
