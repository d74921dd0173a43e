"""A host that starts as Ubuntu 24.04's image does on AWS: cloud-init at work, unattended-upgrades
holding dpkg's lock, needrestart restarting services, and sshd started by its socket."""

from __future__ import annotations

import time

from tests.rehearsal import package_source
from tests.rehearsal.host import UP_S, Host
from tests.rehearsal.network import run_command

# Seconds after the start in which cloud-init works, and in which an update holds dpkg's lock.
FIRST_BOOT_S, LOCKED_S, LONG_LOCKED_S = 20, 5, 120
# A package that roles install and Ubuntu's image lacks, and one of which there is an update.
MISSING, UPDATED = "prometheus-node-exporter", "netbase"
USER_DATA = f"""#cloud-config
users: []
preserve_hostname: true
ssh_deletekeys: false
ssh_pwauth: true
apt:
  preserve_sources_list: true
  conf: |
    Unattended-Upgrade::Automatic-Reboot "true";
runcmd:
  - [sleep, "{FIRST_BOOT_S}"]
"""
FILES = {
    "/etc/cloud/cloud.cfg.d/99-here.cfg": (
        "datasource_list: [NoCloud]\nnetwork: {config: disabled}\n"
    ),
    "/var/lib/cloud/seed/nocloud/meta-data": "instance-id: i-first\n",
    "/var/lib/cloud/seed/nocloud/user-data": USER_DATA,
    # What `needrestart -m u` means there: restart whatever uses a replaced library.
    "/etc/needrestart/conf.d/50-ubuntu.conf": "$nrconf{restart} = 'a';\n1;\n",
    # There it runs soon after the first start, since the image's last run is long ago.
    "/etc/systemd/system/apt-daily-upgrade.timer.d/10-first-boot.conf": (
        "[Timer]\nOnCalendar=\nOnBootSec=1\nRandomizedDelaySec=0\n"
    ),
}
PREPARE = f"""
rm /etc/cloud/cloud-init.disabled
dpkg --purge {MISSING}
systemctl --quiet disable ssh.service
systemctl --quiet enable ssh.socket apt-daily-upgrade.timer
apt-get -qq update
"""


def prepare_first_boot(host: Host, *, locked_s: int) -> None:
    """Change a host's disk before its first start."""
    for path, text in FILES.items():
        file = host.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    package_source.offer_package(host.root, MISSING, suffix="")
    package_source.offer_package(host.root, UPDATED, suffix="+update1", after=f"sleep {locked_s}")
    run_command("chroot", str(host.root), "sh", "-ec", PREPARE)


def wait_for_ssh(host: Host) -> None:
    """Wait until it listens for ssh, which is long before its first start has ended. Raises
    RuntimeError at the timeout."""
    deadline = time.monotonic() + UP_S
    while time.monotonic() < deadline:
        if host.init and host.run("systemctl", "is-active", "ssh.socket").returncode == 0:
            return
        time.sleep(0.1)
    raise RuntimeError(f"{host.name} did not start:\n{host.log.read_text()[-2000:]}")
