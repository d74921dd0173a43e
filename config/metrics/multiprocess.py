"""Multi-process metrics: which file each process writes, and how the files are merged.

prometheus-client keeps files per process in PROMETHEUS_MULTIPROC_DIR, named by the process id. A
Celery pool replaces its processes, so the number of files would grow without end. Here the files of
a pool's process are named by its index in the pool: its replacement continues the same counts.
"""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from billiard.process import current_process
from prometheus_client import Gauge, Metric, values
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from config import env

FOLDER = env.folder("PROMETHEUS_MULTIPROC_DIR")


def _file_suffix() -> str:
    return _suffix_of_pid(os.getpid())  # called at every count; the pid changes with a fork


@lru_cache(maxsize=2)
def _suffix_of_pid(pid: int) -> str:
    pool_index = getattr(current_process(), "index", None)  # Celery's pool numbers its children
    return str(pid) if pool_index is None else f"{os.getppid()}-{pool_index}"


# Before the first metric is made.
if FOLDER:
    values.ValueClass = values.MultiProcessValue(_file_suffix)  # type: ignore[no-untyped-call]
else:  # set to nothing, prometheus-client would keep its files in the working directory
    values.ValueClass = values.MutexValue


class AllFolders(Collector):
    """The metrics of several folders, merged as if they were one."""

    def __init__(self, others: Sequence[str]) -> None:
        self._folders = (FOLDER, *others)

    def collect(self) -> Iterable[Metric]:
        files = [file for folder in self._folders for file in _nonempty_files(folder, "*.db")]
        merged: Iterable[Metric] = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
        return merged


def remove_dead_gauges(folder: str) -> None:
    """Remove the files of `live` gauges whose process is gone; prometheus-client keeps them."""
    for file in Path(folder).glob("gauge_live*.db"):
        name = file.stem.rpartition("_")[2]
        if not _process_exists(int(name.partition("-")[0])):
            file.unlink(missing_ok=True)


def latest_value(gauge: Gauge, folder: str = "") -> float:
    """The maximum over all processes of a gauge of the mode `max` without labels; 0 if no process
    has set it. `folder`: in place of this process's own."""
    files = _nonempty_files(folder or FOLDER, "gauge_max_*.db")
    merged = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
    samples = [s for family in merged for s in family.samples if s.name == gauge._name]
    return max((sample.value for sample in samples), default=0.0)


def _nonempty_files(folder: str, pattern: str) -> list[str]:
    """The files that are not empty. A file that a process creates is empty for an instant, and
    prometheus-client can't read that."""
    return [str(file) for file in Path(folder).glob(pattern) if _is_nonempty(file)]


def _is_nonempty(file: Path) -> bool:
    try:
        return file.stat().st_size > 0
    except FileNotFoundError:  # its process is gone and it was removed
        return False


def _process_exists(pid: int) -> bool:
    with suppress(PermissionError):  # another user's process: it exists
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
    return True
