"""The settings files that the roles render: their contents, and that the product
starts with them."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.infra.rendered_roles import (
    ANSIBLE,
    INVENTORY,
    ROOT,
    Rendered,
    run_ansible,
)

pytestmark = pytest.mark.slow


def test_the_settings_name_both_redis_endpoints_and_mysql_with_its_authority(
    rendered_hosts: Rendered,
) -> None:
    settings = rendered_hosts.rendered_settings("api-1")
    password = INVENTORY["all"]["vars"]["vault_redis_password"]
    assert settings["REDIS_URL"] == (
        f"rediss://:{password}@store.example:6379/0?ssl_cert_reqs=required"
        "&ssl_ca_certs=/etc/ssl/certs/coupon-redis.pem"
    )
    assert settings["CELERY_BROKER_URL"] == "redis://broker.example:6380/0"
    assert settings["DATABASE_URL"].endswith(
        "@db.example:3306/coupons?ssl-ca=/etc/ssl/certs/coupon-mysql.pem&ssl_mode=VERIFY_IDENTITY"
    )
    assert settings["ALLOWED_HOSTS"] == "lb.example,10.0.1.1"
    assert settings["ADMIN_URL"] == settings["CSRF_TRUSTED_ORIGINS"].split(",")[0]
    assert re.fullmatch(r"k1:[0-9a-f]{64}", settings["COUPON_KEYS"])


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
        settings = rendered_hosts.rendered_settings(host)
        assert (settings["PLANNED_API_HOSTS"], settings["PLANNED_CONSUMER_HOSTS"]) == ("2", "2")
        assert (
            settings["CONNECTIONS_PER_API_HOST"] == "80"
        )  # two processes of sixteen threads, the doors of merchants, pages and operators
        assert settings["CONNECTIONS_PER_CONSUMER_HOST"] == "10"
        assert settings["WARM_UP_URLS"] == "http://10.0.1.1:8080,http://10.0.1.2:8080"


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
