"""`make run` with a Redis or a broker that can't be used: one sentence that names the setting."""

from pathlib import Path

import pytest
import redis

from tests.development.laptop import Laptop
from tests.harness import servers

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["REDIS_URL", "CELERY_BROKER_URL"])
def test_a_redis_that_is_not_there_is_named_by_its_setting(fresh_laptop: Laptop, name: str) -> None:
    status, said = fresh_laptop.refused_run(**{name: "redis://:secret@127.0.0.1:1/0"})
    assert status == 1
    *_, line = said.splitlines()
    assert line.startswith(f"No Redis answers at 127.0.0.1:1 (from {name})")
    assert "secret" not in said
    assert "Traceback" not in said


@pytest.mark.parametrize("name", ["REDIS_URL", "CELERY_BROKER_URL"])
def test_a_password_that_a_redis_refuses_is_named_by_its_setting(
    fresh_laptop: Laptop, tmp_path: Path, name: str
) -> None:
    with servers.start_redis(tmp_path / "redis") as url:
        with redis.Redis.from_url(url) as client:
            client.config_set("requirepass", "right")
        status, said = fresh_laptop.refused_run(**{name: url.replace("://", "://:wrong@")})
        assert status == 1
    *_, line = said.splitlines()
    assert line.endswith(f"(from {name}): it refuses this user and password.")
    assert "wrong@" not in said


@pytest.mark.parametrize("name", ["REDIS_URL", "CELERY_BROKER_URL"])
@pytest.mark.parametrize("url", ["amqp://127.0.0.1/", "http://127.0.0.1:1/0", "127.0.0.1:6379"])
def test_a_url_of_another_scheme_is_refused(fresh_laptop: Laptop, name: str, url: str) -> None:
    status, said = fresh_laptop.refused_run(**{name: url})
    assert status == 2
    (line,) = said.splitlines()
    assert line.startswith(f"{name} is no address of a store: it begins with none of redis://")
    assert not (fresh_laptop.folder / "var").exists()


def test_an_option_that_no_redis_has_is_named_by_its_setting(fresh_laptop: Laptop) -> None:
    status, said = fresh_laptop.refused_run(CELERY_BROKER_URL="redis://127.0.0.1:1/0?nosuch=1")
    assert status == 1
    assert said.splitlines()[-1].startswith("No Redis answers at 127.0.0.1:1 (from CELERY")
