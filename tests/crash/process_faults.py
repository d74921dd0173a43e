"""Faults of programs: killed, stopped, with a wrong clock."""

import time

from tests.crash.programs import CLOCK_SHIFTS_S, FRONTS, WEBS, WORKERS, host_clock
from tests.crash.scene import Fault, Scene


def kill_web(scene: Scene, fault: Fault) -> None:
    """All processes of an api host's door."""
    scene.stage.cast.kill(WEBS[fault.which % 2])


def kill_web_process(scene: Scene, fault: Fault) -> None:
    """The process that serves; its parent starts another."""
    scene.stage.cast.kill_child(WEBS[fault.which % 2], fault.which)


def kill_front(scene: Scene, fault: Fault) -> None:
    """HAProxy, with all requests that it has and granian has not yet."""
    scene.stage.cast.kill(FRONTS[fault.which % 2])


def kill_worker(scene: Scene, fault: Fault) -> None:
    """The parent only; its children keep running without it."""
    scene.stage.cast.kill(WORKERS[fault.which % 2], group=False)


def kill_worker_child(scene: Scene, fault: Fault) -> None:
    scene.stage.cast.kill_child(WORKERS[fault.which % 2], fault.which)


def kill_beat(scene: Scene, fault: Fault) -> None:
    scene.stage.cast.kill("beat")


def kill_store(scene: Scene, fault: Fault) -> None:
    """It comes back with its append-only file."""
    scene.stage.cast.kill("store")


def kill_broker(scene: Scene, fault: Fault) -> None:
    """It comes back empty."""
    scene.stage.cast.kill("broker")


def kill_database(scene: Scene, fault: Fault) -> None:
    scene.stage.cast.kill("database")


def pause_web(scene: Scene, fault: Fault) -> None:
    _pause_program(scene, WEBS[fault.which % 2], fault)


def pause_worker(scene: Scene, fault: Fault) -> None:
    _pause_program(scene, WORKERS[fault.which % 2], fault)


def pause_worker_child(scene: Scene, fault: Fault) -> None:
    _pause_program(scene, WORKERS[fault.which % 2], fault, child=fault.which)


def pause_beat(scene: Scene, fault: Fault) -> None:
    _pause_program(scene, "beat", fault)


def pause_store(scene: Scene, fault: Fault) -> None:
    _pause_program(scene, "store", fault)


def pause_broker(scene: Scene, fault: Fault) -> None:
    _pause_program(scene, "broker", fault)


def pause_database(scene: Scene, fault: Fault) -> None:
    _pause_program(scene, "database", fault)


def wrong_clock(scene: Scene, fault: Fault) -> None:
    """The clock of a web host, a worker or beat jumps ahead or back, by seconds or by hours, and
    stays so; every second time the program is restarted with it."""
    names = sorted(CLOCK_SHIFTS_S)
    rest, which = divmod(fault.which, len(names))
    shifts_s = CLOCK_SHIFTS_S[names[which]]
    restarted, which_shift = divmod(rest, len(shifts_s))
    host_clock(scene.stage.folder, names[which]).shift(shifts_s[which_shift])
    if restarted % 2:
        scene.stage.cast.kill(names[which])


def _pause_program(scene: Scene, name: str, fault: Fault, child: int | None = None) -> None:
    scene.stage.cast.pause(name, child=child)
    time.sleep(fault.lasts_s)
    scene.stage.cast.wake(name)
