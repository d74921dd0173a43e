"""A load host has the folder locust/ and its packages, and no site."""

import shutil
import sys
import urllib.request
from pathlib import Path

from tests.harness import servers

TOP = Path(__file__).parents[2]


def test_locust_begins_where_there_is_no_site(tmp_path: Path) -> None:
    """Locust's master, started as by the role `loadgen`."""
    shutil.copytree(TOP / "locust", tmp_path / "locust")
    page, bind = servers.free_port(), servers.free_port()
    master = [
        "env", "-i", "HOME=/nonexistent", "RELEASE=1.2.3", "PATH=/usr/bin:/bin",
        sys.executable, "-m", "locust", "-f", str(tmp_path / "locust" / "locustfile.py"),
        "--master", "--master-bind-port", str(bind), "--web-host", "127.0.0.1",
        "--web-port", str(page), "--host", "http://127.0.0.1:9", "--scenario", "opening",
        "--campaign", "", "--record", str(tmp_path / "last.json"),
    ]  # fmt: skip
    log = tmp_path / "locust.log"
    with (
        servers.start_process(master, ready=lambda: servers.is_listening(page), log=log),
        urllib.request.urlopen(f"http://127.0.0.1:{page}/", timeout=60) as answer,
    ):
        assert answer.status == 200
