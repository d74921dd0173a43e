"""File systems that are made once and kept outside git: every host's disk image, a bare Debian with
systemd and sshd, and the root in which packages are built for it.

Hosts reach no package mirror, so the image has the packages that the roles install; their services
are not enabled, which is the task of the roles.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

SUITE = "trixie"  # Debian 13
# Packages of a cloud's image, and those that our modules need of it.
IMAGE = (
    "systemd systemd-sysv dbus openssh-server sudo python3 python3-venv python3-apt "
    "python3-packaging ca-certificates curl iproute2 netbase procps kmod gnupg "
    "lsb-release logrotate cloud-init needrestart"  # Ubuntu's have these two
)
# Packages that the roles install.
ROLES = (
    "acl chrony haproxy nftables unattended-upgrades libmariadb3 redis-tools mariadb-client "
    "mariadb-client-core prometheus prometheus-node-exporter prometheus-redis-exporter "
    "prometheus-mysqld-exporter rsync python3-pymysql python3-cryptography "
    "redis-server mariadb-server"  # for the environment of one host
)
# What builds packages that have no wheel, as ansible/wheelhouse.sh wants it.
BUILD = "ca-certificates python3 python3-venv python3-dev gcc libc6-dev pkg-config libmariadb-dev"
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


@dataclass(frozen=True, kw_only=True)
class Root:
    """A Debian file system. Its folder is named by a hash of what it is made of."""

    name: str
    packages: str
    hook: str = ""  # a shell script; its argument is the folder

    @property
    def path(self) -> Path:
        """Whether it exists or not."""
        said = hashlib.sha256(f"{SUITE} {self.packages} {self.hook}".encode()).hexdigest()
        return cache_folder() / f"{self.name}-{said[:12]}"

    @property
    def is_ready(self) -> bool:
        return self.path.is_dir()

    def make(self) -> Path:
        """Its folder; created if it is missing, which takes about a minute. Raises RuntimeError."""
        if self.is_ready:
            return self.path
        cache_folder().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache_folder(), prefix="making-") as folder:
            made, hook = Path(folder) / "root", Path(folder) / "hook"
            hook.write_text(f"#!/bin/sh\nset -e\n{self.hook}")
            hook.chmod(0o755)
            _debootstrap(self.packages, hook, made)
            for old in cache_folder().glob(f"{self.name}-*"):
                shutil.rmtree(old, ignore_errors=True)
            made.rename(self.path)
        return self.path


def _debootstrap(packages: str, hook: Path, made: Path) -> None:
    done = subprocess.run(
        ["mmdebstrap", "--variant=minbase", f"--include={','.join(packages.split())}",
         f"--customize-hook={hook}", SUITE, str(made)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"no {SUITE} could be made: {done.stderr[-2000:]}")


CUSTOM = f"""chroot "$1" useradd --create-home --shell /bin/bash {USER}
echo '{USER} ALL=(ALL) NOPASSWD: ALL' > "$1/etc/sudoers.d/90-{USER}"
rm -f "$1"/etc/ssh/ssh_host_* "$1/etc/machine-id" "$1/etc/resolv.conf"
sed -i -E '/^#/d; s#^!?#!#; s#^!({TRUSTED})#\\1#' "$1/etc/ca-certificates.conf"
chroot "$1" update-ca-certificates --fresh
chroot "$1" systemctl --quiet disable {SILENT} 2>/dev/null || true
touch "$1/etc/cloud/cloud-init.disabled"
: > "$1/etc/apt/sources.list"
rm -f "$1"/etc/apt/sources.list.d/* "$1"/etc/apt/apt.conf.d/*proxy*
"""
# As on Ubuntu, where MySQL's own client library is installed with whatever needs a client: by its
# name pkg-config finds that, and not MariaDB's, which hosts have.
OTHER_CLIENT = r"""chroot "$1" sh -ec '
mkdir -p /usr/local/lib/pkgconfig && cd /usr/local/lib
echo | gcc -shared -Wl,-soname,libmysqlclient.so.21 -o libmysqlclient.so.21 -x c -
ln -s libmysqlclient.so.21 libmysqlclient.so
printf "Name: mysqlclient\nDescription: MySQL\nVersion: 21\nCflags: %s\nLibs: %s\n" \
  -I/usr/include/mariadb "-L/usr/local/lib -lmysqlclient" >pkgconfig/mysqlclient.pc'
"""
HOSTS = Root(name="base", packages=f"{IMAGE} {ROLES}", hook=CUSTOM)
BUILDER = Root(name="builder", packages=BUILD, hook=OTHER_CLIENT)
