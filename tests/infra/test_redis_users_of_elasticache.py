"""Where the inventory says that a store has users, each host has its own name and password there:
the one that provisioning gave the user, and never what it is drawn from."""

from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from provisioning.resources.cache_users import user_password
from tests.infra import templating
from tests.infra.drawn_secrets import NAMES, SITE

APP = templating.ANSIBLE / "roles/app/templates/app.env.j2"
EXPORTERS = templating.ANSIBLE / "roles/monitoring/tasks/exporters.yml"
STORE, BROKER = "s" * 64, "b" * 64
TWO_CACHES = SITE | {
    **{f"vault_{name}": "x" * 40 for name in NAMES},
    "coupon_secret_redis_decisions": STORE, "coupon_secret_redis_broker": BROKER,
}  # fmt: skip


def settings_of(role: str, **inventory: Any) -> dict[str, str]:
    text = templating.render_template(
        f"{{{{ lookup('ansible.builtin.template', '{APP}') }}}}",
        TWO_CACHES | {"group_names": [role]} | inventory,
    )
    lines = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {name: value.strip("'") for name, _, value in lines}


def login(url: str) -> tuple[str | None, str | None]:
    parts = urlsplit(url)
    return parts.username, parts.password


@pytest.mark.parametrize(("role", "user"), [("api", "web"), ("consumer", "worker")])
def test_each_kind_of_host_is_its_own_user_of_both_stores(role: str, user: str) -> None:
    settings = settings_of(role, redis_decisions_users=True, redis_broker_users=True)
    assert login(settings["REDIS_URL"]) == (user, user_password(STORE, user))
    assert login(settings["CELERY_BROKER_URL"]) == (user, user_password(BROKER, user))
    assert STORE not in str(settings)
    assert BROKER not in str(settings)


def test_a_store_that_moves_later_keeps_its_token_meanwhile() -> None:
    settings = settings_of("api", redis_decisions_users=True, redis_broker_users=False)
    assert login(settings["REDIS_URL"]) == ("web", user_password(STORE, "web"))
    assert login(settings["CELERY_BROKER_URL"]) == ("", BROKER)
    before = settings_of("api")  # an inventory of an earlier release
    assert login(before["REDIS_URL"]) == ("", STORE)


@pytest.mark.parametrize("users", [True, False])
def test_the_exporter_is_the_user_metrics(users: bool) -> None:
    tasks = yaml.safe_load(EXPORTERS.read_text())
    files = next(task["coupon_files"]["files"] for task in tasks if "coupon_files" in task)
    content = next(one["content"] for one in files if one["path"].endswith("redis-exporter"))
    text = templating.render_template(content, TWO_CACHES | {"redis_decisions_users": users})
    name, password = ("metrics", user_password(STORE, "metrics")) if users else ("", STORE)
    assert f"REDIS_USER='{name}'" in text
    assert f"REDIS_PASSWORD='{password}'" in text
