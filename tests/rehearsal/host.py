"""A host: systemd as process 1 in a network namespace, on its own overlay over the base image."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

from tests.rehearsal import base, leftovers, machine
from tests.rehearsal.network import run_command

REBOOT = 133  # exit status of systemd-nspawn if its system reboots
UP_S = 60
DOWN_S = 30
WELL = ("running", "degraded")


class Host:
    """One machine. Its cgroup and its namespace have the same `name`."""

    def __init__(self, name: str, *, network: Path, folder: Path) -> None:
        self.name, self._network = name, network
        self.folder = folder / name
        self.root = self.folder / "root"
        self.log = self.folder / "console"
        self._groups = [tree / leftovers.run_name() / name for tree in machine.cgroup_trees()]
        self._child: subprocess.Popen[bytes] | None = None
        self._life = threading.Thread()

    def install(self, files: dict[str, tuple[str, int]]) -> None:
        """Create the overlay over the base image and write files onto it: path → text, mode."""
        for part in ("upper", "work", "root"):
            (self.folder / part).mkdir(parents=True)
        over = f"lowerdir={base.HOSTS.path},upperdir={self.folder}/upper,workdir={self.folder}/work"
        run_command("mount", "-t", "overlay", "-o", over, self.name, str(self.root))
        for place, (text, mode) in files.items():
            file = self.root / place.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            file.chmod(mode)

    def start(self) -> None:
        """Start it, unless it runs, without waiting: see `wait_until_up`."""
        if self._life.is_alive():
            return
        for group in self._groups:
            group.mkdir(parents=True, exist_ok=True)
        self._life = threading.Thread(target=self._live, name=self.name, daemon=True)
        self._life.start()

    def _live(self) -> None:
        """Run it, and again whenever its system reboots. The host ends with this thread, its
        parent, and so with this process."""
        code = REBOOT
        while code == REBOOT:
            with self.log.open("ab") as console:
                self._child = subprocess.Popen(
                    ["sh", "-ec", self._command()], stdin=subprocess.DEVNULL,
                    stdout=console, stderr=console, start_new_session=True, env=self._environment(),
                )  # fmt: skip
            code = self._child.wait()

    def _command(self) -> str:
        joined = "".join(f"echo $$ > {group}/cgroup.procs; " for group in self._groups)
        return (
            f"{joined}exec setpriv --pdeathsig KILL systemd-nspawn --quiet --register=no"
            f" --keep-unit -D {self.root} --network-namespace-path={self._network}"
            # Names are resolved by the host's own files only, not by this machine's resolver.
            f" --resolv-conf=off --capability=CAP_NET_ADMIN --hostname={self.name}"
            " --console=pipe --boot"
        )

    @staticmethod
    def _environment() -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
            "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network",
        }

    @property
    def init(self) -> int:
        """The pid of its process 1 on this machine; 0 if it does not run."""
        if self._child is None or self._child.poll() is not None:
            return 0
        kids = Path(f"/proc/{self._child.pid}/task/{self._child.pid}/children")
        try:
            pids = kids.read_text().split()
        except OSError:
            return 0
        return int(pids[0]) if pids else 0

    def run(self, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command as root of the host, from this machine, not through the network."""
        return subprocess.run(
            ["nsenter", "--target", str(self.init), "--all", "--", *words],
            input=given, capture_output=True, text=True, check=False,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        )  # fmt: skip

    def wait_until_up(self, patience: float = UP_S) -> str:
        """Returns the state of its system after the start. Raises RuntimeError at the timeout."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if self.init:
                state = self.run("systemctl", "is-system-running").stdout.strip()
                if state in WELL:
                    return state
            time.sleep(0.1)
        raise RuntimeError(f"{self.name} did not start:\n{self.log.read_text()[-2000:]}")

    def failed_units(self) -> list[str]:
        output = self.run("systemctl", "list-units", "--failed", "--plain", "--no-legend").stdout
        return [line.split()[0] for line in output.splitlines() if line]

    def shut_down(self) -> None:
        """Shut it down in order, as by its power button."""
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(signal.SIGTERM)
            self._life.join(DOWN_S)
        self.cut()

    def cut(self) -> None:
        """Kill it at once, as by a loss of power."""
        if self._child is not None and self._child.poll() is None:
            self._child.kill()
        for group in self._groups:
            leftovers.end_group(group)
        if self._life.is_alive():
            self._life.join(DOWN_S)
