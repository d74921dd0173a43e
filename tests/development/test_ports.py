"""Ports for servers that will be started soon: no other process may take them before that."""

import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from config.development.process import ports

ROOT = Path(__file__).parents[2]
ASKER = (
    "from config.development.process.ports import free_port; "
    "print(*(free_port() for _ in range(100)), flush=True)"
)


def test_two_running_processes_never_get_the_same_port() -> None:
    asker = [sys.executable, "-c", f"{ASKER}; input()"]
    pipe, given = subprocess.PIPE, [ports.free_port() for _ in range(100)]
    with ExitStack() as stack:
        for _ in range(3):
            each = subprocess.Popen(asker, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)
            stack.enter_context(each)  # its end closes what it waits for
            assert each.stdout
            given += [int(port) for port in each.stdout.readline().split()]
    assert len(given) == len(set(given)) == 400


def test_no_outgoing_connection_gets_such_a_port_before_its_server_does() -> None:
    with socket.socket() as probe:
        probe.bind((ports.HOST, 0))
        assert ports.free_port() < 32_768 <= probe.getsockname()[1]


def test_a_port_with_a_listening_server_is_skipped() -> None:
    first = ports.free_port()
    with socket.create_server((ports.HOST, first + 1)):
        assert ports.is_taken(first + 1)
        assert ports.free_port() != first + 1


def run_with_own_ports(asker: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run with a folder of locks of its own: taking nearly all ports must not fail other tests."""
    return subprocess.run([sys.executable, "-c", asker], cwd=ROOT, capture_output=True, text=True,
                          env=os.environ | {"TMPDIR": str(folder)}, check=False)  # fmt: skip


def test_a_process_that_ends_leaves_its_ports_to_others(tmp_path: Path) -> None:
    asker = (
        "from config.development.process.ports import free_port; "
        "print(len([free_port() for _ in range(15_000)]))"
    )
    for _ in range(2):  # either takes more than half of all there are
        assert run_with_own_ports(asker, tmp_path).stdout == "15000\n"


def test_asking_for_more_ports_than_exist_is_an_error(tmp_path: Path) -> None:
    asker = "from config.development.process import ports\nwhile True: ports.free_port()"
    assert (
        "Trouble: No port from 10240 to 32767 is free."
        in run_with_own_ports(asker, tmp_path).stderr
    )
