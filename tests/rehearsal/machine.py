"""Whether a rehearsal is possible here: network namespaces, overlays, systemd in a namespace."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
# Programs and their Debian packages.
FOR_THE_NETWORK = {"ip": "iproute2", "nft": "nftables", "setpriv": "util-linux"}
FOR_HOSTS = {"mmdebstrap": "mmdebstrap", "systemd-nspawn": "systemd-container"}
FOR_ALL = {
    **FOR_HOSTS, "redis-server": "redis-server", "mariadbd": "mariadb-server-core",
    "haproxy": "haproxy", "openssl": "openssl", "ssh": "openssh-client",
}  # fmt: skip
# Creates what a rehearsal creates, in a namespace that ends with the shell.
TRY = """
mount --make-rslave / &&
ip link set lo up && ip link add v1 type veth peer name v2 &&
nft add table inet t && nft add chain inet t c '{ type filter hook forward priority 0; }'
"""


def why_no_network() -> str:
    """Why no network of namespaces can be created here; empty if it can."""
    if platform.system() != "Linux":
        return f"namespaces are Linux's; this is {platform.system()}"
    if os.geteuid() != 0:
        return "making network namespaces needs root"
    if missing := _missing_programs(FOR_THE_NETWORK):
        return f"not installed: {missing}"
    tried = subprocess.run(
        ["unshare", "--net", "--mount", "sh", "-ec", TRY],
        capture_output=True,
        text=True,
        check=False,
    )
    return f"namespaces are refused: {tried.stderr.strip()[:200]}" if tried.returncode else ""


def why_no_hosts() -> str:
    """Why no systemd hosts can be started here; empty if they can."""
    if missing := _missing_programs(FOR_HOSTS):
        return f"not installed: {missing}"
    if _systemd_hierarchy() is None:
        return f"no cgroup hierarchy for systemd under {CGROUPS}"
    return ""


def cgroup_trees() -> tuple[Path, ...]:
    """The cgroup trees in which a host needs its own folder."""
    systemd, unified = _systemd_hierarchy(), CGROUPS / "unified"
    return tuple(tree for tree in (systemd, unified) if tree and tree.is_dir())


def _systemd_hierarchy() -> Path | None:
    """cgroup2 at the top, or the named hierarchy beside cgroup1's controllers."""
    if (CGROUPS / "cgroup.procs").exists():
        return CGROUPS
    named = CGROUPS / "systemd"
    return named if (named / "cgroup.procs").exists() else None


def install_missing(wanted: dict[str, str]) -> None:
    """Install missing packages if possible. Raises SystemExit if not."""
    packages = _missing_programs(wanted)
    if not packages:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit(f"A rehearsal needs these packages, please install them: {packages}")
    print(f"Installing {packages} …", file=sys.stderr)
    quiet = os.environ | {"RUNLEVEL": "1", "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], check=True, env=quiet)
    subprocess.run(
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages.split()],
        check=True, env=quiet, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def _missing_programs(wanted: dict[str, str]) -> str:
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    return " ".join(
        package for name, package in wanted.items() if not shutil.which(name, path=path)
    )
