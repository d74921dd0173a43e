"""The playbooks are parsed and linted, and the templates that they render are checked."""

import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
ANSIBLE = ROOT / "ansible"
TEMPLATES = sorted(
    file
    for role in ("common", "app", "api", "consumer", "front")
    for file in (ANSIBLE / "roles" / role / "templates").glob("*.j2")
)
PLAYBOOKS = ["site", "stores", "deploy", "replace", "rollback", "operate"]
SECRETS = {
    "django_secret_key", "coupon_code_key", "user_token_key", "flower_password",
    "database_app_password", "mysql_admin_password", "redis_password",
}  # fmt: skip

INVENTORY: dict[str, Any] = {
    "all": {
        "vars": {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "coupon_environment": "test",
            "coupon_secrets_from": "vault",
            "load_balancer_host": "lb.example",
            "redis_decisions_host": "store.example", "redis_decisions_port": 6379,
            "redis_decisions_tls": True, "redis_decisions_password_parameter": "redis_password",
            "redis_broker_host": "broker.example", "redis_broker_port": 6380,
            "redis_broker_tls": False, "redis_broker_password_parameter": "",
            "mysql_host": "db.example", "mysql_port": 3306, "mysql_database": "coupons",
            "mysql_tls": True, "mysql_admin_user": "admin",
            "mysql_admin_password_parameter": "mysql_admin_password",
            "app_version": "1a2b3c",
            **{f"vault_{name}": secrets.token_urlsafe(40) for name in SECRETS},
        },
        "children": {
            "bastion": {"hosts": {"jump": {"private_ip": "10.0.0.5"}}},
            "api": {"hosts": {f"api-{n}": {"private_ip": f"10.0.1.{n}"} for n in (1, 2)}},
            "consumer": {"hosts": {f"con-{n}": {"private_ip": f"10.0.2.{n}"} for n in (1, 2)}},
            "monitor": {"hosts": {"mon": {"private_ip": "10.0.3.1"}}},
        },
    }
}  # fmt: skip

# Renders templates with the defaults of all roles: one file of JSON per host.
RENDER = """
- hosts: jump:api-1:con-1
  gather_facts: false
  vars_files: {variables}
  vars:
    templates: {templates}
  tasks:
    - copy:
        content: >-
          {{% set all = {{}} %}}{{% for file in templates %}}
          {{{{ all.update({{file | basename: lookup('template', file)}}) or '' }}}}
          {{% endfor %}}{{{{ all | to_json }}}}
        dest: "{folder}/{{{{ inventory_hostname }}}}.json"
        mode: "0600"
"""


def run_ansible(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_NOCOLOR": "1",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    return subprocess.run(
        [sys.executable, "-m", "ansible", *words],
        cwd=ANSIBLE, env=environment, capture_output=True, text=True,
    )  # fmt: skip


class Rendered:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def rendered_text(self, host: str, template: str) -> str:
        said = json.loads((self._folder / f"{host}.json").read_text())
        return str(said[f"{template}.j2"])

    def rendered_settings(self, host: str) -> dict[str, str]:
        lines = re.findall(r"^(\w+)='([^']*)'$", self.rendered_text(host, "app.env"), re.M)
        return dict(lines)


@pytest.fixture(scope="module")
def rendered_hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rendered]:
    """Templates of all roles, rendered for every host of an inventory like production's."""
    folder = tmp_path_factory.mktemp("rendered")
    (folder / "hosts.yml").write_text(json.dumps(INVENTORY))
    roles = ANSIBLE / "roles"
    variables = sorted([*roles.glob("*/defaults/**/*.yml"), *roles.glob("*/vars/*.yml")])
    (folder / "render.yml").write_text(
        RENDER.format(
            folder=folder,
            variables=json.dumps([str(file) for file in variables]),
            templates=json.dumps([str(file) for file in TEMPLATES]),
        )
    )
    done = run_ansible(
        "playbook", "-i", str(folder / "hosts.yml"), str(folder / "render.yml"),
        "-e", "coupon_api_workers=2", "-e", "coupon_consumer_processes=2",  # no facts are gathered
        "-e", "coupon_secrets_from=vault", "-e", "coupon_in_container=false",
        folder=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    yield Rendered(folder)


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_a_playbook_can_be_read(name: str, tmp_path: Path) -> None:
    done = run_ansible("playbook", "--syntax-check", f"{name}.yml", folder=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.long
def test_ansible_lint_finds_nothing_by_the_production_profile() -> None:
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["ansible-lint", "--nocolor"], cwd=ANSIBLE, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("role", sorted(p.name for p in (ANSIBLE / "roles").iterdir()))
def test_every_default_of_a_role_is_specified_and_explained(role: str) -> None:
    folder = ANSIBLE / "roles" / role
    if role == "coupon":  # shared by all, explained where it stands
        return
    defaults = yaml.safe_load((folder / "defaults" / "main.yml").read_text())
    specs = yaml.safe_load((folder / "meta" / "argument_specs.yml").read_text())
    options = specs["argument_specs"]["main"]["options"]
    assert set(defaults) == set(options)
    assert all(option["description"] for option in options.values())
    assert all(name.startswith(f"{role}_") for name in defaults)


def test_the_settings_name_both_redis_endpoints_and_mysql_with_its_authority(
    rendered_hosts: Rendered,
) -> None:
    said = rendered_hosts.rendered_settings("api-1")
    password = INVENTORY["all"]["vars"]["vault_redis_password"]
    assert said["REDIS_URL"] == (
        f"rediss://:{password}@store.example:6379/0?ssl_cert_reqs=required"
    )
    assert said["CELERY_BROKER_URL"] == "redis://broker.example:6380/0"
    assert said["DATABASE_URL"].endswith(
        "@db.example:3306/coupons?ssl-ca=/etc/ssl/certs/coupon-mysql.pem&ssl_mode=VERIFY_IDENTITY"
    )
    assert said["ALLOWED_HOSTS"] == "lb.example,10.0.1.1"
    assert re.fullmatch(r"k1:[0-9a-f]{64}", said["COUPON_KEYS"])


KEYS = """
- hosts: api-1
  gather_facts: false
  vars_files: {variables}
  tasks:
    - copy:
        content: "{{{{ app_settings_files | map(attribute='path') | to_json }}}}"
        dest: "{folder}/written.json"
        mode: "0600"
    - template: {{src: "{template}", dest: "{folder}/app.env", mode: "0600"}}
"""


def test_public_keys_are_named_for_what_is_in_them_so_a_candidate_touches_none_in_use(
    tmp_path: Path,
) -> None:
    (tmp_path / "hosts.yml").write_text(json.dumps(INVENTORY))
    keys, roles = tmp_path / "jwks.json", ANSIBLE / "roles"
    variables = sorted([*roles.glob("*/defaults/**/*.yml"), *roles.glob("*/vars/*.yml")])
    (tmp_path / "keys.yml").write_text(
        KEYS.format(
            folder=tmp_path, variables=json.dumps([str(file) for file in variables]),
            template=roles / "app/templates/app.env.j2",
        )
    )  # fmt: skip
    named = set()
    for content in ('{"keys": []}', '{"keys": [1]}'):
        keys.write_text(content)
        done = run_ansible(
            "playbook", "-i", str(tmp_path / "hosts.yml"), str(tmp_path / "keys.yml"),
            "-e", "coupon_api_workers=2", "-e", "coupon_consumer_processes=2",
            "-e", "coupon_secrets_from=vault", "-e", f"app_jwt_jwks={keys}", folder=tmp_path,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:]
        [name] = re.findall(r"^JWT_JWKS_FILE='(.*)'$", (tmp_path / "app.env").read_text(), re.M)
        assert name in json.loads((tmp_path / "written.json").read_text())
        named.add(name)
    assert len(named) == 2


def test_the_readiness_board_is_told_what_the_inventory_plans(rendered_hosts: Rendered) -> None:
    for host in ("api-1", "con-1"):
        said = rendered_hosts.rendered_settings(host)
        assert (said["PLANNED_API_HOSTS"], said["PLANNED_CONSUMER_HOSTS"]) == ("2", "2")
        assert (
            said["CONNECTIONS_PER_API_HOST"] == "48"
        )  # two processes of sixteen threads, and the operators' door
        assert said["CONNECTIONS_PER_CONSUMER_HOST"] == "4"
        assert said["WARM_UP_URLS"] == "http://10.0.1.1:8080,http://10.0.1.2:8080"


def test_only_hosts_that_read_tokens_know_the_shops_secret(rendered_hosts: Rendered) -> None:
    api, consumer = (
        rendered_hosts.rendered_settings("api-1"),
        rendered_hosts.rendered_settings("con-1"),
    )
    assert "JWT_HS256_SECRET" in api
    assert "READS_TOKENS" not in api
    assert "JWT_HS256_SECRET" not in consumer
    assert consumer["READS_TOKENS"] == "no"


def test_production_starts_with_these_settings(rendered_hosts: Rendered) -> None:
    code = "from config import settings; print(settings.PRODUCTION)"
    for host in ("api-1", "con-1"):
        environment = {"PATH": os.environ["PATH"]} | rendered_hosts.rendered_settings(host)
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True
        )
        assert done.stdout.strip() == "True", done.stderr


def test_every_setting_that_is_written_is_one_that_is_read(rendered_hosts: Rendered) -> None:
    known = set(re.findall(r"^#?([A-Z_0-9]+)=", (ROOT / ".env.example").read_text(), re.M))
    assert (
        set(rendered_hosts.rendered_settings("api-1"))
        | set(rendered_hosts.rendered_settings("con-1"))
        <= known
    )


def test_no_secret_stands_in_a_unit_or_a_script(rendered_hosts: Rendered) -> None:
    values = [INVENTORY["all"]["vars"][f"vault_{name}"] for name in SECRETS]
    for file in TEMPLATES:
        if file.name != "app.env.j2":
            text = rendered_hosts.rendered_text("con-1", file.stem)
            assert not any(value in text for value in values), file.name


def test_a_worker_has_time_for_its_batch_and_is_asked_first(rendered_hosts: Rendered) -> None:
    unit = rendered_hosts.rendered_text("con-1", "coupon-worker.service")
    for line in ("TimeoutStopSec=90", "KillMode=mixed", "RestartSec=2"):
        assert line in unit.splitlines()
    common = rendered_hosts.rendered_text("con-1", "units.conf").splitlines()
    assert {"Restart=always", "Type=exec"} <= set(common)


def test_flower_listens_on_the_private_address(rendered_hosts: Rendered) -> None:
    assert "--address 10.0.2.1 --port 5555" in rendered_hosts.rendered_text(
        "con-1", "coupon-flower.service"
    )


def test_the_firewall_opens_what_the_roles_need_and_no_more(rendered_hosts: Rendered) -> None:
    rule = re.compile(r"^\s*(.*)tcp dport (\d+) accept$", re.M)
    opened = {
        host: rule.findall(rendered_hosts.rendered_text(host, "nftables.conf"))
        for host in ("jump", "api-1", "con-1")
    }
    private = "ip saddr { 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 } "
    monitor = "ip saddr { 10.0.3.1 } "
    operators = private.replace("{ ", "{ 127.0.0.0/8, ")
    assert opened == {
        "jump": [("", "22"), (monitor, "9100")],
        "api-1": [
            (private, "22"),
            ("", "8080"),
            (operators, "8090"),
            (monitor, "8405"),
            (monitor, "9100"),
        ],
        "con-1": [(private, "22"), ("", "8081"), (monitor, "9100")],
    }
    assert "policy drop" in rendered_hosts.rendered_text("con-1", "nftables.conf")


def test_agents_are_never_forwarded_and_only_the_bastion_is_jumped_through(
    rendered_hosts: Rendered,
) -> None:
    for host in ("jump", "api-1"):
        said = rendered_hosts.rendered_text(host, "sshd.conf").splitlines()
        assert {
            "AllowAgentForwarding no",
            "PasswordAuthentication no",
            "PermitRootLogin no",
        } <= set(said)
    assert "AllowTcpForwarding yes" in rendered_hosts.rendered_text("jump", "sshd.conf")
    assert "PermitOpen localhost:* 127.0.0.1:* 10.0.1.1:*" in rendered_hosts.rendered_text(
        "api-1", "sshd.conf"
    )


def test_tasks_that_handle_secrets_say_nothing_of_them() -> None:
    for file in (ANSIBLE / "roles").glob("*/tasks/*.yml"):
        for task in _flat(yaml.safe_load(file.read_text()) or []):
            if "coupon_secret_" in json.dumps({k: v for k, v in task.items() if k != "block"}):
                assert task.get("no_log"), (file, task["name"])


def _flat(tasks: list[dict[str, Any]], quiet: bool = False) -> Iterator[dict[str, Any]]:
    for task in tasks:
        silent = bool(task.get("no_log", quiet))
        yield task | {"no_log": silent}
        yield from _flat(task.get("block", []), silent)
