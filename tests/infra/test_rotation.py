"""Rotation of secrets: where they are kept, and in which order hosts accept and use the values."""

import base64
import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from tests.infra import templating
from tests.infra.drawn_secrets import SITE
from tests.infra.environment_file import parse_env_file
from tests.infra.rendered_roles import run_ansible

ROTATED = ("django_secret_key", "user_token_key", "coupon_code_key")
OLD, NEW = "o" * 64, "n" * 64


def loaded_module(name: str) -> ModuleType:
    file = templating.ANSIBLE / "plugins" / "modules" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATION = loaded_module("coupon_generation")


def test_a_killed_exchange_is_completed_by_the_next_run() -> None:
    begun = GENERATION.exchanged_values([OLD], step="begin", keeps_all=False)
    assert begun[1:] == [OLD]
    assert GENERATION.DRAWN.fullmatch(begun[0])
    assert GENERATION.exchanged_values(begun, step="begin", keeps_all=False) == begun
    assert GENERATION.exchanged_values(begun, step="finish", keeps_all=False) == begun[:1]
    revoked = GENERATION.exchanged_values(begun, step="revoke", keeps_all=False)
    assert len(revoked) == 1
    assert revoked[0] not in begun
    keys = GENERATION.exchanged_values(begun, step="begin", keeps_all=True)
    assert keys[1:] == begun, "codes need every key"


def exchange(place: Path, folder: Path, **given: Any) -> dict[str, Any]:
    """The result of the module, run by Ansible on this machine."""
    arguments = {"kept": "file", "place": str(place), "step": "begin"} | given
    play = {
        "hosts": "localhost", "connection": "local", "gather_facts": False,
        "tasks": [{"coupon_generation": arguments}],
    }  # fmt: skip
    (folder / "play.yml").write_text(json.dumps([play]))
    done = run_ansible("playbook", str(folder / "play.yml"), folder=folder)
    [task] = json.loads(done.stdout)["plays"][0]["tasks"]
    return dict(task["hosts"]["localhost"])


def files_of(folder: Path, value: str) -> Path:
    kept = folder / "secrets"
    kept.mkdir(exist_ok=True)
    for name in (*ROTATED, "flower_password", "database_app_password", "redis_password"):
        (kept / name).write_text((value if name in ROTATED else "p" * 40) + "\n")
    return kept


def settings_of(kept: Path, **given: Any) -> dict[str, str]:
    """A host's settings file, as its services read it."""
    template = templating.ANSIBLE / "roles" / "app" / "templates" / "app.env.j2"
    variables = SITE | given | {
        "coupon_secrets_from": "file", "coupon_secrets_folder": str(kept),
    }  # fmt: skip
    call = f"{{{{ lookup('ansible.builtin.template', '{template}') }}}}"
    return parse_env_file(templating.render_template(call, variables))


def hashed(value: str) -> str:
    return str(templating.render_template("{{ value | hash('sha256') }}", {"value": value}))


def test_hosts_accept_a_value_before_one_of_them_uses_it(tmp_path: Path) -> None:
    one = settings_of(files_of(tmp_path, OLD))
    assert (one["SECRET_KEY"], one["SECRET_KEY_FALLBACKS"]) == (OLD, "")
    assert one["COUPON_KEYS"] == f"k1:{hashed(OLD)}"
    kept = files_of(tmp_path, f"{NEW} {OLD}")
    accepted, used = settings_of(kept, coupon_newest_waits=True), settings_of(kept)
    assert (accepted["SECRET_KEY"], accepted["SECRET_KEY_FALLBACKS"]) == (OLD, NEW)
    assert (used["SECRET_KEY"], used["SECRET_KEY_FALLBACKS"]) == (NEW, OLD)
    assert accepted["COUPON_KEYS"] == f"k1:{hashed(OLD)},k2:{hashed(NEW)}", "k1 seals new ones"
    assert used["COUPON_KEYS"] == f"k2:{hashed(NEW)},k1:{hashed(OLD)}"
    assert (used["JWT_HS256_SECRET"], used["JWT_HS256_PREVIOUS"]) == (NEW, OLD)


def test_former_keys_of_the_inventory_are_accepted_as_well(tmp_path: Path) -> None:
    kept = files_of(tmp_path, f"{NEW} {OLD}")
    given = {"app_former_django_keys": ["f" * 50], "app_former_token_keys": ["g" * 50]}
    used = settings_of(kept, **given)
    assert used["SECRET_KEY_FALLBACKS"] == f"{OLD},{'f' * 50}"
    assert used["JWT_HS256_PREVIOUS"] == f"{OLD},{'g' * 50}"


@pytest.mark.slow
def test_the_module_writes_all_or_nothing_and_no_secret_into_its_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSIBLE_STDOUT_CALLBACK", "ansible.posix.json")
    place = tmp_path / "kept"
    place.write_text(OLD + "\n")
    place.chmod(0o600)
    result = exchange(place, tmp_path)
    new, old = place.read_text().split()
    assert old == OLD
    assert (result["changed"], result["values"]) == (True, 2)
    assert new not in json.dumps(result)
    assert place.stat().st_mode & 0o777 == 0o600
    assert not exchange(place, tmp_path)["changed"], "begun already"
    exchange(place, tmp_path, step="finish")
    assert place.read_text() == new + "\n"
    refused = exchange(place, tmp_path, step="revoke", keeps_all=True)
    assert "for ever" in refused["msg"]
    place.write_text("not drawn by us, with spaces\n")
    assert "by hand" in exchange(place, tmp_path)["msg"]
    assert "vault" in exchange(place, tmp_path, kept="vault")["msg"]


def restarts_redis(ran_with: str) -> bool:
    """Whether the role restarts a Redis that was started with this coupon.conf."""
    role = templating.ANSIBLE / "roles" / "redis"
    [_, handler] = yaml.safe_load((role / "handlers" / "main.yml").read_text())
    condition = handler["when"]
    for name, text in handler["vars"].items():
        value = f"({text.strip('{} ')})" if "{{" in text else repr(text)
        condition = condition.replace(name, value)
    condition = condition.replace("'coupon.conf.j2'", f"'{role}/templates/coupon.conf.j2'")
    content = base64.b64encode(ran_with.encode()).decode()
    variables = SITE | {"redis_configured": {"content": content}}
    return str(templating.render_template(f"{{{{ {condition} }}}}", variables)) == "True"


def test_redis_is_not_restarted_for_its_first_users() -> None:
    file = templating.ANSIBLE / "roles" / "redis" / "templates" / "coupon.conf.j2"
    call = f"{{{{ lookup('ansible.builtin.template', '{file}') }}}}"
    present = templating.render_template(call, SITE)
    line = "include /etc/redis/coupon-users.conf"
    assert line in present
    assert not restarts_redis(present)
    assert not restarts_redis(present.replace(line, "requirepass x")), "as it was before"
    assert restarts_redis(present.replace("port ", "port 1"))
    assert restarts_redis(""), "on a bare host"
