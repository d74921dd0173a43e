"""Where the containers run: images on a base by mmdebstrap, in namespaces of their own.

A machine of this kind may have control groups of both versions at a time, which crun refuses, and
rights too few to raise a limit. So everything runs below a mount namespace of its own that has
version 2 alone, with limits that the machine has; and in a network of its own without a way out.
"""

import ctypes
import hashlib
import os
import resource
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from config import env
from tests.containers.compose_file import Composition

SUITE = "bookworm"
TOOLS = ("podman", "buildah", "crun", "mmdebstrap", "unshare", "ip")
BASE = "localhost/coupon-base"
BUILD_S = 900
_SOURCES = (
    "Containerfile", ".dockerignore", "manage.py", "coupons", "config", "requirements",
    "ansible/roles",
)  # fmt: skip
_NEW_NETWORK = 0x40000000  # CLONE_NEWNET
_CGROUPS = "umount -R /sys/fs/cgroup 2>/dev/null; mount -t cgroup2 cgroup2 /sys/fs/cgroup; "
# What a machine needs to reach its package mirrors, while an image is built; no layer holds it.
_MIRRORS = ("/etc/ssl/certs", "/etc/pip.conf", "/opt")


class Unfit(Exception):
    """This machine can't run containers: `str(unfit)` says what is missing."""


def demand_fit() -> None:
    """Raises Unfit."""
    if os.getuid() != 0:
        raise Unfit("it needs root")
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        raise Unfit(f"it lacks {', '.join(missing)}")
    tried = subprocess.run(
        ["unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc", "sh", "-c",
         _CGROUPS + "ip link set lo up"], capture_output=True, text=True, check=False,
    )  # fmt: skip
    if tried.returncode:
        raise Unfit(f"it makes no namespaces ({tried.stderr.strip()})")


def cache() -> Path:
    home = env.GIVEN.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "coupons" / "containers"


def most_files() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


@dataclass(frozen=True, slots=True)
class Podman:
    """Its images and containers, apart from any others of this machine."""

    run: Path  # in memory, below the namespaces: gone with them, as after a reboot

    def command(self, *words: str) -> list[str]:
        store = ("--root", str(cache() / "storage"), "--runroot", str(self.run / "run"))
        nets = ("--network-config-dir", str(self.run / "networks"))
        return ["podman", *store, *nets, "--cgroup-manager", "cgroupfs", *words]

    def environment(self) -> dict[str, str]:
        """With limits that this machine can set; and crun makes no control groups, for which it
        would need more rights. (Podman's own option for that shares no process ids.)"""
        file, runtime = self.run / "containers.conf", self.run / "crun"
        runtime.write_text('#!/bin/sh\nexec crun --cgroup-manager=disabled "$@"\n')
        runtime.chmod(0o755)
        file.write_text(
            f'[containers]\ndefault_ulimits = ["nofile={most_files()}:{most_files()}", '
            f'"nproc=30000:30000"]\npids_limit = 0\n'
            f'[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "none"\nruntime = "bare"\n'
            f'[engine.runtimes]\nbare = ["{runtime}"]\n'
        )
        return os.environ | {"CONTAINERS_CONF": str(file)}

    def __call__(self, *words: str, check: bool = True, timeout_s: float = 120) -> str:
        """What it printed. Raises subprocess.CalledProcessError, after its errors were shown."""
        done = subprocess.run(
            self.command(*words), env=self.environment(), capture_output=True, text=True,
            timeout=timeout_s, check=False,
        )  # fmt: skip
        if check and done.returncode:
            print(done.stdout[-2000:], done.stderr[-4000:], sep="\n", file=sys.stderr)
            done.check_returncode()
        return done.stdout


def make_base(podman: Podman) -> None:
    """A bare Debian, once."""
    if BASE in podman("images", "--format", "{{.Repository}}"):
        return
    packages = "--include=ca-certificates"
    archive = cache() / "base.tar"
    subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=minbase", packages, SUITE, str(archive)],
        check=True, stderr=subprocess.DEVNULL, timeout=BUILD_S,
    )  # fmt: skip
    podman("import", str(archive), BASE, timeout_s=BUILD_S)
    archive.unlink()


def build_images(podman: Podman, composition: Composition) -> None:
    """None if they were built of the same files; else layers that did not change are kept."""
    built, files = cache() / "built", _digest_of_sources()
    if built.exists() and built.read_text() == files:
        return
    mirrors = [f"--volume={place}:{place}:ro" for place in _MIRRORS if Path(place).exists()]
    for image, target in sorted(
        {(str(one.definition["image"]), one.target) for one in composition.services.values()}
    ):
        podman(
            "build", "--layers", "--isolation=chroot", "--network=host", *mirrors,
            f"--build-arg=BASE={BASE}", f"--target={target}", f"--tag=localhost/{image}",
            str(env.BASE_DIR), timeout_s=BUILD_S,
        )  # fmt: skip
    podman("image", "prune", "--force", check=False)
    built.write_text(files)


def _digest_of_sources() -> str:
    """Of all files that the Containerfile may copy, and of itself."""
    listed = ["git", "ls-files", "-co", "--exclude-standard", "-z", *_SOURCES]
    names = subprocess.run(listed, cwd=env.BASE_DIR, capture_output=True, check=True).stdout
    whole = hashlib.sha256()
    for name in sorted(filter(None, names.decode().split("\0"))):
        file = env.BASE_DIR / name
        if file.exists() and file.suffix not in (".md", ".po"):
            whole.update(f"{name} {file.stat().st_mode} ".encode() + file.read_bytes())
    return whole.hexdigest()


def within_namespaces(run: Path, *words: str) -> list[str]:
    """The command of a program below namespaces of its own; they end with it, and with them
    all that it has started, and what is in `run`, which is in memory there."""
    return [
        "setpriv", "--pdeathsig", "KILL",
        "unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child",
        "sh", "-c", f'{_CGROUPS}mount -t tmpfs tmpfs "$0" && exec "$@"', str(run), *words,
    ]  # fmt: skip


def name_address(address: str, name: str, folder: Path) -> None:
    """Let this program, and what it starts, find the name. Below the namespaces only."""
    hosts = folder / "hosts"
    hosts.write_text(f"127.0.0.1 localhost\n{address} {name}\n")
    subprocess.run(["mount", "--bind", str(hosts), "/etc/hosts"], check=True)


def leave_network() -> None:
    """From here on this program and all that it starts have a network of their own."""
    if ctypes.CDLL(None, use_errno=True).unshare(_NEW_NETWORK):
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
