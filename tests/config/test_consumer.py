"""A worker's health and metrics over HTTP, while a real worker works, dies or hangs."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

import coupons
from config.celery import app
from config.development.process import commands
from config.metrics import exposition, multiprocess
from config.worker.process import STALE_S
from tests.config.waiting import wait_until
from tests.harness.servers import free_port, start_process
from tests.harness.servers import start_program as started_program

pytestmark = pytest.mark.slow

Environment = dict[str, str]


class Consumer:
    def __init__(self, port: int) -> None:
        self.port = port

    def send_get(self, path: str, **headers: str) -> tuple[int, str]:
        asking = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            asking.request("GET", path, headers=headers)
            answer = asking.getresponse()
            return answer.status, answer.read().decode()
        finally:
            asking.close()

    def is_listening(self) -> bool:
        try:
            return self.send_get("/livez")[0] > 0
        except OSError:
            return False

    def count_sweeps(self) -> float:
        """How often the worker has swept, by its metrics."""
        name = r'coupon_task_seconds_count{state="success",task="coupons.sweep"}'
        found = re.search(rf"^{re.escape(name)} (\S+)$", self.send_get("/metrics")[1], re.MULTILINE)
        return float(found[1]) if found else 0.0


@pytest.fixture
def consumer_environment(child_environment: Environment, tmp_path: Path) -> Environment:
    counts = tmp_path / "counts"
    counts.mkdir()
    port = str(free_port())
    return child_environment | {"PROMETHEUS_MULTIPROC_DIR": str(counts), "CONSUMER_PORT": port}


@pytest.fixture
def running_consumer(consumer_environment: Environment, tmp_path: Path) -> Iterator[Consumer]:
    with start_consumer(consumer_environment, tmp_path) as consumer:
        yield consumer


@contextmanager
def start_consumer(environment: Environment, folder: Path) -> Iterator[Consumer]:
    consumer = Consumer(int(environment["CONSUMER_PORT"]))
    command, log = commands.consumer_command(), folder / "consumer.log"
    with start_process(command, ready=consumer.is_listening, log=log, env=environment):
        yield consumer


@pytest.fixture
def worker_pid(consumer_environment: Environment, tmp_path: Path) -> Iterator[int]:
    """A worker with one child. Yields the pid of its main process."""
    env, log = consumer_environment, tmp_path / "worker.log"
    with started_program(commands.worker_command(), log=log, env=env) as program:
        yield program.pid


def sweep_once(consumer: Consumer) -> float:
    """Have the worker sweep once; the number of sweeps afterwards."""
    before = consumer.count_sweeps()
    app.send_task("coupons.sweep")
    wait_until(lambda: consumer.count_sweeps() > before)
    return consumer.count_sweeps()


def child_pids(pid: int) -> list[int]:
    pids = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in pids.split()]


def test_it_answers_while_a_process_begins_its_files(
    consumer_environment: Environment, running_consumer: Consumer
) -> None:
    """A restarting worker creates its metrics files, and each is empty for an instant."""
    for name in ("gauge_max_7.db", "counter_7.db"):
        (Path(consumer_environment["PROMETHEUS_MULTIPROC_DIR"]) / name).touch()
    assert running_consumer.send_get("/livez")[0] == 503
    assert running_consumer.send_get("/metrics")[0] == 200


def test_with_a_worker_and_both_stores_it_is_ready(
    running_consumer: Consumer, worker_pid: int
) -> None:
    wait_until(lambda: '"canary": true' in running_consumer.send_get("/readyz")[1])
    assert running_consumer.send_get("/readyz")[0] == 503, "nobody has swept"
    sweep_once(running_consumer)
    parts = {"worker": True, "canary": True, "redis": True, "database": True, "sweeps": True}
    wait_until(
        lambda: running_consumer.send_get("/readyz") == (200, json.dumps(parts)),
        said=lambda: running_consumer.send_get("/readyz"),
    )
    status, body = running_consumer.send_get("/healthz")
    assert (status, json.loads(body)) == (200, {"worker": True, "version": coupons.__version__})
    page = running_consumer.send_get("/metrics")[1]
    for line in ("coupon_redis_up 1.0", "coupon_database_up 1.0", 'coupon_build_info{django="'):
        assert f"\n{line}" in page


def test_a_child_that_is_replaced_counts_on_in_the_same_files(
    running_consumer: Consumer, worker_pid: int, consumer_environment: Environment
) -> None:
    """With files named by process id, as the library does it, there would be one more each time."""
    sweep_once(running_consumer)
    (child,) = child_pids(worker_pid)
    files = _metric_files(consumer_environment)
    os.kill(child, signal.SIGKILL)
    wait_until(lambda: child_pids(worker_pid) not in ([], [child]))
    assert sweep_once(running_consumer) >= 2
    assert _metric_files(consumer_environment) == files


def _metric_files(environment: Environment) -> set[str]:
    return {file.name for file in Path(environment["PROMETHEUS_MULTIPROC_DIR"]).iterdir()}


def test_without_a_worker_it_answers_and_is_not_well(running_consumer: Consumer) -> None:
    for path in ("/livez", "/healthz", "/readyz"):
        status, body = running_consumer.send_get(path)
        assert (status, json.loads(body)["worker"]) == (503, False)
    assert "coupon_redis_up 1.0" in running_consumer.send_get("/metrics")[1]


BEAT = (
    "import sys; from coupons.observability import metrics; "
    "import time; metrics.WORKER_HEARTBEAT.set(time.monotonic() - float(sys.argv[1]))"
)


def test_a_worker_whose_last_beat_is_long_ago_is_not_well(
    running_consumer: Consumer, consumer_environment: Environment
) -> None:
    for age_s, status in ((STALE_S + 1, 503), (1, 200)):
        command = [sys.executable, "-c", BEAT, str(age_s)]
        subprocess.run(command, env=consumer_environment, check=True)
        assert running_consumer.send_get("/livez")[0] == status


@pytest.mark.long
def test_a_hanging_worker_is_not_ready(running_consumer: Consumer, worker_pid: int) -> None:
    wait_until(lambda: running_consumer.send_get("/healthz")[0] == 200)
    os.kill(worker_pid, signal.SIGSTOP)
    try:
        wait_until(lambda: running_consumer.send_get("/healthz")[0] == 503)
    finally:
        os.kill(worker_pid, signal.SIGCONT)


def test_metrics_are_not_for_the_public(running_consumer: Consumer) -> None:
    assert running_consumer.send_get("/metrics")[0] == 200
    assert running_consumer.send_get("/elsewhere")[0] == 404


def test_metrics_are_not_served_to_other_networks(
    consumer_environment: Environment, tmp_path: Path
) -> None:
    with start_consumer(
        consumer_environment | {"METRICS_NETWORKS": "10.0.0.0/8"}, tmp_path
    ) as consumer:
        assert consumer.send_get("/metrics")[0] == 404
        assert consumer.send_get("/livez")[0] == 503


def test_without_a_folder_it_says_what_is_missing(child_environment: Environment) -> None:
    child_environment.pop("PROMETHEUS_MULTIPROC_DIR", None)
    command = commands.consumer_command()
    done = subprocess.run(command, env=child_environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert "PROMETHEUS_MULTIPROC_DIR is not set" in done.stderr


# Which files count

GAUGE = """
import sys
from prometheus_client import Gauge
gauge = Gauge("who_wrote", "Writers.", ["who"], multiprocess_mode="livemax")
gauge.labels("me").set(1)
print(flush=True)
sys.stdin.read()
"""


def counter_is_exported(folder: Path) -> bool:
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call]
    return registry.get_sample_value("who_wrote", {"who": "me"}) == 1


def test_a_live_gauge_ends_with_its_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(multiprocess, "FOLDER", str(tmp_path))
    env = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", GAUGE], env=env, stdin=pipe, stdout=pipe) as child:
        assert child.stdout
        child.stdout.readline()
        assert b'who_wrote{who="me"} 1.0' in exposition.metrics_page()
    assert counter_is_exported(tmp_path)  # without our code the library keeps exporting it
    assert b"who_wrote{" not in exposition.metrics_page()
