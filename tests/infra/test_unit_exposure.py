"""What systemd says of the sandbox of every unit that we write: at most 2.0 of 10, and no way to
the metadata."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.infra.templating import ANSIBLE, render_template
from tests.rehearsal.exposure import MOST, allowed_exposure, allowed_exposures, exposure_in

ROLES = ANSIBLE / "roles"
VARIABLES: dict[str, Any] = {
    "coupon_address": "10.0.1.1", "coupon_api_workers": 2, "coupon_consumer_processes": 2,
    "coupon_environment": "test", "cloudwatch_figure": "oldest-waiting", "private_ip": "10.0.1.1",
    "loadgen_master": "10.0.1.1", "loadgen_version": "v", "groups": {}, "group_names": [],
    "loadgen_home": "/opt/loadgen", "loadgen_venv": "/opt/loadgen/venv", "app_version": "v",
}  # fmt: skip
OURS = sorted(ROLES.glob("*/templates/*.service.j2"))
METADATA = {"169.254.169.254", "fd00:ec2::254"}


def written_unit(template: Path, folder: Path, **variables: Any) -> Path:
    """The unit in a folder of its own, with the drop-in that units of its name share."""
    name = template.name.removesuffix(".j2")
    unit = folder / name.replace("figure", "oldest-waiting").replace("@", "@1")
    text = str(render_template(template.read_text(), VARIABLES | variables))
    if unit.name.startswith("coupon-"):
        shared = (ROLES / "app/templates/units.conf.j2").read_text()
        drop_in = folder / "coupon-.service.d" / "10-common.conf"
        drop_in.parent.mkdir(exist_ok=True)
        drop_in.write_text(str(render_template(shared, VARIABLES | variables)))
    # Programs need not exist here.
    unit.write_text(re.sub(r"^(Exec\w+)=(?:\\\n|.)*?(?<!\\)$", r"\1=/bin/true", text, flags=re.M))
    return unit


def judged_exposure(unit: Path) -> float:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return exposure_in(done.stdout + done.stderr)


def effective_lines(unit: Path) -> list[str]:
    """The unit's lines and those of its drop-in, as systemd reads them."""
    drop_in = unit.parent / "coupon-.service.d" / "10-common.conf"
    texts = [unit.read_text(), drop_in.read_text() if unit.name.startswith("coupon-") else ""]
    return "\n".join(texts).splitlines()


@pytest.mark.parametrize("template", OURS, ids=lambda file: file.name)
def test_each_unit_of_ours_is_in_a_sandbox(template: Path, tmp_path: Path) -> None:
    unit = written_unit(template, tmp_path)
    assert judged_exposure(unit) <= MOST
    lines = effective_lines(unit)
    denied = {
        word for line in lines if line.startswith("IPAddressDeny=") for word in line[14:].split()
    }
    assert denied >= METADATA
    assert "LogRateLimitBurst=3000" in lines
    assert "SystemCallErrorNumber=EPERM" in lines, "the last line of the sandbox is one of its own"


def test_every_unit_that_a_role_writes_is_looked_at() -> None:
    names = {file.name for file in OURS}
    assert {"figure.service.j2", "coupon-api.service.j2", "locust-master.service.j2"} <= names
    assert len(names) >= 12


def test_a_unit_without_the_sandbox_is_seen(tmp_path: Path) -> None:
    [figure] = [file for file in OURS if file.name == "figure.service.j2"]
    bare = written_unit(figure, tmp_path, coupon_sandbox="")
    assert judged_exposure(bare) > MOST


def test_only_root_reaches_the_metadata_and_the_journal_is_bounded() -> None:
    rules = (ROLES / "common/templates/nftables.conf.j2").read_text()
    text = str(render_template(rules, VARIABLES | {"coupon_monitors": [], "coupon_loadgens": []}))
    assert "meta skuid != 0 ip daddr 169.254.169.254 counter reject" in text
    assert "meta skuid != 0 ip6 daddr fd00:ec2::254 counter reject" in text
    files = (ROLES / "common/vars/main.yml").read_text()
    assert {"SystemMaxUse", "LineMax", "RateLimitBurst"} <= set(re.findall(r"(\w+)=\{\{", files))


def test_the_table_of_exposures_allows_no_unit_of_ours() -> None:
    table = allowed_exposures()
    sandboxed = ("haproxy", "redis-server", "mariadb", "prometheus", "prometheus-node-exporter")
    for name in (
        *(file.name.removesuffix(".j2") for file in OURS),
        *map("{}.service".format, sandboxed),
    ):
        assert allowed_exposure(name, table) == MOST, name
    assert allowed_exposure("ssh.service", table) > MOST
    assert allowed_exposure("stranger.service", table) == MOST
