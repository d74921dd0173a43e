"""A host: systemd as process 1 in a network namespace, on a disk of its own over the common one."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

from tests.rehearsal import base, leftovers, machine
from tests.rehearsal.network import run_command

REBOOT = 133  # how systemd-nspawn says that its system wants to start again
UP_S = 60
DOWN_S = 30
WELL = ("running", "degraded")


class Host:
    """One machine. `name` is its cgroup's and its namespace's, too."""

    def __init__(self, name: str, *, network: Path, folder: Path) -> None:
        self.name, self._network = name, network
        self.folder = folder / name
        self.root = self.folder / "root"
        self.log = self.folder / "console"
        self._groups = [tree / leftovers.run_name() / name for tree in machine.cgroup_trees()]
        self._child: subprocess.Popen[bytes] | None = None
        self._life = threading.Thread()

    def install(self, files: dict[str, tuple[str, int]]) -> None:
        """Lays the disk over the base image and writes files onto it: path → text, mode."""
        for part in ("upper", "work", "root"):
            (self.folder / part).mkdir(parents=True)
        over = (
            f"lowerdir={base.image_path()},upperdir={self.folder}/upper,workdir={self.folder}/work"
        )
        run_command("mount", "-t", "overlay", "-o", over, self.name, str(self.root))
        for place, (text, mode) in files.items():
            file = self.root / place.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            file.chmod(mode)

    def start(self) -> None:
        """Switches it on, if it is off. `wait_until_up` waits."""
        if self._life.is_alive():
            return
        for group in self._groups:
            group.mkdir(parents=True, exist_ok=True)
        self._life = threading.Thread(target=self._live, name=self.name, daemon=True)
        self._life.start()

    def _live(self) -> None:
        """Starts it again whenever its system asks for that. The thread is the child's parent:
        when this process dies, so does the host."""
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
            # Only the host's own files resolve names; this machine's resolver isn't reached.
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
        """Its process 1, as this machine numbers it; 0 if there is none."""
        if self._child is None or self._child.poll() is not None:
            return 0
        kids = Path(f"/proc/{self._child.pid}/task/{self._child.pid}/children")
        try:
            pids = kids.read_text().split()
        except OSError:
            return 0
        return int(pids[0]) if pids else 0

    def run(self, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Runs it as the host's root, from beneath: without the network."""
        return subprocess.run(
            ["nsenter", "--target", str(self.init), "--all", "--", *words],
            input=given, capture_output=True, text=True, check=False,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        )  # fmt: skip

    def wait_until_up(self, patience: float = UP_S) -> str:
        """Its system's state once it has started. Raises RuntimeError if it takes too long."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if self.init:
                state = self.run("systemctl", "is-system-running").stdout.strip()
                if state in WELL:
                    return state
            time.sleep(0.1)
        raise RuntimeError(f"{self.name} did not start:\n{self.log.read_text()[-2000:]}")

    def failed_units(self) -> list[str]:
        said = self.run("systemctl", "list-units", "--failed", "--plain", "--no-legend").stdout
        return [line.split()[0] for line in said.splitlines() if line]

    def shut_down(self) -> None:
        """As if somebody pressed the button: everything on it is stopped in order."""
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(signal.SIGTERM)
            self._life.join(DOWN_S)
        self.cut()

    def cut(self) -> None:
        """As if somebody pulled the plug."""
        if self._child is not None and self._child.poll() is None:
            self._child.kill()
        for group in self._groups:
            leftovers.end_group(group)
        if self._life.is_alive():
            self._life.join(DOWN_S)
