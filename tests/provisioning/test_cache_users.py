"""Caches with a user for each kind of host: made, mended, exchanged, moved to, and removed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from provisioning import cli
from provisioning.__main__ import run_command
from provisioning.blueprint.redis_users import role_rules
from provisioning.errors import ProvisioningError
from provisioning.model import Action, Key
from provisioning.resources.access_strings import grants_the_same, is_forbidden
from provisioning.resources.cache_user_passwords import rotate_passwords, settle_passwords
from provisioning.resources.cache_users import is_in_force, user_password
from tests.provisioning import specs
from tests.provisioning.command_line import emptied_cloud

ROLE = Path(__file__).parents[2] / "ansible/roles/redis"
STORE = Key("cache-group", "coupon-store")
GROUP = Key("cache-user-group", "coupon-store-users")
PATH = "/coupon/production/secrets/coupon-store-auth-token"
ROLES = ("admin", "default", "metrics", "operator", "site", "web", "worker")


# The rules


def rendered_rules() -> dict[str, list[str]]:
    """user -> rules, of the file that the role `redis` writes, passwords and state left out."""
    plain = yaml.safe_load((ROLE / "vars/main.yml").read_text())
    environment = jinja2.Environment(autoescape=False)
    environment.filters |= {"hash": lambda text, _: text, "bool": bool}
    for _ in range(3):  # as Ansible, which renders a variable that names others
        plain = _rendered(environment, plain, plain)
    given = {**plain, "coupon_secret_redis_accepted": ["secret"], "redis_keeps_default": False}
    text = environment.from_string((ROLE / "templates/users.conf.j2").read_text()).render(given)
    lines = [line.split() for line in text.splitlines() if line.startswith("user ")]
    return {line[1]: [word for word in line[3:] if word[0] in "~%&+-"] for line in lines}


def _rendered(environment: jinja2.Environment, value: Any, known: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {name: _rendered(environment, inner, known) for name, inner in value.items()}
    return environment.from_string(value).render(known)


def test_each_user_has_the_rules_of_the_role_but_what_elasticache_forbids() -> None:
    of_the_role = rendered_rules()
    assert of_the_role.keys() == {*role_rules(), "default"}
    for user, access in role_rules().items():
        wanted = [rule for rule in of_the_role[user] if not is_forbidden(rule)]
        assert access.split() == ["on", *wanted], user


def test_elasticache_forbids_only_what_operators_look_at() -> None:
    left_out = {
        (user, rule)
        for user, rules in rendered_rules().items()
        for rule in rules
        if is_forbidden(rule)
    }
    assert left_out == {("operator", "+config|get")}


@pytest.mark.parametrize(
    ("found", "wanted", "same"),
    [
        ("on ~a -@all +get", "on ~a +get", True),
        ("on ~a -@all +get +set", "on ~a -@all +set +get", True),
        ("on ~* &* -@all +@all", "on ~* &* +@all", True),
        ("on ~a &b resetchannels -@all +get", "on ~a &b +get", True),
        ("off ~a -@all +get", "on ~a +get", False),
        ("on ~b -@all +get", "on ~a +get", False),
        ("on ~a -@all +get +set", "on ~a +get", False),
        ("on ~a -@all +get -@all", "on ~a -@all +get", False),
        ("on ~a -@all +get -get", "on ~a -@all +get", False),
    ],
)
def test_access_strings_are_compared_by_what_they_grant(
    found: str, wanted: str, same: bool
) -> None:
    assert grants_the_same(found, wanted) is same


# The environment


def with_access(rig: Any, access: str, name: str = "") -> None:
    caches = tuple(
        replace(one, access=access) if name in ("", one.name) else one for one in rig.spec.caches
    )
    rig.use_spec(replace(rig.spec, caches=caches))


def users_of(rig: Any, cache: str = "coupon-store") -> dict[str, Any]:
    """name -> AWS' description."""
    users = rig.cloud.elasticache.describe_users()["Users"]
    return {u["UserName"]: u for u in users if u["UserId"].startswith(f"{cache}-")}


def password_counts(rig: Any) -> set[int]:
    return {user["Authentication"]["PasswordCount"] for user in users_of(rig).values()}


def secret(rig: Any) -> str:
    answer = rig.cloud.ssm.get_parameter(Name=PATH, WithDecryption=True)
    return str(answer["Parameter"]["Value"])


def group_of(rig: Any) -> Any:
    groups = rig.cloud.elasticache.describe_replication_groups()["ReplicationGroups"]
    return next(one for one in groups if one["ReplicationGroupId"] == "coupon-store")


@pytest.mark.slow
def test_each_cache_has_its_users_in_a_group_and_no_token(production_rig: Any) -> None:
    production_rig.build()
    for cache in ("coupon-store", "coupon-broker"):
        users = users_of(production_rig, cache)
        assert tuple(sorted(users)) == ROLES
        assert {user["Authentication"]["Type"] for user in users.values()} == {"password"}
        assert [name for name, u in users.items() if u["AccessString"].startswith("off")] == [
            "default"
        ]
        assert users["default"]["AccessString"] == "off -@all"
    group = group_of(production_rig)
    assert group["UserGroupIds"] == ["coupon-store-users"]
    assert group["AuthTokenEnabled"] is False
    assert production_rig.compute_plan().changes == ()
    assert production_rig.destroy_all() > 0
    assert production_rig.find_all() == {}
    assert users_of(production_rig) == {}


@pytest.mark.slow
def test_rights_and_members_changed_by_hand_are_mended(production_rig: Any, state_of: Any) -> None:
    production_rig.build()
    before, client = state_of(production_rig.find_all()), production_rig.cloud.elasticache
    client.modify_user(UserId="coupon-store-web", AccessString="on ~* &* +@all")
    client.modify_user(
        UserId="coupon-store-metrics", AuthenticationMode={"Type": "no-password-required"}
    )
    while not is_in_force(production_rig.cloud, "coupon-store-web"):
        pass
    client.modify_user_group(
        UserGroupId="coupon-store-users", UserIdsToRemove=["coupon-store-worker"]
    )
    changes = production_rig.compute_plan().changes
    assert {step.key.name for step in changes} == {
        "coupon-store-web", "coupon-store-metrics", "coupon-store-users"
    }  # fmt: skip
    production_rig.apply_plan()
    assert state_of(production_rig.find_all()) == before
    assert production_rig.compute_plan().changes == ()


# Their passwords


@pytest.fixture
def call(production_rig: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.setattr(cli, "connect_cloud", lambda spec, **_: emptied_cloud(production_rig, spec))
    production_rig.build()
    file = specs.write_spec("production", tmp_path)
    return lambda *words: run_command(["rotate", "--env", file, *words])


@pytest.mark.slow
def test_users_have_both_passwords_until_it_is_finished(
    production_rig: Any, call: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    before = secret(production_rig)
    assert call("coupon-store", "--finish") == 1
    assert "No rotation of coupon-store has begun" in capsys.readouterr().err
    assert call("coupon-store") == 0
    after = secret(production_rig)
    assert after != before
    assert password_counts(production_rig) == {2}
    assert production_rig.compute_plan().changes == (), "two passwords are no drift"
    assert call("coupon-store") == 0
    assert "ModifyUser" not in production_rig.cloud.writes, "it is not finished yet"
    assert call("coupon-store", "--finish") == 0
    assert password_counts(production_rig) == {1}
    assert secret(production_rig) == after
    assert call("coupon-store", "--finish") == 1, "finished already"
    shown = "".join(capsys.readouterr())
    for name in ROLES:
        for value in (before, after):
            assert user_password(value, name) not in shown
    assert {u["Authentication"]["PasswordCount"] for u in
            users_of(production_rig, "coupon-broker").values()} == {1}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("writes", [1, 2, 5, 8, 9])
def test_a_killed_rotation_is_continued_with_the_same_passwords(
    production_rig: Any, killed_exception: Any, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    """The writes are the new secret, seven users, and the secret."""
    production_rig.build()
    found, cloud = production_rig.find_all(), production_rig.cloud
    users = [one for one in found.values() if one.id in found[GROUP].props["users"]]
    before, seen = secret(production_rig), []

    def die(name: str) -> None:
        seen.append(name)
        if len(seen) == writes:
            raise killed_exception(name)

    monkeypatch.setattr(cloud, "_on_write", die)
    with pytest.raises(killed_exception):
        rotate_passwords(cloud, found[STORE], users, PATH, length=64)
    if writes < 9:
        with pytest.raises(ProvisioningError, match="was interrupted"):
            settle_passwords(cloud, found[STORE], users, PATH)
    rotate_passwords(cloud, found[STORE], users, PATH, length=64)
    assert secret(production_rig) != before
    assert password_counts(production_rig) == {2}
    settle_passwords(cloud, found[STORE], users, PATH)
    assert password_counts(production_rig) == {1}


# From the token to users


@pytest.mark.slow
def test_a_token_gives_way_to_users_without_a_moment_without_a_password(
    production_rig: Any,
) -> None:
    with_access(production_rig, "token")
    production_rig.build()
    assert group_of(production_rig)["AuthTokenEnabled"] is True
    assert users_of(production_rig) == {}
    with_access(production_rig, "users")
    refused = {step.key: step.reason for step in production_rig.compute_plan().refusals}
    assert 'write access = "both"' in refused[STORE]
    with_access(production_rig, "both")
    production_rig.apply_plan()
    group = group_of(production_rig)
    assert (group["AuthTokenEnabled"], group["UserGroupIds"]) == (False, ["coupon-store-users"])
    default = users_of(production_rig)["default"]
    assert default["AccessString"] == "on ~* &* -@all +@all"
    assert production_rig.compute_plan().changes == ()
    with_access(production_rig, "users")
    changes = production_rig.compute_plan().changes
    assert {(step.key.name, step.action) for step in changes} == {
        ("coupon-store-default", Action.CHANGE), ("coupon-broker-default", Action.CHANGE),
    }  # fmt: skip
    production_rig.apply_plan()
    assert users_of(production_rig)["default"]["AccessString"] == "off -@all"
    assert production_rig.compute_plan().changes == ()
    with_access(production_rig, "token")
    assert "can't be a token again" in production_rig.compute_plan().refusals[0].reason


@pytest.mark.slow
def test_a_token_in_rotation_gives_way_to_nothing(production_rig: Any) -> None:
    """Hosts may have the former, which would end with it."""
    with_access(production_rig, "token")
    production_rig.build()
    production_rig.cloud.ssm.put_parameter(
        Name="/coupon/production/rotation/coupon-store", Value="n" * 64, Type="SecureString"
    )
    with_access(production_rig, "both")
    with pytest.raises(ProvisioningError, match="is being rotated"):
        production_rig.apply_plan()
    assert group_of(production_rig)["AuthTokenEnabled"] is True


@pytest.mark.long
def test_the_move_killed_after_each_write_and_applied_again(
    production_rig: Any, killed_exception: Any, state_of: Any
) -> None:
    with_access(production_rig, "token")
    production_rig.build()
    with_access(production_rig, "both")
    for _ in range(60):
        try:
            if production_rig.apply_plan(at_once=1, die_after=1) == 0:
                break
        except killed_exception:
            continue
    assert production_rig.compute_plan().changes == ()
    assert users_of(production_rig).keys() == set(ROLES)
