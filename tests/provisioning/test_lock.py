"""Only one run at a time; the lock of a dead run is released."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from provisioning import lock as lock_module
from provisioning.errors import Locked
from provisioning.lock import Lock, environment_lock

pytestmark = pytest.mark.slow

DEAD = 2**22 + 1  # above Linux' largest process number


def put_lock(rig: Any, holder: Any) -> None:
    rig.cloud.ssm.put_parameter(
        Name="/coupon/hello/provisioning-lock", Value=json.dumps(asdict(holder)),
        Type="String", Overwrite=True,
    )  # fmt: skip


def parameter_names(rig: Any) -> list[str]:
    return [one["Name"] for one in rig.cloud.ssm.describe_parameters()["Parameters"]]


def test_a_second_run_is_kept_out_and_told_who_is_at_work(hello_rig: Any) -> None:
    with environment_lock(hello_rig.cloud), pytest.raises(Locked, match="has been at work since"):
        Lock(hello_rig.cloud).take()
    assert parameter_names(hello_rig) == []


def test_the_lock_is_released_when_the_run_fails(hello_rig: Any) -> None:
    with pytest.raises(RuntimeError), environment_lock(hello_rig.cloud):
        raise RuntimeError("broken")
    with environment_lock(hello_rig.cloud):
        pass


def test_a_dead_process_of_this_machine_loses_it_at_once(hello_rig: Any) -> None:
    dead = replace(Lock(hello_rig.cloud).me, process=DEAD, token="old")
    put_lock(hello_rig, dead)
    with environment_lock(hello_rig.cloud):
        assert parameter_names(hello_rig) == ["/coupon/hello/provisioning-lock"]


def test_another_machines_lock_stands_for_ten_minutes(
    hello_rig: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_lock(hello_rig, replace(Lock(hello_rig.cloud).me, machine="elsewhere", token="other"))
    with pytest.raises(Locked):
        Lock(hello_rig.cloud).take()
    monkeypatch.setattr(lock_module, "STALE", timedelta(seconds=-1))
    with environment_lock(hello_rig.cloud):
        pass


def test_of_many_only_one_takes_a_dead_runs_lock(hello_rig: Any) -> None:
    put_lock(hello_rig, replace(Lock(hello_rig.cloud).me, process=DEAD, token="old"))
    locks = [Lock(hello_rig.cloud) for _ in range(6)]
    taken: list[Lock] = []

    def try_to_lock(lock: Lock) -> None:
        try:
            lock.take()
        except Locked:
            return
        taken.append(lock)

    threads = [threading.Thread(target=try_to_lock, args=(lock,)) for lock in locks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 1
    taken[0].release()
    assert parameter_names(hello_rig) == []


def test_a_lost_lock_stops_the_run(hello_rig: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_module, "RENEW_SECONDS", 0.05)
    with environment_lock(hello_rig.cloud) as lock:
        deadline = datetime.now(UTC) + timedelta(seconds=120)
        with pytest.raises(Locked, match="took the lock over"):
            while datetime.now(UTC) < deadline:
                put_lock(hello_rig, replace(lock.me, token="thief"))
                lock.check()
    assert parameter_names(hello_rig) == ["/coupon/hello/provisioning-lock"], (
        "the thief's lock is not ours"
    )


def test_renewing_keeps_it_fresh(hello_rig: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_module, "RENEW_SECONDS", 0.02)
    with environment_lock(hello_rig.cloud) as lock:
        first = lock_version(hello_rig, lock)
        deadline = datetime.now(UTC) + timedelta(seconds=120)
        while lock_version(hello_rig, lock) < first + 2:
            assert datetime.now(UTC) < deadline, "nobody renews it"


def lock_version(rig: Any, lock: Lock) -> int:
    return int(rig.cloud.ssm.get_parameter(Name=lock.name)["Parameter"]["Version"])
