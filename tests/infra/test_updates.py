"""Updates of packages: which services needrestart leaves alone, and who waits for apt's locks."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.infra.templating import ANSIBLE, load_yaml, render_template
from tests.rehearsal.onhosts_updates import STORES

ROLES = ANSIBLE / "roles"
UNITS = sorted(
    file.name.removesuffix(".j2") for file in ROLES.glob("*/templates/coupon-*.service.j2")
)
FILES = load_yaml(ROLES / "common" / "vars" / "main.yml")["common_files"]
# Prints, of units given as arguments, those that needrestart restarts: as its own code decides.
DECIDE = r"""
our %nrconf = (override_rc => { qr(^dbus) => 0 });
eval do { local(@ARGV, $/) = shift; <> } or die;
UNIT: for my $rc (@ARGV) {
  for my $re (keys %{$nrconf{override_rc}}) { next UNIT if $rc =~ /$re/ }
  print "$rc\n";
}
"""


def written_file(path: str, **variables: Any) -> str:
    (text,) = (file["content"] for file in FILES if file["path"] == path)
    return str(render_template(text, variables))


def test_needrestart_leaves_our_services_and_stores_alone_and_no_others(tmp_path: Path) -> None:
    file = tmp_path / "coupon.conf"
    file.write_text(written_file("/etc/needrestart/conf.d/coupon.conf"))
    assert len(UNITS) > 4
    kept = (*UNITS, "haproxy.service", *STORES)
    done = subprocess.run(
        ["perl", "-e", DECIDE, str(file), *kept, "ssh.service", "chrony.service"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["ssh.service", "chrony.service"]


def test_packages_that_restart_their_service_are_not_among_the_daily_updates() -> None:
    text = written_file("/etc/apt/apt.conf.d/99coupon-updates")
    kept = re.findall(r'Package-Blacklist:: "(.+)";', text)
    for package in ("haproxy", "redis-server", "mariadb-server"):
        assert any(re.match(one, package) for one in kept), package
    assert not any(re.match(one, "openssl") or re.match(one, "redis-tools") for one in kept)


def test_daily_updates_have_the_operators_time_and_do_not_make_up_for_a_missed_one() -> None:
    path = "/etc/systemd/system/apt-daily-upgrade.timer.d/coupon.conf"
    text = written_file(path, common_updates_at="Sun 03:30")
    assert "\nOnCalendar=\nOnCalendar=Sun 03:30\n" in text
    assert "\nPersistent=false\n" in text


def _tasks(found: Any) -> Iterator[dict[str, Any]]:
    for task in found or []:
        yield task
        for part in ("block", "rescue", "always"):
            yield from _tasks(task.get(part))


@pytest.mark.parametrize("role", sorted(path.name for path in ROLES.iterdir()))
def test_every_task_that_uses_apt_waits_for_its_locks(role: str) -> None:
    for file in (ROLES / role).glob("tasks/*.yml"):
        for task in _tasks(yaml.safe_load(file.read_text())):
            if apt := task.get("ansible.builtin.apt"):
                assert apt.get("lock_timeout") == "{{ coupon_apt_lock_s }}", (file, task["name"])
