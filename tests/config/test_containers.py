"""compose.yaml says what config/README.md's table of services, the command lines of `make run` and
the systemd units say."""

import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis

from config import env
from config.containers import new_settings, render
from config.development.process import commands
from config.env_files import read_env_file
from config.metrics import multiprocess
from config.worker import process
from tests.containers.compose_file import Service, read_composition, seconds
from tests.harness.servers import free_port, is_listening, start_process

ROOT = env.BASE_DIR
SITE = read_composition({}).services
# The table's names, and the services of compose.yaml.
NAMES = {
    "users' door": "users",
    "merchants' door": "merchants",
    "pages' door": "pages",
    "operators' door": "operators",
    "worker": "worker",
    "webhooks": "webhooks",
    "consumer": "consumer",
    "beat": "beat",
}
BESIDE = {"database", "redis", "broker", "migrate", "api", "host", "front"}
OF_MAKE_RUN = {
    "users": commands.web_command(8180, workers=commands.WEB_WORKERS),
    "merchants": commands.web_command(8182),
    "pages": commands.web_command(8183),
    "operators": commands.web_command(8190),
    "worker": commands.worker_command(pool=commands.POOL),
    "webhooks": commands.webhook_worker_command(),
    "consumer": commands.consumer_command(),
    "beat": commands.beat_command(),
}
# What a service has beyond `make run`, as its unit has it; and the one value that may differ.
# Behind a front, which `make run` has not.
GRANIAN = {
    "--workers-kill-timeout": "30",
    "--log-config": "config/granian.json",
    "--http1-header-read-timeout": "60000",
}
BEYOND = {"users": GRANIAN, "merchants": GRANIAN, "pages": GRANIAN, "operators": GRANIAN}
OTHER_VALUES = {"worker": {"--loglevel"}, "webhooks": {"--loglevel"}}


def table() -> dict[str, str]:
    """Service → its row in config/README.md."""
    rows = re.findall(
        r"^\| ([a-z' ]+) \| (.*`.*) \|$", (ROOT / "config/README.md").read_text(), re.M
    )
    return {NAMES[name]: row for name, row in rows if name in NAMES}


def options_of(command: list[str]) -> tuple[list[str], dict[str, str]]:
    """A command's words, and its options with their values, however they are joined."""
    words, options = list[str](), dict[str, str]()
    rest = iter(command)
    for word in rest:
        name, joined, value = word.partition("=")
        if not word.startswith("-"):
            words.append(word)
        elif joined or name.startswith("--no-") or name.startswith("--without") or name in FLAGS:
            options[name] = value
        else:
            options[name] = next(rest)
    return words, options


FLAGS = {"--respawn-failed-workers"}


def unit(role: str, name: str) -> str:
    return (ROOT / f"ansible/roles/{role}/templates/{name}.service.j2").read_text()


def test_it_has_the_services_of_the_table_and_what_they_need() -> None:
    assert set(SITE) == {*NAMES.values(), *BESIDE}
    assert set(table()) == set(NAMES.values())


@pytest.mark.parametrize("name", NAMES.values())
def test_a_service_runs_the_command_of_make_run(name: str) -> None:
    words, options = options_of(SITE[name].definition["command"][1:])
    expected_words, expected = options_of(OF_MAKE_RUN[name][1:])
    assert words == expected_words
    free = OTHER_VALUES.get(name, set())
    assert {key: value for key, value in options.items() if key not in free} == {
        key: value for key, value in (expected | BEYOND.get(name, {})).items() if key not in free
    }
    assert set(options) >= free


@pytest.mark.parametrize("name", NAMES.values())
def test_a_service_runs_the_command_of_the_table(name: str) -> None:
    row = table()[name]
    command = " ".join(SITE[name].definition["command"][2:]).replace("=", " ")
    documented = re.findall(r"`([^`]+)`", row)[0] if "the same" not in row else ""
    for word in documented.replace("python -m ", "").split():
        assert word in command.split(), f"{word} is not in: {command}"
    for setting in re.findall(r"`([A-Z_]+)=([^`]+)`", row):
        assert SITE[name].definition["environment"][setting[0]] == setting[1]


@pytest.mark.parametrize("name", SITE)
def test_a_service_is_confined(name: str) -> None:
    definition = SITE[name].definition
    assert definition["read_only"] is True
    assert definition["user"] == "10001:10001"
    assert definition["cap_drop"] == ["ALL"]
    assert definition["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in definition


@pytest.mark.parametrize("name", sorted(set(SITE) - {"migrate", "api", "host"}))
def test_a_service_has_a_health_check(name: str) -> None:
    assert SITE[name].definition["healthcheck"]["test"]
    assert SITE[name].definition["restart"] == "always"


@pytest.mark.parametrize(
    ("name", "role", "template", "default"),
    [
        ("users", "api", "coupon-api", "api_stop_s"),
        ("merchants", "api", "coupon-merchants", "api_stop_s"),
        ("pages", "api", "coupon-pages", "api_stop_s"),
        ("operators", "api", "coupon-operators", "api_stop_s"),
        ("worker", "consumer", "coupon-worker", "consumer_stop_s"),
        ("webhooks", "consumer", "coupon-webhooks", "consumer_webhook_stop_s"),
        ("consumer", "consumer", "coupon-consumer", ""),
        ("beat", "consumer", "coupon-beat", ""),
    ],
)
def test_a_service_may_stop_as_long_as_its_unit(
    name: str, role: str, template: str, default: str
) -> None:
    given = re.search(r"TimeoutStopSec=(.*)", unit(role, template))
    assert given
    limit = render.role_variables(role)[default] if default else int(given[1])
    assert SITE[name].grace_s == limit


def test_the_front_has_longer_than_it_lets_requests_finish() -> None:
    assert SITE["front"].grace_s > render.role_variables("front")["front_stop_s"]


def test_doors_are_reached_through_the_front_only() -> None:
    assert {name for name, one in SITE.items() if "ports" in one.definition} == {"api"}
    for name in ("users", "merchants", "pages", "operators"):
        assert "--host=127.0.0.1" in SITE[name].definition["command"]
        assert SITE[name].joins == SITE["front"].joins == {"api"}
    doors = render.front_variables([])["front_doors"]
    assert [door["to"] for door in doors] == ["127.0.0.1:8180", "127.0.0.1:8182", "127.0.0.1:8190"]
    assert doors[0]["pages"]["to"] == "127.0.0.1:8183"
    published = " ".join(SITE["api"].definition["ports"])
    assert all(door["listen"].partition(":")[2] in published for door in doors)
    assert "127.0.0.1:8090:8090" in SITE["api"].definition["ports"], "operators: never public"


def test_worker_and_consumer_share_process_ids_and_a_folder() -> None:
    worker, consumer = SITE["worker"].definition, SITE["consumer"].definition
    assert worker["pid"] == consumer["pid"] == "service:host"
    assert worker["volumes"] == consumer["volumes"]
    assert worker["environment"] == consumer["environment"]
    webhooks = SITE["webhooks"].definition
    assert webhooks["volumes"] == consumer["volumes"]  # its metrics are read there
    folder = webhooks["environment"]["PROMETHEUS_MULTIPROC_DIR"]
    assert folder == consumer["environment"]["METRICS_FOLDERS"]


def test_what_is_stopped_first_depends_on_what_is_stopped_last() -> None:
    assert {"users", "merchants", "pages", "operators"} <= set(SITE["front"].needs)
    for name in ("users", "merchants", "pages", "operators", "worker", "beat"):
        assert SITE[name].needs["migrate"] == "service_completed_successfully"
        assert SITE[name].needs["redis"] == "service_healthy"


def test_redis_and_mariadb_are_configured_as_the_roles_do() -> None:
    lines = render.redis_configuration()
    for line in (
        "appendonly yes",
        "appendfsync everysec",
        "maxmemory-policy noeviction",
        'save ""',
    ):
        assert line in lines.splitlines()
    assert "requirepass" not in lines
    for line in ("innodb-flush-log-at-trx-commit = 1", "sync-binlog = 1"):
        assert line in render.mariadb_configuration().splitlines()


@contextmanager
def running_redis(folder: Path, passwords: dict[str, str]) -> Iterator[int]:
    """The image's Redis, by its entry point and its rendered files; yields its port."""
    render.main(folder, [])
    port, settings = free_port(), folder / "here.conf"
    base = (folder / "redis.conf").read_text().replace("dir /data", f"dir {folder}")
    settings.write_text(f"{base}\nbind 127.0.0.1\nport {port}\n")
    script = (ROOT / "config/containers/start-redis").read_text()
    for there, here in (
        ("/etc/coupon/redis.conf", settings),
        ("/etc/coupon/redis.users", folder / "redis.users"),
        ("/run/coupon/redis.conf", folder / "started.conf"),
    ):
        assert there in script
        script = script.replace(there, str(here))
    command = ["/bin/sh", "-c", script]
    log = folder / "redis.log"
    with start_process(command, ready=lambda: is_listening(port), log=log, env=passwords):
        yield port


def test_each_part_of_a_site_has_a_redis_user_with_the_role_s_rights(tmp_path: Path) -> None:
    settings = new_settings.new_settings([])
    with running_redis(tmp_path, settings["stores.env"]) as port:
        may_all = redis.Redis(port=port, password=settings["stores.env"]["REDIS_PASSWORD"])
        assert may_all.acl_users() == ["default", "web", "worker"]
        for file, user in (("doors.env", "web"), ("site.env", "worker")):
            url = urlsplit(settings[file]["REDIS_URL"])
            own = redis.Redis(port=port, username=url.username, password=url.password)
            assert url.username == user and own.set("coupon:installed", 1)
            for refused in (["FLUSHALL"], ["CONFIG", "GET", "*"], ["SET", "other", "1"]):
                with pytest.raises(redis.exceptions.NoPermissionError):
                    own.execute_command(*refused)  # type: ignore[no-untyped-call]
            keys = render.role_variables("redis")["redis_users"][user]["keys"]
            assert (may_all.acl_getuser(user) or {})["keys"] == keys.split()


def test_a_redis_of_before_there_were_users_starts_as_before(tmp_path: Path) -> None:
    with running_redis(tmp_path, {"REDIS_PASSWORD": "abc1"}) as port:
        assert redis.Redis(port=port, password="abc1").acl_users() == ["default"]


def test_redis_refuses_a_password_that_would_be_a_rule(tmp_path: Path) -> None:
    done = subprocess.run(
        ["/bin/sh", "config/containers/start-redis"], cwd=ROOT, capture_output=True, text=True,
        env={"PATH": "/usr/bin:/bin", "REDIS_PASSWORD": "abc", "REDIS_WEB_PASSWORD": "x +@all"},
        check=False,
    )  # fmt: skip
    assert done.returncode == 2 and "letters and digits only" in done.stderr


def test_rights_in_the_database_are_the_role_s() -> None:
    text = (ROOT / "config/containers/start-mariadb").read_text()
    granted = dict(re.findall(r"GRANT (.*) ON coupons.* TO '(.*)'@", text))
    by_user = {user: rights.split(", ") for rights, user in granted.items()}
    role = render.role_variables("database")
    assert by_user == {
        "coupon": role["database_rights"], "coupon_owner": role["database_owner_rights"],
    }  # fmt: skip


def test_new_settings_are_accepted_in_production_and_never_overwritten(tmp_path: Path) -> None:
    folder = tmp_path / "settings"
    command = [sys.executable, "config/containers/new_settings.py", str(folder), "shop.example"]
    first, second = (
        subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        for _ in range(2)
    )
    assert (first.returncode, second.returncode) == (0, 1)
    assert "Nothing was changed" in second.stderr
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == [
        "doors.env", "migrations.env", "site.env", "stores.env",
    ]  # fmt: skip
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    settings = read_env_file(folder / "site.env") | read_env_file(folder / "doors.env")
    checked = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, capture_output=True, text=True,
        env={"PATH": "/usr/bin:/bin", "DOOR": "operators", **settings}, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(
    "words",
    [
        [],
        [""],
        ["-h"],
        ["--no-such"],
        ["{folder}", "a b"],
        ["{folder}", "a\nb=c"],
        ["{folder}", ""],
    ],
)
def test_new_settings_refuse_wrong_words(tmp_path: Path, words: list[str]) -> None:
    folder = tmp_path / "settings"
    command = [sys.executable, "config/containers/new_settings.py"]
    command += [word.format(folder=folder) for word in words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert not folder.exists()


def test_nothing_secret_is_in_what_is_built_or_composed() -> None:
    for name in ("Containerfile", "compose.yaml"):
        text = (ROOT / name).read_text()
        for secret in new_settings.new_settings([])["stores.env"]:
            assert f"{secret}=" not in text.replace("REDISCLI_AUTH=$$REDIS_PASSWORD", "")
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored[1] == "*"
    assert not {"!var", "!.env", "!**"} & set(ignored)


def test_every_environment_setting_is_listed(tmp_path: Path) -> None:
    listed = set(re.findall(r"^#?([A-Z][A-Z0-9_]*)=", (ROOT / ".env.example").read_text(), re.M))
    used = {name for one in SITE.values() for name in one.definition.get("environment", {})}
    settings = new_settings.new_settings([])
    used |= {*settings["site.env"], *settings["doors.env"]}
    assert used <= listed


@pytest.mark.parametrize("service", SITE.values(), ids=SITE)
def test_its_texts_name_no_unset_variable(service: Service) -> None:
    def leaves(node: Any) -> list[str]:
        if isinstance(node, dict):
            return [leaf for value in node.values() for leaf in leaves(value)]
        if isinstance(node, list):
            return [leaf for value in node for leaf in leaves(value)]
        return [str(node)]

    assert not [leaf for leaf in leaves(dict(service.definition)) if "${" in leaf]
    assert seconds(service.definition.get("stop_grace_period", "10s")) >= 10


def test_the_watchdog_asks_the_queue_of_a_worker_with_another_host_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Containers that share process ids and a folder may differ in their host names."""
    monkeypatch.setattr(multiprocess, "FOLDER", str(tmp_path))
    assert process.worker_queue_name() == process.own_queue_name(), "before it has started"
    (tmp_path / "worker.queue").write_text("canary.other.1")
    assert process.worker_queue_name() == "canary.other.1"
