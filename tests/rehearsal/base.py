"""The disk image of every host: a bare Debian with systemd and sshd, kept outside git.

Hosts reach no package mirror, so the image has the packages that the roles install; their services
are not enabled, which is the task of the roles.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

SUITE = "bookworm"
# Packages of a cloud's image, and those that our modules need of it.
IMAGE = (
    "systemd systemd-sysv dbus openssh-server sudo python3 python3-venv python3-apt "
    "python3-packaging ca-certificates curl iproute2 netbase procps kmod gnupg "
    "lsb-release logrotate"
)
# Packages that the roles install.
ROLES = (
    "acl chrony haproxy nftables unattended-upgrades libmariadb3 redis-tools mariadb-client "
    "mariadb-client-core prometheus prometheus-node-exporter prometheus-redis-exporter "
    "prometheus-mysqld-exporter rsync python3-pymysql python3-cryptography "
    "redis-server mariadb-server"  # for the environment of one host
)
# Certificate authorities that hosts trust. Adding one to all of Mozilla's takes a host 2 s.
TRUSTED = "mozilla/Amazon_Root_CA_.*"
# Services that `apt-get install` would enable, or that need an ordinary network.
SILENT = (
    "prometheus prometheus-node-exporter prometheus-redis-exporter prometheus-mysqld-exporter "
    "chrony nftables unattended-upgrades apt-daily.timer apt-daily-upgrade.timer "
    "systemd-networkd systemd-timesyncd rsync redis-server mariadb haproxy"
)
USER = "ubuntu"


def cache_folder() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "coupons" / "rehearsal"


def image_path() -> Path:
    """The path of this version of the image, whether it exists or not."""
    said = hashlib.sha256(f"{SUITE} {IMAGE} {ROLES} {SILENT} {CUSTOM}".encode()).hexdigest()
    return cache_folder() / f"base-{said[:12]}"


def image_ready() -> bool:
    return image_path().is_dir()


def make_image() -> Path:
    """The folder of the image; created if it is missing, which takes about a minute."""
    image = image_path()
    if image_ready():
        return image
    cache_folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_folder(), prefix="making-") as folder:
        made, hook = Path(folder) / "root", Path(folder) / "hook"
        hook.write_text(CUSTOM)
        hook.chmod(0o755)
        packages = ",".join([*IMAGE.split(), *ROLES.split()])
        subprocess.run(
            ["mmdebstrap", "--variant=minbase", f"--include={packages}",
             f"--customize-hook={hook}", SUITE, str(made)],
            check=True, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for old in cache_folder().glob("base-*"):
            shutil.rmtree(old, ignore_errors=True)
        made.rename(image)
    return image


CUSTOM = f"""#!/bin/sh
set -e
chroot "$1" useradd --create-home --shell /bin/bash {USER}
echo '{USER} ALL=(ALL) NOPASSWD: ALL' > "$1/etc/sudoers.d/90-{USER}"
rm -f "$1"/etc/ssh/ssh_host_* "$1/etc/machine-id" "$1/etc/resolv.conf"
sed -i -E '/^#/d; s#^!?#!#; s#^!({TRUSTED})#\\1#' "$1/etc/ca-certificates.conf"
chroot "$1" update-ca-certificates --fresh
chroot "$1" systemctl --quiet disable {SILENT} 2>/dev/null || true
: > "$1/etc/apt/sources.list"
rm -f "$1"/etc/apt/sources.list.d/* "$1"/etc/apt/apt.conf.d/*proxy*
"""
