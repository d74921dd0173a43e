"""Faults of connections: closed, reset, half-open, slow."""

import time

import MySQLdb

from tests.crash.reading import database_session
from tests.crash.scene import Fault, Scene


def cut_store(scene: Scene, fault: Fault) -> None:
    """The server ends all its connections."""
    with scene.stage.store() as client:
        client.client_kill_filter(_type="normal", skipme=True)


def cut_broker(scene: Scene, fault: Fault) -> None:
    with scene.stage.broker() as client:
        for kind in ("normal", "pubsub"):
            client.client_kill_filter(_type=kind, skipme=True)


def cut_database(scene: Scene, fault: Fault) -> None:
    """KILL of every session but this one, also in the middle of a transaction."""
    with database_session(scene.stage) as connection:
        cursor = connection.cursor()
        cursor.execute("SHOW PROCESSLIST")
        sessions = [each[0] for each in cursor.fetchall() if each[0] != connection.thread_id()]
        for session in sessions:
            try:
                cursor.execute(f"KILL {session}")
            except MySQLdb.OperationalError:
                continue  # it has ended by itself


def reset_store(scene: Scene, fault: Fault) -> None:
    """The network resets all connections; bytes in transit are lost."""
    scene.stage.routes["store"].switch_to("reset")


def reset_broker(scene: Scene, fault: Fault) -> None:
    scene.stage.routes["broker"].switch_to("reset")


def reset_database(scene: Scene, fault: Fault) -> None:
    scene.stage.routes["database"].switch_to("reset")


def half_open_store(scene: Scene, fault: Fault) -> None:
    """All connections become half-open: neither end is notified."""
    scene.stage.routes["store"].switch_to("half-open")


def half_open_broker(scene: Scene, fault: Fault) -> None:
    scene.stage.routes["broker"].switch_to("half-open")


def half_open_database(scene: Scene, fault: Fault) -> None:
    scene.stage.routes["database"].switch_to("half-open")


def slow_store(scene: Scene, fault: Fault) -> None:
    _delay_route(scene, "store", fault, 0.05)


def slow_database(scene: Scene, fault: Fault) -> None:
    _delay_route(scene, "database", fault, 0.15)


def _delay_route(scene: Scene, route: str, fault: Fault, delay_s: float) -> None:
    scene.stage.routes[route].switch_to("delay", delay_s)
    time.sleep(fault.lasts_s)
    scene.stage.routes[route].switch_to("pass")
