"""A playbook refuses secrets that a settings file can't hold, before it contacts a host, and
shows no part of them."""

import json
from pathlib import Path

import pytest
import yaml

from tests.infra import templating
from tests.infra.drawn_secrets import (
    NAMES,
    NASTY,
    SITE,
    run_playbook,
    shares_with,
)

pytestmark = pytest.mark.slow


def check_vault(folder: Path, vault: str, *options: str) -> str:
    """Ansible's output if it refuses the vault; empty if it accepts it."""
    known = {"groups", "hostvars", "group_names", "playbook_dir"}
    site_variables = {name: value for name, value in SITE.items() if name not in known}
    site_variables["ansible_host"] = NOBODY
    (folder / "hosts.yml").write_text(
        json.dumps({"all": {"hosts": {"h": None}, "vars": site_variables}})
    )
    (folder / "vault.yml").write_text(vault)
    done = run_playbook(folder, "-vvv", "-i", str(folder / "hosts.yml"), *options, "judge.yml")
    return "" if done.returncode == 0 else done.stdout + done.stderr


NOBODY = "192.0.2.1"


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (json.dumps("half a secret\nanother half"), "redis_password"),
        ("|\n  a block of text that ends in a line\n", "redis_password"),
        ("12345678901234567890", "vault_redis_password"),
        ("yes", "vault_redis_password"),
        ("1_000.5", "vault_redis_password"),
        (json.dumps("{{ drawn as it is }}"), "vault_redis_password"),
        (json.dumps("{{ lookup('nothing', 'of use') }}"), "vault_redis_password"),
    ],
)
def test_a_playbook_refuses_it_before_it_asks_a_host(
    tmp_path: Path, value: str, named: str
) -> None:
    output = check_vault(tmp_path, f"vault_redis_password: {value}\n")
    assert named in output
    secret = value.strip("\"'|\n ")
    assert not shares_with(output, secret, least=min(12, len(secret)))
    assert NOBODY not in output  # no host was contacted


def test_settings_of_one_s_own_are_judged_by_name(tmp_path: Path) -> None:
    given = {"app_settings": {"OTEL_EXPORTER_OTLP_HEADERS": "key=half\nand half"}}
    output = check_vault(tmp_path, "{}", "-e", json.dumps(given))
    assert "OTEL_EXPORTER_OTLP_HEADERS holds a line break" in output
    for name in ("app_former_django_keys", "app_former_token_keys"):
        former = {name: ["fine", "half\nand half"]}
        output = check_vault(tmp_path, "{}", "-e", json.dumps(former))
        assert f"{name} holds a line break" in output


def test_a_vault_that_is_fine_passes_without_a_word_of_it(tmp_path: Path) -> None:
    nasty = yaml.safe_dump({f"vault_{name}": NASTY for name in NAMES})
    assert check_vault(tmp_path, nasty) == ""


@pytest.mark.parametrize("playbook", ["site", "deploy", "stores"])
def test_a_playbook_that_writes_secrets_judges_them_first(playbook: str) -> None:
    first = yaml.safe_load((templating.ANSIBLE / f"{playbook}.yml").read_text())[0]
    assert first["ansible.builtin.import_playbook"] == "judge.yml"
