"""Acknowledged writes that a Redis loses when its process is killed and when the power fails, by
fsync policy of its append-only file, on a disk whose fsync takes 100 ms.

A preloaded library records the length that each fsync has covered; a power failure is a kill -9
after which the file is cut to that length. (A kill -9 alone tests no fsync: written data stays in
the page cache.)
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from threading import Thread
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.harness import servers

POLICIES = ("always", "everysec", "no")
_SLOW_MS = 100
_WRITES_S = 2.5


def play_rounds(stage: None, rounds: int) -> dict[str, Any]:
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="coupons-disk-") as name:
        library = _build_library(Path(name))
        for policy in POLICIES:
            for power in (False, True):
                lost = [_play_round(Path(name), library, policy, number, power=power)
                        for number in range(rounds)]  # fmt: skip
                results[f"{policy}, {'power' if power else 'process'} lost"] = _sum_figures(lost)
    return {"flush_ms": _SLOW_MS, **results, "broken": results["always, power lost"]["writes_lost"]}


def _sum_figures(rounds: list[tuple[int, int, float]]) -> dict[str, float]:
    return {
        "rounds": len(rounds),
        "rounds_with_a_loss": sum(lost > 0 for lost, _, _ in rounds),
        "writes_lost": sum(lost for lost, _, _ in rounds),
        "writes": sum(acknowledged for _, acknowledged, _ in rounds),
        "longest_window_ms": round(max(window for _, _, window in rounds) * 1e3),
    }


def _play_round(
    folder: Path, library: Path, policy: str, number: int, *, power: bool
) -> tuple[int, int, float]:
    """Writes lost, writes acknowledged, and the seconds before the end that they span."""
    home = folder / f"{policy}-{number}-{power}"
    home.mkdir()
    port = servers.free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(home),
               "--save", "", "--appendonly", "yes", "--appendfsync", policy]  # fmt: skip
    env = os.environ | {"LD_PRELOAD": str(library), "DISK_SLOW_MS": str(_SLOW_MS)}
    log = home / "redis.log"
    command = ["env", *_preload_variables(env), *command]
    with servers.start_process(command, ready=lambda: servers.is_serving(port), log=log) as pid:
        acknowledged: list[float] = []
        writing = Thread(target=_increment_counter, args=(port, acknowledged), daemon=True)
        writing.start()
        time.sleep(_WRITES_S + 0.37 * (number % 3))
        os.kill(pid, signal.SIGKILL)
        writing.join()
    if power:
        _lose_unsynced(home / "appendonlydir")
    with (
        servers.start_process(command, ready=lambda: servers.is_serving(port), log=log),
        redis.Redis(port=port) as client,
    ):
        stored = int(client.get("n") or 0)
    return (
        len(acknowledged) - min(stored, len(acknowledged)),
        len(acknowledged),
        acknowledged[-1] - acknowledged[min(stored, len(acknowledged) - 1)],
    )


def _preload_variables(env: dict[str, str]) -> list[str]:
    return [f"{name}={env[name]}" for name in ("LD_PRELOAD", "DISK_SLOW_MS")]


def _increment_counter(port: int, acknowledged: list[float]) -> None:
    """Increment a counter until the server has ended; append the time of each acknowledgement."""
    with redis.Redis(port=port, socket_timeout=10, retry=Retry(NoBackoff(), 0)) as client:
        try:
            while True:
                client.incr("n")
                acknowledged.append(time.monotonic())
        except redis.RedisError:
            return


def _lose_unsynced(folder: Path) -> None:
    """Cut the file to the synced length; to nothing if there was no fsync."""
    for file in folder.glob("*.incr.aof"):
        note = file.with_name(f"{file.name}.synced")
        os.truncate(file, int(note.read_text() or 0) if note.exists() else 0)


def _build_library(folder: Path) -> Path:
    library = folder / "disk.so"
    gcc = shutil.which("gcc") or "cc"
    source = Path(__file__).with_name("disk.c")
    subprocess.run([gcc, "-O2", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library
