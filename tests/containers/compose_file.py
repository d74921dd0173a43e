"""compose.yaml, read as a tool would: what `podman run` needs of each service, in order."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

import yaml

from config import env

FILE = env.BASE_DIR / "compose.yaml"
NETWORK = "coupon"
MOST_PROCESSES = 30_000
_VARIABLE = re.compile(r"\$\$|\$\{(\w+)(?::-([^}]*))?\}")
# What `podman_arguments` and `Site` make of a service; anything else would be left untested.
KNOWN = frozenset({
    "build", "cap_drop", "command", "depends_on", "entrypoint", "env_file", "environment",
    "healthcheck", "image", "init", "network_mode", "pid", "ports", "read_only", "restart",
    "security_opt", "stop_grace_period", "stop_signal", "tmpfs", "ulimits", "user", "volumes",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Service:
    name: str
    definition: Mapping[str, Any]

    @property
    def needs(self) -> dict[str, str]:
        """The services that must be there first, and in which condition."""
        return {name: on["condition"] for name, on in self.definition.get("depends_on", {}).items()}

    @property
    def joins(self) -> set[str]:
        """The services whose network or process ids it shares."""
        shared = (self.definition.get(key, "") for key in ("network_mode", "pid"))
        return {text.partition(":")[2] for text in shared if text.startswith("service:")}

    @property
    def target(self) -> str:
        """The stage of the Containerfile."""
        return str(self.definition["image"]).removeprefix("coupon-")

    @property
    def is_one_off(self) -> bool:
        return bool(self.definition.get("restart") == "no")

    @property
    def grace_s(self) -> int:
        return seconds(self.definition.get("stop_grace_period", "10s"))


@dataclass(frozen=True, slots=True)
class Composition:
    services: Mapping[str, Service]
    volumes: Mapping[str, Mapping[str, str]]  # name → options of its driver

    def in_order(self) -> list[Service]:
        """Each after what it depends on."""
        graph = {name: {*one.needs, *one.joins} for name, one in self.services.items()}
        return [self.services[name] for name in TopologicalSorter(graph).static_order()]


def read_composition(variables: Mapping[str, str]) -> Composition:
    whole = yaml.safe_load(FILE.read_text())
    composition: dict[str, Any] = _interpolated(whole, variables)
    services = {name: Service(name, service) for name, service in composition["services"].items()}
    volumes = {
        name: volume.get("driver_opts", {}) for name, volume in composition["volumes"].items()
    }
    return Composition(services, volumes)


def seconds(text: str) -> int:
    assert text.endswith("s"), text
    return int(text[:-1])


def podman_arguments(service: Service, *, most_files: int) -> list[str]:
    """Of `podman run` or `create`; `most_files`: what this machine allows at most."""
    definition = service.definition
    unknown = set(definition) - KNOWN
    assert not unknown, f"{service.name}: {unknown} would not be tested"
    return [
        "--name", service.name, "--user", definition["user"], *_sharing(definition, service.name),
        *(["--read-only", "--read-only-tmpfs=false"] if definition.get("read_only") else []),
        *(["--init"] if definition.get("init") else []),
        *(f"--cap-drop={name}" for name in definition.get("cap_drop", ())),
        *(f"--security-opt={_security(option)}" for option in definition.get("security_opt", ())),
        *(f"--tmpfs={place}" for place in definition.get("tmpfs", ())),
        *(f"--volume={volume}" for volume in definition.get("volumes", ())),
        *(f"--env-file={_path(file)}" for file in definition.get("env_file", ())),
        *(f"--env={name}={value}" for name, value in definition.get("environment", {}).items()),
        *(f"--ulimit={name}={min(most, most_files)}:{min(most, most_files)}"
          for name, most in ({"nofile": most_files} | definition.get("ulimits", {})).items()),
        f"--ulimit=nproc={MOST_PROCESSES}:{MOST_PROCESSES}",  # podman's own may be too high
        *([f"--stop-signal={definition['stop_signal']}"] if "stop_signal" in definition else []),
        f"--stop-timeout={service.grace_s}",
        *([f"--entrypoint={json.dumps(definition['entrypoint'])}"]
          if "entrypoint" in definition else []),
        *_health(definition.get("healthcheck")),
        f"localhost/{definition['image']}", *definition.get("command", ()),
    ]  # fmt: skip


def _sharing(definition: Mapping[str, Any], name: str) -> Iterator[str]:
    network, pid = definition.get("network_mode", ""), definition.get("pid", "")
    yield f"--network={network.replace('service:', 'container:') or NETWORK}"
    if not network:
        yield f"--network-alias={name}"
    if pid:
        yield f"--pid={pid.replace('service:', 'container:')}"


def _security(option: str) -> str:
    return option.removesuffix(":true")


def _path(file: str) -> str:
    return str((FILE.parent / file).resolve())


def _health(check: Mapping[str, Any] | None) -> list[str]:
    """The check itself: where systemd does not run it, whoever waits for it does."""
    if not check:
        return []
    kind, *words = check["test"]
    command = words[0] if kind == "CMD-SHELL" else shlex.join(words)  # Podman's option has no list
    return [f"--health-cmd=CMD-SHELL {command}", f"--health-timeout={check['timeout']}"]


def _interpolated(node: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        return {key: _interpolated(value, variables) for key, value in node.items()}
    if isinstance(node, list):
        return [_interpolated(value, variables) for value in node]
    if not isinstance(node, str):
        return node
    return _VARIABLE.sub(
        lambda found: "$" if found[0] == "$$" else variables.get(found[1]) or found[2] or "", node
    )
