"""A cache's token is exchanged without a moment in which the secret isn't accepted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provisioning import cli
from provisioning.__main__ import run_command
from provisioning.model import Key
from provisioning.resources.cache_token import rotate_token, settle_token
from tests.provisioning import specs
from tests.provisioning.command_line import emptied_cloud

pytestmark = pytest.mark.slow

STORE = Key("cache-group", "coupon-store")
PATH = "/coupon/production/secrets/coupon-store-auth-token"
WAITING = "/coupon/production/rotation/coupon-store"


def token(rig: Any) -> str:
    answer = rig.cloud.ssm.get_parameter(Name=PATH, WithDecryption=True)
    return str(answer["Parameter"]["Value"])


@pytest.fixture(autouse=True)
def token_rig(production_rig: Any) -> None:
    """Its caches have a token; users' passwords: test_cache_users.py."""
    spec = production_rig.spec
    caches = tuple(replace(cache, access="token") for cache in spec.caches)
    production_rig.use_spec(replace(spec, caches=caches))


@pytest.fixture
def call(production_rig: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.setattr(cli, "connect_cloud", lambda spec, **_: emptied_cloud(production_rig, spec))
    production_rig.build()
    file = specs.write_spec("production", tmp_path)
    Path(file).write_text(specs.token_text("production"))
    return lambda *words: run_command(["rotate", "--env", file, *words])


def test_both_tokens_until_it_is_finished(
    production_rig: Any, call: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    before = token(production_rig)
    assert call("coupon-store", "--finish") == 1
    assert "No rotation of coupon-store has begun" in capsys.readouterr().err
    assert call("coupon-store") == 0
    after = token(production_rig)
    assert after != before
    assert len(after) == len(before)
    assert "rotate coupon-store --finish" in capsys.readouterr().err
    assert call("coupon-store") == 0
    assert "ModifyReplicationGroup" not in production_rig.cloud.writes, "it is not finished yet"
    assert call("coupon-store", "--finish") == 0
    assert token(production_rig) == after
    assert call("coupon-store", "--finish") == 1, "finished already"
    shown = "".join(capsys.readouterr())
    assert before not in shown
    assert after not in shown
    assert production_rig.compute_plan().changes == ()


@pytest.mark.parametrize("writes", [1, 2, 3])
def test_a_killed_run_is_continued_and_rotates_once(
    production_rig: Any, killed_exception: type[BaseException], monkeypatch: pytest.MonkeyPatch,
    writes: int,
) -> None:  # fmt: skip
    """ROTATE keeps one earlier token: a second one would lock out the hosts."""
    production_rig.build()
    cloud, found = production_rig.cloud, production_rig.find_all()[STORE]
    before, seen = token(production_rig), []

    def die(name: str) -> None:
        seen.append(name)
        if len(seen) == writes:
            raise killed_exception(name)

    monkeypatch.setattr(cloud, "_on_write", die)
    with pytest.raises(killed_exception):
        rotate_token(cloud, found, PATH, length=64)
    while not production_rig.find_all()[STORE].ready:
        pass
    rotate_token(cloud, found, PATH, length=64)
    assert seen.count("ModifyReplicationGroup") == 1
    assert token(production_rig) != before
    settle_token(cloud, found, PATH)
    names = [p["Name"] for p in cloud.ssm.describe_parameters()["Parameters"]]
    assert WAITING not in names


def test_what_has_no_token_is_refused(call: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("coupon-production-db") == 1
    assert "Known: coupon-broker, coupon-store." in capsys.readouterr().err


def test_16_10_destroy_in_the_middle_of_a_rotation_leaves_nothing(
    production_rig: Any, call: Any, tmp_path: Path
) -> None:
    assert call("coupon-store") == 0
    words = ["--env", str(tmp_path / "production.toml"), "--yes", "--skip-final-snapshot"]
    assert run_command(["destroy", *words]) == 0
    assert production_rig.cloud.ssm.describe_parameters()["Parameters"] == []


def test_16_10_a_sleeping_environment_rotates_nothing(
    production_rig: Any, call: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Its hosts could not get the new token."""
    before = token(production_rig)
    assert run_command(["sleep", "--env", str(tmp_path / "production.toml"), "--yes"]) == 0
    for words in (["coupon-store"], ["coupon-store", "--finish"]):
        assert call(*words) == 1
        assert "Run wake first" in capsys.readouterr().err
    assert token(production_rig) == before
