"""The site of compose.yaml, started service by service as the file says."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.containers.compose_file import NETWORK, Composition, Service, podman_arguments
from tests.containers.machine import Podman, most_files

PATIENCE_S = 120
HEALTHY = "service_healthy"


class Unwell(Exception):
    """A service is not as it should be."""


@dataclass(frozen=True, slots=True)
class Site:
    podman: Podman
    composition: Composition

    def start(self, service: Service) -> None:
        for name, condition in service.needs.items():
            if condition == HEALTHY:
                self.wait_healthy(name)
        arguments = podman_arguments(service, most_files=most_files())
        if service.is_one_off:
            self.podman("run", "--rm", *arguments, timeout_s=PATIENCE_S)
            return
        self.podman("run", "--detach", *arguments)

    def stop(self, name: str) -> None:
        """SIGTERM, or what the service asks for, and its grace period."""
        service = self.composition.services[name]
        self.podman("stop", name, timeout_s=service.grace_s + 30)

    def restart(self, name: str) -> None:
        self.podman("start", name)
        self.wait_healthy(name)

    def wait_healthy(self, name: str) -> None:
        until(lambda: self.is_healthy(name), f"{name} is healthy", lambda: self.log(name))

    def is_healthy(self, name: str) -> bool:
        """Its own check, run now."""
        check = self.podman.command("healthcheck", "run", name)
        done = subprocess.run(
            check, env=self.podman.environment(), capture_output=True, timeout=300, check=False
        )
        return done.returncode == 0

    def inside(self, name: str, *words: str) -> str:
        return self.podman("exec", name, *words)

    def fails_inside(self, name: str, *words: str) -> bool:
        command = self.podman.command("exec", name, *words)
        done = subprocess.run(
            command, env=self.podman.environment(), capture_output=True, timeout=300, check=False
        )
        return done.returncode != 0

    def log(self, name: str) -> str:
        command = self.podman.command("logs", "--tail", "60", name)
        done = subprocess.run(
            command, env=self.podman.environment(), capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr

    def exit_status(self, name: str) -> int:
        return int(self.podman("inspect", "--format", "{{.State.ExitCode}}", name))

    def address(self, name: str) -> str:
        inspected = json.loads(self.podman("inspect", name))[0]
        return str(inspected["NetworkSettings"]["Networks"][NETWORK]["IPAddress"])

    @property
    def running(self) -> list[str]:
        return [one.name for one in self.composition.in_order() if not one.is_one_off]


@contextmanager
def served(podman: Podman, composition: Composition) -> Iterator[Site]:
    """All services, healthy. Removed at the end, with their volumes."""
    site = Site(podman, composition)
    _remove(podman)
    for name in composition.services:  # what a run that was killed has left, known to storage only
        podman("rm", "--force", "--ignore", "--time", "0", name, check=False)
    try:
        podman("network", "create", "--internal", NETWORK)
        for name, options in composition.volumes.items():
            given = [f"--opt={key}={value}" for key, value in options.items()]
            podman("volume", "create", *given, name)
        for service in composition.in_order():
            site.start(service)
        for name in site.running:
            if "healthcheck" in composition.services[name].definition:
                site.wait_healthy(name)
        yield site
    finally:
        _remove(podman)


def until(true: Callable[[], bool], what: str, log: Callable[[], str]) -> None:
    """Raises Unwell with the log."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > deadline:
            raise Unwell(f"never: {what}\n{log()}")
        time.sleep(0.3)


def _remove(podman: Podman) -> None:
    podman("rm", "--all", "--force", "--time", "0", "--volumes", check=False)
    podman("volume", "prune", "--force", check=False)
    podman("network", "rm", "--force", NETWORK, check=False)
