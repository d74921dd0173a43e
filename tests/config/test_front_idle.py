"""Idle kept connections on the road from the balancer to granian: each is closed by the side that
sends requests. A request that is sent into a connection which its server closes at that moment gets
no answer, and the balancer answers 502.
"""

import http.client
import re
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from config import env
from config.containers import render
from config.development.process import commands
from provisioning.blueprint.load_balancer import IDLE_S
from tests.harness import servers
from tests.harness.front import FrontDoor, start_front

pytestmark = pytest.mark.slow

FRONT, API = render.role_variables("front"), render.role_variables("api")
SCALE = 20  # the pool's times are divided by it, both alike
POOLED, EDGES = 64, 5
APPLICATION = """
import time
def app(environ, start_response):
    time.sleep(0.02)  # so that all requests are answered at once, each on a connection of its own
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""


def test_the_front_keeps_idle_connections_longer_than_the_balancer() -> None:
    assert FRONT["front_idle_s"] >= IDLE_S + 5


def test_granian_of_hosts_and_of_containers_keeps_idle_connections_alike() -> None:
    templates = (render.ROLES / "api" / "templates").glob("*.service.j2")
    hosts = [file.read_text() for file in templates if "granian" in file.read_text()]
    assert len(hosts) == 4
    assert all("--http1-header-read-timeout {{ api_idle_s | int * 1000 }}" in one for one in hosts)
    given = re.findall(
        r"--http1-header-read-timeout=(\d+)", (env.BASE_DIR / "compose.yaml").read_text()
    )
    assert [int(ms) for ms in given] == [API["api_idle_s"] * 1000] * 4


def slow_answers_command(port: int, idle_s: float) -> list[str]:
    return commands.granian_command(
        port, "--blocking-threads", str(POOLED),
        "--http1-header-read-timeout", str(int(idle_s * 1000)), application="answers_late:app",
    )  # fmt: skip


def ask_once(connection: http.client.HTTPConnection) -> str:
    """The status, or the name of the error, after which the connection is closed."""
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        answer.read()
    except (http.client.HTTPException, OSError) as error:
        connection.close()
        return type(error).__name__
    return str(answer.status)


def pooled_idle(control: Path) -> int:
    """The idle connections to granian that HAProxy keeps."""
    with socket.socket(socket.AF_UNIX) as asked:
        asked.connect(str(control))
        asked.sendall(b"show servers conn\n")
        lines = b"".join(iter(lambda: asked.recv(65536), b"")).decode().splitlines()
    names = lines[0].removeprefix("# ").split()
    rows = [dict(zip(names, line.split(), strict=False)) for line in lines[1:] if line]
    return sum(int(row["idle_cur"]) for row in rows)


def test_a_pooled_connection_is_never_used_while_granian_closes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clients as the balancer, without retries, ask around the moment of granian's timeout."""
    (tmp_path / "answers_late.py").write_text(APPLICATION)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    inner, port = servers.free_port(), servers.free_port()
    idle_s, purge_s = API["api_idle_s"] / SCALE, FRONT["front_pool_purge_s"] / SCALE
    door = FrontDoor("users", port, inner, at_once=POOLED, repeatable=False)
    balancer = [http.client.HTTPConnection("127.0.0.1", port, timeout=10) for _ in range(POOLED)]
    with (
        ExitStack() as closing,
        servers.start_process(
            slow_answers_command(inner, idle_s), ready=lambda: servers.is_listening(inner),
            log=tmp_path / "granian.log",
        ),
        start_front(tmp_path / "front", [door], pool_purge_s=purge_s),
        ThreadPoolExecutor(POOLED) as everybody,
    ):  # fmt: skip
        for connection in balancer:
            closing.callback(connection.close)
        answers: Counter[str] = Counter()
        left: list[int] = []
        for edge in range(EDGES):
            answers.update(everybody.map(ask_once, balancer))
            time.sleep(idle_s * 0.9)
            left.append(pooled_idle(tmp_path / "front" / "admin.sock"))
            time.sleep(idle_s * 0.1 - 0.004 + 0.001 * edge)
    assert left == [0] * EDGES, "some are left, which granian would close"
    assert answers == {"200": POOLED * EDGES}
