"""13.5: what Ansible writes into the settings of a site with TLS, without, and for trying out."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.infra.rendered_roles import ANSIBLE, INVENTORY, run_ansible

pytestmark = pytest.mark.slow

ROLES = ANSIBLE / "roles"
RENDER = """
- hosts: api-1
  gather_facts: false
  vars_files: {variables}
  tasks:
    - template: {{src: "{template}", dest: "{folder}/app.env", mode: "0600"}}
"""
NAMES = ("SECURE_SSL_REDIRECT", "PLAIN_HTTP", "SITE_CERTIFICATE", "CSRF_TRUSTED_ORIGINS")
WITH_TLS = ("yes", "", "https://lb.example", "https://lb.example")


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"load_balancer_tls": True, "plain_http": ""}, WITH_TLS),
        ({"load_balancer_tls": False, "plain_http": "for trying out"},
         ("no", "for trying out", "", "http://lb.example")),
        ({}, ("no", "", "", "http://lb.example")),  # which a deployment refuses
        ({"coupon_environment": "hello"}, ("no", "for trying out", "", "http://lb.example")),
        ({"plain_http": "for trying out", "app_tls": True}, WITH_TLS),
    ],
)  # fmt: skip
def test_13_5_tls_at_the_balancer_means_secure_cookies_a_redirect_and_a_certificate(
    overrides: dict[str, Any], expected: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "hosts.yml").write_text(json.dumps(INVENTORY))
    variables = sorted([*ROLES.glob("*/defaults/**/*.yml"), *ROLES.glob("*/vars/*.yml")])
    (tmp_path / "render.yml").write_text(
        RENDER.format(
            folder=tmp_path, variables=json.dumps([str(file) for file in variables]),
            template=ROLES / "app/templates/app.env.j2",
        )
    )  # fmt: skip
    given = {"coupon_api_workers": 2, "coupon_consumer_processes": 2,
             "coupon_secrets_from": "vault"} | overrides  # fmt: skip
    done = run_ansible(
        "playbook", "-i", str(tmp_path / "hosts.yml"), str(tmp_path / "render.yml"),
        "-e", json.dumps(given), folder=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    lines = dict(re.findall(r"^(\w+)='([^']*)'$", (tmp_path / "app.env").read_text(), re.M))
    assert tuple(lines[name] for name in NAMES) == expected
