"""Templates of all roles, rendered for every host of an inventory like production's."""

import json
import os
import re
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
ANSIBLE = ROOT / "ansible"
TEMPLATES = sorted(
    file
    for role in ("common", "app", "api", "consumer", "front")
    for file in (ANSIBLE / "roles" / role / "templates").glob("*.j2")
)
SECRETS = (
    "django_secret_key", "coupon_code_key", "user_token_key", "flower_password",
    "database_app_password", "mysql_admin_password", "redis_password",
)  # fmt: skip
SITE: dict[str, Any] = {
    "coupon_environment": "test", "coupon_secrets_from": "vault", "app_version": "1a2b3c",
    "redis_decisions_host": "store.example", "redis_decisions_port": 6379,
    "redis_decisions_tls": True, "redis_decisions_password_parameter": "redis_password",
    "redis_broker_host": "broker.example", "redis_broker_port": 6380, "redis_broker_tls": False,
    "mysql_host": "db.example", "mysql_port": 3306, "mysql_database": "coupons",
    "mysql_tls": True, "mysql_admin_password_parameter": "mysql_admin_password",
}  # fmt: skip
INVENTORY: dict[str, Any] = {
    "all": {
        "vars": SITE | {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "load_balancer_host": "lb.example",
            "redis_broker_password_parameter": "", "mysql_admin_user": "admin",
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
        cwd=ANSIBLE, env=environment, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip


class Rendered:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def rendered_text(self, host: str, template: str) -> str:
        texts = json.loads((self._folder / f"{host}.json").read_text())
        return str(texts[f"{template}.j2"])

    def rendered_settings(self, host: str) -> dict[str, str]:
        lines = re.findall(r"^(\w+)='([^']*)'$", self.rendered_text(host, "app.env"), re.M)
        return dict(lines)


def render_all_roles(folder: Path) -> Rendered:
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
    return Rendered(folder)
