"""A cloud for every test: moto's server, started once, emptied in between."""

from __future__ import annotations

import itertools
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from provisioning import cli
from provisioning.aws import Cloud, WriteHook, connect_cloud
from provisioning.blueprint.environment import build_blueprint
from provisioning.discovery import Snapshot, discover_resources
from provisioning.executor import Actor
from provisioning.model import Plan, Want
from provisioning.plan import make_plan, reversed_plan
from provisioning.spec.model import Spec, Waiting
from tests.provisioning import specs
from tests.provisioning.command_line import emptied_cloud
from tests.provisioning.running_cloud import serve_cloud

OPERATOR = "198.51.100.7/32"
QUICK = Waiting(poll_seconds=0.02, minutes=2)  # short polls; a long limit for a busy machine


CLOUDS: dict[str, Cloud] = {}
HOOKS: list[WriteHook] = []
KEYS_OF_STATES: dict[str, dict[str, bytes]] = {}  # private keys that a kept state knows, by file


def _hooked(name: str) -> None:
    for hook in HOOKS:
        hook(name)


class Rig:
    """One environment on the test cloud, used without the command line."""

    def __init__(self, environment: str, url: str) -> None:
        self.url = url
        self.use_spec(replace(specs.environment_spec(environment, OPERATOR), waiting=QUICK))
        if environment not in CLOUDS:  # clients are slow to make; the tests share them
            CLOUDS[environment] = connect_cloud(self.spec, on_write=_hooked)
        self.cloud = CLOUDS[environment]

    def use_spec(self, spec: Spec) -> None:
        self.spec = spec
        self.wants: tuple[Want, ...] = build_blueprint(spec)

    def find_all(self) -> Snapshot:
        return discover_resources(self.cloud)

    def compute_plan(self) -> Plan:
        return make_plan(self.wants, self.find_all())

    def apply_plan(self, *, at_once: int = 6, die_after: int = 0) -> int:
        """Applies and returns how many writes it took; `die_after` writes it raises Killed."""
        found = self.find_all()
        plan = make_plan(self.wants, found)
        return self.execute_steps(plan, found, at_once=at_once, die_after=die_after)

    def build(self) -> None:
        """As `apply_plan()` on an empty cloud. The result is kept, and restored in place of all
        that the cloud has from the second time on: once a test, before anything else."""
        name = f"{crc32(repr(self.spec).encode()):08x}"
        keys = Path(os.environ["COUPON_KEYS_DIR"])
        if _post(f"{self.url}/states/{name}/restore"):
            keys.mkdir(mode=0o700, exist_ok=True)
            for file, content in KEYS_OF_STATES[name].items():
                (keys / file).touch(mode=0o600)
                (keys / file).write_bytes(content)
            return
        self.apply_plan()
        KEYS_OF_STATES[name] = {file.name: file.read_bytes() for file in keys.iterdir()}
        assert _post(f"{self.url}/states/{name}/keep")

    def destroy_all(self, *, at_once: int = 6, die_after: int = 0) -> int:
        found = self.find_all()
        plan = reversed_plan(self.wants, found)
        return self.execute_steps(plan, found, at_once=at_once, die_after=die_after)

    def execute_steps(
        self, plan: Plan, found: Snapshot, *, at_once: int = 6, die_after: int = 0
    ) -> int:
        self.cloud.writes.clear()
        ids = {key: one.id for key, one in found.items()}

        def maybe_die(name: str) -> None:
            if die_after and len(self.cloud.writes) >= die_after:
                raise Killed(name)

        HOOKS.append(maybe_die)
        try:
            Actor(cloud=self.cloud, ids=ids, at_once=at_once).execute_plan(plan)
        finally:
            HOOKS.clear()
        return len(self.cloud.writes)


class Killed(BaseException):
    """Raised in place of a kill: the product does not catch it."""


@pytest.fixture(scope="session")
def cloud_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve_cloud(tmp_path_factory.mktemp("cloud")) as url:
        yield url


@pytest.fixture
def empty_cloud(cloud_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """The URL of the emptied test cloud; the environment allows no access to any other."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "COUPON_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("COUPON_KEYS_DIR", str(tmp_path / "keys"))
    monkeypatch.setenv("COUPON_OPERATOR", OPERATOR)
    empty_server(cloud_url)
    yield cloud_url


def empty_server(url: str) -> None:
    assert _post(f"{url}/moto-api/reset")


def _post(url: str) -> bool:
    """False if it answers 404."""
    try:
        urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=30).close()
    except urllib.error.HTTPError as refused:
        assert refused.code == 404
        refused.close()
        return False
    return True


@pytest.fixture
def hello_rig(empty_cloud: str) -> Rig:
    return Rig("hello", empty_cloud)


@pytest.fixture
def production_rig(empty_cloud: str) -> Rig:
    return Rig("production", empty_cloud)


@pytest.fixture
def empty_again(empty_cloud: str) -> Any:
    """Empties the cloud again, for tests that build several times."""
    return lambda: empty_server(empty_cloud)


@pytest.fixture
def killed_exception() -> type[BaseException]:
    return Killed


@pytest.fixture
def killed_writes(hello_rig: Rig) -> Any:
    """A block in which the write of this number raises Killed; all others pass."""

    @contextmanager
    def kill_after(after: int) -> Iterator[None]:
        counted = itertools.count(1)

        def die_once(name: str) -> None:
            if next(counted) == after:
                raise Killed(name)

        HOOKS.append(die_once)
        try:
            yield
        finally:
            HOOKS.clear()

    return kill_after


def comparable_state(found: Snapshot) -> dict[str, Any]:
    """A snapshot without random ids, so that two builds can be compared."""
    names = {
        one.id: f"<{key.kind} {key.name}>" for key, one in found.items() if key.kind != "rules"
    }

    for key, one in found.items():
        if "metric" in one.shows:  # how CloudWatch calls a balancer
            names[one.shows["metric"]] = f"<{key}>"

    def replace_ids(value: Any) -> Any:
        if isinstance(value, str):
            return names.get(value, value)
        if isinstance(value, dict):
            return {key: replace_ids(inner) for key, inner in value.items()}
        if isinstance(value, (tuple, list)):
            return tuple(replace_ids(inner) for inner in value)
        if isinstance(value, frozenset):
            return frozenset(replace_ids(inner) for inner in value)
        return value

    return {
        str(key): replace_ids({k: v for k, v in one.props.items() if k != "panels"})
        for key, one in found.items()
    }


@pytest.fixture
def state_of() -> Any:
    return comparable_state


@pytest.fixture
def stranger_cloud(hello_rig: Rig) -> Cloud:
    """The same account as another environment sees it."""
    return connect_cloud(
        replace(hello_rig.spec, environment=replace(hello_rig.spec.environment, name="other"))
    )


@pytest.fixture
def shared_clients(monkeypatch: pytest.MonkeyPatch, hello_rig: Any) -> None:
    """Shared clients and short waits; the verbs themselves are the real ones."""
    monkeypatch.setattr(cli, "connect_cloud", lambda spec, **_: emptied_cloud(hello_rig, spec))
