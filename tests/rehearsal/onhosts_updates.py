"""The steps that update a host's packages, and those of its first start."""

from __future__ import annotations

from functools import partial

from provisioning.quantities import counted_noun
from tests.rehearsal import onhosts, onhosts_releases, package_source, units
from tests.rehearsal.deployment import Deployment
from tests.rehearsal.host import Host
from tests.rehearsal.record import Record, Wrong

# What processes of ours and sshd have loaded, so that an update of it concerns all of them.
LIBRARY = "libssl3t64"
NEXT = "+update1"
STORES = ("redis-server.service", "mariadb.service")
# As a kernel's package does, and Ubuntu's OpenSSL.
WANTS_REBOOT = "touch /run/reboot-required"
BOOT_ID = "/proc/sys/kernel/random/boot_id"
# The first file that our roles write, and the last one of cloud-init.
OURS, LAST = "/etc/sysctl.d/60-coupon.conf", "/var/lib/cloud/instance/boot-finished"
IN_EFFECT = (
    ("sshd -T", "passwordauthentication no"),
    ("apt-config dump", 'Unattended-Upgrade::Automatic-Reboot "false"'),
)
# A day after its last run. needrestart also restarts systemd, which ends connections to it.
DAILY_UPGRADE = """
rm -f /var/lib/apt/periodic/upgrade-stamp
apt-get -qq update
systemctl start --no-block apt-daily-upgrade.service
while state=$(systemctl show -P ActiveState apt-daily-upgrade.service)
      [ "$state" != inactive ] && [ "$state" != failed ]
do sleep 0.2; done
"""
# Prints the units whose processes have loaded files that were replaced since.
OUTDATED = r"""
for unit; do
  for pid in $(cat /sys/fs/cgroup/system.slice/"$unit"/cgroup.procs \
                   /sys/fs/cgroup/systemd/system.slice/"$unit"/cgroup.procs 2>/dev/null); do
    grep -qsE ' /usr/.* \(deleted\)$' "/proc/$pid/maps" && echo "$unit" && break
  done
done
true
"""


def like_ubuntu(it: Deployment) -> Host:
    """The host that was started as Ubuntu's image starts it."""
    return it.of_role("api")[-1]


def first_boot(it: Deployment, record: Record) -> None:
    """Right after the installation: later starts change the times of cloud-init's files."""
    host = like_ubuntu(it)
    with record.step(f"{host.name} was installed after cloud-init had ended") as step:
        if host.run("test", OURS, "-nt", LAST).returncode:
            raise Wrong(f"{OURS} was written while cloud-init was at work")
        for command, wanted in IN_EFFECT:
            said = host.run("sh", "-c", command).stdout
            if not any(line.rstrip(";") == wanted for line in said.splitlines()):
                raise Wrong(f"{command} does not say {wanted}: cloud-init's own file counts")
        if host.run("systemctl", "is-enabled", "ssh.service").stdout.strip() != "disabled":
            raise Wrong("ssh.service is enabled: nothing was shown of a socket that starts it")
        step.found = "its settings of sshd and apt are not in effect, ours are"


def unattended(it: Deployment, record: Record) -> None:
    """needrestart, as Ubuntu configures it, restarts what uses a replaced library."""
    host = like_ubuntu(it)
    with record.step(f"an unattended update of OpenSSL on {host.name}") as step:
        it.books.ssh(host.name, "true")  # its socket starts sshd, which the update concerns, too
        ours = [one.name for one in units.our_units(host)]
        ours += [name for name in STORES if units.find_unit(host, name).state == "active"]
        before = {name: units.find_unit(host, name).pid for name in (*ours, "ssh.service")}
        package_source.offer_package(host.root, LIBRARY, suffix=NEXT)
        done = host.run("sh", "-ec", DAILY_UPGRADE)
        if done.returncode or not _library_version(host).endswith(NEXT):
            raise Wrong(f"no update was installed: {done.stderr[-500:]}")
        after = {name: units.find_unit(host, name).pid for name in before}
        restarted = [name for name in before if before[name] != after[name]]
        step.found = f"restarted: {', '.join(restarted) or 'nothing'}"
        if set(restarted) & set(ours):
            raise Wrong(f"{step.found}, undrained")
        if not restarted:
            raise Wrong("needrestart restarted nothing: this proves nothing")
        if not _outdated_units(host, ours):
            raise Wrong("no unit of ours has the replaced library: this proves nothing")


def _library_version(host: Host) -> str:
    return host.run("dpkg-query", "-W", "-f", "${Version}", LIBRARY).stdout


def _outdated_units(host: Host, names: list[str]) -> list[str]:
    return host.run("sh", "-c", OUTDATED, "sh", *names).stdout.split()


def patch(it: Deployment, record: Record) -> None:
    """The host like Ubuntu's has nothing to update, only units with the replaced library; another
    one reboots. With a balancer users must not notice."""
    reboots = (it.of_role("consumer") or it.of_role("api"))[0]
    with record.step("operate.yml: patch") as step:
        for host in it.hosts.values():
            _offer_library(host, after=WANTS_REBOOT if host is reboots else "")
        _insist_on_status(it, reboots)
        before = _boot_ids(it)
        run = partial(it.books.run, "operate", verb="patch", log="operate-patch")
        if it.balancer:
            felt = f"; {onhosts_releases.while_people_claim(it, run)}"
        else:
            felt = ""
            onhosts.insist_on_recap(run())
        for host in it.hosts.values():
            _insist_on_update(host)
        rebooted = [name for name, boot_id in _boot_ids(it).items() if boot_id != before[name]]
        step.found = f"{counted_noun(len(it.hosts), 'host')}, rebooted: {rebooted}{felt}"
        if rebooted != [reboots.name]:
            raise Wrong(f"{step.found}, in place of {reboots.name}")
    with record.step("operate.yml: patch, once more") as step:
        done = it.books.run("operate", verb="patch", log="operate-patch-again")
        onhosts.insist_on_recap(done)
        step.found = f"changed={done.changed}"
        if done.changed:
            raise Wrong(f"it changed {counted_noun(done.changed, 'thing')} on updated hosts")


def _insist_on_status(it: Deployment, host: Host) -> None:
    host.run("apt-get", "-qq", "update")
    done = it.books.run("operate", verb="status", log="operate-status-before-patch")
    if "(verb=patch)" not in done.output:
        raise Wrong(f"status doesn't say what waits for patch:\n{done.end}")


def _offer_library(host: Host, *, after: str) -> None:
    if not _library_version(host).endswith(NEXT):
        package_source.offer_package(host.root, LIBRARY, suffix=NEXT, after=after)
    elif after:
        host.run("sh", "-c", after)


def _boot_ids(it: Deployment) -> dict[str, str]:
    return {name: host.run("cat", BOOT_ID).stdout for name, host in it.hosts.items()}


def _insist_on_update(host: Host) -> None:
    ours = [one.name for one in units.wait_for_all(host)] if units.our_units(host) else []
    if not _library_version(host).endswith(NEXT):
        raise Wrong(f"{host.name} has {LIBRARY} {_library_version(host)}")
    if outdated := _outdated_units(host, ours):
        raise Wrong(f"{host.name}: {', '.join(outdated)} still have the replaced library")
