"""The front of an api host: HAProxy, configured by the role's template and defaults, on ports of
the test."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from config.containers import render
from tests.harness import servers

ROLE = render.ROLES / "front"


@cache  # parsing YAML takes longer than the start of an HAProxy
def _defaults() -> dict[str, Any]:
    return render.role_variables("front")


def _users_door() -> dict[str, Any]:
    return next(door for door in _defaults()["front_doors"] if door["name"] == "users")


# Regular expressions
API_PATHS = str(_users_door()["paths"])
PUBLIC_PATHS = str(_users_door()["public"])
FIRST_PATHS = str(_users_door()["first"])
SHARED_PATHS = str(_users_door()["shared"])


@dataclass(frozen=True, slots=True)
class FrontDoor:
    """One door: HAProxy listens on `port`, granian on `inner`, which takes `at_once` requests."""

    name: str
    port: int
    inner: int
    at_once: int = 16
    body_bytes: int = 4096
    repeatable: bool = True
    paths: str = ""
    public: str = PUBLIC_PATHS
    first: str = FIRST_PATHS
    probes: bool = False
    connections: int = 6500
    token: str = ""
    most_of_token: int = 0
    streams: str = ""
    streamed_bytes: int = 0
    large: str = ""
    cross_origin: bool = False
    shared: str = ""
    pages: dict[str, Any] | None = None  # of the role, by `pages_behind`


def pages_behind(inner: int, at_once: int = 4) -> dict[str, Any]:
    """The pages' door of the role, served by a granian on this port."""
    of_role = dict(_users_door()["pages"])
    return of_role | {"to": f"127.0.0.1:{inner}", "at_once": at_once}


def write_configuration(
    folder: Path, doors: list[FrontDoor], *, metrics: int, **settings: Any
) -> Path:
    """Write the configuration and the files that it names. `settings` are variables of the role
    without their prefix `front_`."""
    variables = _defaults() | {
        "front_folder": str(folder), "front_socket": str(folder / "admin.sock"),
        "front_metrics": f"127.0.0.1:{metrics}", "front_connections": 7000, "front_balancers": [],
        "front_doors": [_door(door) for door in doors], "front_cors_origins": [], "front_hsts": "",
        **{f"front_{name}": value for name, value in settings.items()},
    }  # fmt: skip
    configuration = folder / "haproxy.cfg"
    render.write_front(configuration, variables)
    return configuration


def haproxy_command(configuration: Path) -> list[str]:
    return ["haproxy", "-db", "-f", str(configuration)]


def problem_documents() -> dict[int, dict[str, Any]]:
    """The documents that HAProxy answers by itself, by status."""
    variables = _defaults() | {"front_folder": "."}
    return {
        int(Path(one["path"]).stem): json.loads(one["content"])
        for one in json.loads(render.render_template("front", "answers.json.j2", variables))
        if one["path"].endswith(".json")
    }


@contextmanager
def start_front(
    folder: Path, doors: list[FrontDoor], *, metrics: int = 0, **settings: Any
) -> Iterator[int]:
    """Run HAProxy; enters when it listens. Yields the port of its metrics."""
    metrics = metrics or servers.free_port()
    configuration = write_configuration(folder, doors, metrics=metrics, **settings)
    log = folder / "haproxy.log"
    with servers.start_process(
        haproxy_command(configuration), ready=lambda: servers.is_listening(metrics), log=log
    ):
        yield metrics


def _door(door: FrontDoor) -> dict[str, Any]:
    here = {"listen": f"127.0.0.1:{door.port}", "to": f"127.0.0.1:{door.inner}"}
    return asdict(door) | here
