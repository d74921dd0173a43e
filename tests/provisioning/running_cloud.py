"""The test cloud (`cloud_server`) as a process, for tests, the rehearsal and the verbs."""

from __future__ import annotations

import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.harness import servers


@contextmanager
def serve_cloud(folder: Path, *, port: int = 0) -> Iterator[str]:
    """From the moment it answers until the block ends. Yields its URL; its log is cloud.log."""
    port = port or servers.free_port()
    images, log = str(folder / "images.json"), folder / "cloud.log"
    command = [sys.executable, "-m", "tests.provisioning.cloud_server", str(port), images]
    url = f"http://127.0.0.1:{port}"
    with servers.start_process(command, ready=lambda: _answers(url), log=log):
        yield url


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(f"{url}/moto-api/", timeout=5).close()
    except OSError:
        return False
    return True
