"""Any secret that a generator can draw works, from the vault to the driver that uses it (issue 12,
part 10); what a settings file can't hold is refused, and no message shows a part of it."""

import json
import os
import string
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
import MySQLdb
import pytest
import redis
import yaml
from django.db.backends.mysql.base import DatabaseWrapper
from flower.utils.broker import Broker
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from kombu.connection import Connection

from config import env, store_urls
from config.settings.database import from_url
from coupons.store.client import StoreClient
from tests.harness.servers import free_port, listens, process
from tests.infra import environment_file, templating

pytestmark = pytest.mark.slow

NAMES = [
    "django_secret_key", "coupon_code_key", "user_token_key", "flower_password",
    "database_app_password", "mysql_admin_password", "redis_password",
]  # fmt: skip
SITE: dict[str, Any] = {
    "coupon_environment": "test", "coupon_secrets_from": "vault", "coupon_address": "10.0.1.1",
    "redis_decisions_host": "store.example", "redis_decisions_port": 6379,
    "redis_decisions_tls": True, "redis_decisions_password_parameter": "redis_password",
    "redis_broker_host": "broker.example", "redis_broker_port": 6380,
    "redis_broker_tls": False, "redis_broker_password_parameter": "redis_password",
    "mysql_host": "db.example", "mysql_port": 3306, "mysql_database": "coupons",
    "mysql_tls": True, "mysql_admin_password_parameter": "mysql_admin_password",
    "app_version": "1a2b3c", "groups": {"api": ["a"], "consumer": ["c"]},
    "hostvars": {"a": {"private_ip": "10.0.1.1"}}, "group_names": ["api"],
    "coupon_api_workers": 2, "coupon_consumer_processes": 2,
    "playbook_dir": str(templating.ANSIBLE),
}  # fmt: skip
TEMPLATE = templating.ANSIBLE / "roles" / "app" / "templates" / "app.env.j2"
PRINTABLE = string.ascii_letters + string.digits + string.punctuation + " "
NASTY = """ 'a'\"b\"/+?#@:%41$HOME`id`\\n{{ x }}{% y %}{# z #}!&;|<>~=,[]()^*- """
# Sixty characters, as a password manager draws them; and text of any language.
drawn = st.text(PRINTABLE, min_size=32, max_size=60)
text = st.text(
    st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufdd0"), min_size=1
).map(lambda said: said + "x" * 40)
anything = (drawn | text).filter(lambda said: not templating_unfit(said))
patiently = settings(
    deadline=None, suppress_health_check=list(HealthCheck), max_examples=300, derandomize=True
)


def templating_unfit(said: str) -> str:
    return str(templating.our_filters()["coupon_unfit"](said))


def render_settings_file(secrets: dict[str, str], former: list[str], folder: Path) -> Path:
    """The settings file of a host, rendered with secrets from an encrypted vault."""
    vault = folder / "vault.yml"
    said = {f"vault_{name}": value for name, value in secrets.items()}
    templating.encrypt_vault(yaml.safe_dump(said, allow_unicode=True), vault)
    variables = SITE | templating.load_yaml(vault) | {"app_former_django_keys": former}
    look = f"{{{{ lookup('ansible.builtin.template', '{TEMPLATE}') }}}}"
    file = folder / "app.env"
    file.write_text(templating.render_template(look, variables))
    return file


def read_by_sh(file: Path) -> dict[str, str]:
    """The variables as the script coupon-manage reads them."""
    done = subprocess.run(
        ["env", "-i", "/bin/sh", "-c", 'set -a; . "$0"; exec env -0', file],
        capture_output=True, check=True,
    )  # fmt: skip
    pairs = (each.decode().partition("=") for each in done.stdout.split(b"\0") if each)
    return {name: value for name, _, value in pairs}


def read_by_every_reader(file: Path) -> dict[str, str]:
    """The variables as a unit gets them; all readers must agree."""
    said = environment_file.parse_env_file(file.read_text())
    assert {**read_by_sh(file), **said} == read_by_sh(file)
    if environment_file.is_here():
        assert environment_file.read_by_systemd(file) == said
    return said


@settings(parent=patiently, max_examples=25)
@given(st.fixed_dictionaries(dict.fromkeys(NAMES, anything)), st.lists(anything, max_size=3))
@example({name: NASTY + name for name in NAMES}, [NASTY, "[" + NASTY])
def test_what_the_vault_holds_is_what_the_drivers_are_given(
    tmp_path_factory: pytest.TempPathFactory, secrets: dict[str, str], former: list[str]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in read_by_every_reader(
            render_settings_file(secrets, former, tmp_path_factory.mktemp("a"))
        ).items():
            patch.setenv(name, value)
        assert env.secret("SECRET_KEY", local="") == secrets["django_secret_key"]
        assert env.secret("JWT_HS256_SECRET", local="") == secrets["user_token_key"]
        assert env.secret_texts("SECRET_KEY_FALLBACKS") == former
        assert env.secrets_by_id("COUPON_KEYS", local="").keys() == {"k1"}
        store, broker = env.store_url("REDIS_URL"), env.store_url("CELERY_BROKER_URL")
        database = from_url(env.store_url("DATABASE_URL"))
    password = secrets["redis_password"]
    endpoint = StoreClient(store, timeout_s=1, max_connections=1)
    given_to_redis = endpoint.client.connection_pool.connection_kwargs
    assert (given_to_redis["password"], given_to_redis["host"]) == (password, "store.example")
    assert redis.ConnectionPool.from_url(broker).connection_kwargs["password"] == password
    with Connection(broker) as connection:  # type: ignore[no-untyped-call]
        assert (connection.password, connection.hostname) == (password, "broker.example")
    assert Broker(broker).password == password
    given_to_mysql = DatabaseWrapper(database).get_connection_params()
    assert given_to_mysql["password"] == secrets["database_app_password"]
    assert (given_to_mysql["user"], given_to_mysql["host"]) == ("coupon", "db.example")
    assert given_to_mysql["ssl"] == {"ca": "/etc/ssl/certs/coupon-mysql.pem"}


def env_lines(values: dict[str, str]) -> str:
    line = templating.our_filters()["coupon_env_line"]
    return "# a comment = 'x\n" + "".join(
        f"{line(value, name)}\n" for name, value in values.items()
    )


@patiently
@given(st.dictionaries(st.from_regex(r"[A-Z][A-Z_0-9]{0,8}", fullmatch=True), anything))
@example({"A": NASTY, "B": "", "C": "'", "D": "''", "E": " ", "F": "\\", "G": "x\\"})
def test_systemd_and_sh_read_the_same_values(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, str]
) -> None:
    assume(not {"PWD", "PATH", "IFS"} & values.keys())  # special characters of a shell
    file = tmp_path_factory.mktemp("b") / "x.env"
    file.write_text(env_lines(values))
    assert read_by_every_reader(file) == values


QUOTES = st.text("ab'\"\\ \t$`=;#\n", max_size=12)


@pytest.mark.skipif(not environment_file.is_here(), reason="no systemd on this machine")
@patiently
@given(st.lists(st.tuples(st.sampled_from(["A=", "B=", "A =", " B=", "#", ";", ""]), QUOTES)))
def test_our_reader_reads_whatever_systemd_reads(
    tmp_path_factory: pytest.TempPathFactory, parts: list[tuple[str, str]]
) -> None:
    """If our reader accepted more than systemd's, the tests with it would prove nothing."""
    file = tmp_path_factory.mktemp("c") / "x.env"
    file.write_text("\n".join(f"{name}{value}" for name, value in parts))
    assert environment_file.parse_env_file(file.read_text()) == environment_file.read_by_systemd(
        file
    )


UNFIT = {
    "a line break": "first line of it\nsecond line of it",
    "one at its end": "drawn by a shell's echo\n",
    "a carriage return": "typed on Windows\r",
    "an escape": "pasted \x1b[0m from a terminal",
    "a tab": "tab\tbed",
    "a zero": "half\x00lost",
    "a deletion": "half\x7flost",
    "no character": "\ufdd0 and more",
    "the last no character": "\U0010ffff and more",
    "too much": "much" * 9000,
}


@pytest.mark.parametrize("kind", UNFIT)
def test_a_secret_that_a_file_can_not_hold_is_refused_and_not_shown(kind: str) -> None:
    why = templating_unfit(UNFIT[kind])
    assert why
    assert not shares_with(why, UNFIT[kind], least=8)
    with pytest.raises(Exception, match="SECRET_KEY") as caught:
        templating.our_filters()["coupon_env_line"](UNFIT[kind], "SECRET_KEY")
    assert not shares_with(str(caught.value), UNFIT[kind], least=8)


def shares_with(message: str, secret: str, *, least: int) -> bool:
    """Whether the message contains a part of the secret of that length."""
    return any(secret[at : at + least] in message for at in range(len(secret) - least + 1))


# A playbook, run as an operator runs it


def run_playbook(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a playbook with the vault of this folder."""
    return subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", "-e", f"@{folder / 'vault.yml'}",
         *(str(folder / word) if word == "play.yml" else word for word in words)],
        cwd=templating.ANSIBLE, capture_output=True, text=True, timeout=300,
        env=os.environ | {"ANSIBLE_HOME": str(folder), "ANSIBLE_NOCOLOR": "1"},
    )  # fmt: skip


def check_vault(folder: Path, vault: str, *options: str) -> str:
    """Ansible's output if it refuses the vault; empty if it accepts it."""
    known = {"groups", "hostvars", "group_names", "playbook_dir"}
    said = {name: value for name, value in SITE.items() if name not in known}
    said["ansible_host"] = NOBODY
    (folder / "hosts.yml").write_text(json.dumps({"all": {"hosts": {"h": None}, "vars": said}}))
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
    said = check_vault(tmp_path, f"vault_redis_password: {value}\n")
    assert named in said
    secret = value.strip("\"'|\n ")
    assert not shares_with(said, secret, least=min(12, len(secret)))
    assert NOBODY not in said  # no host was contacted


def test_settings_of_one_s_own_are_judged_by_name(tmp_path: Path) -> None:
    given = {"app_settings": {"OTEL_EXPORTER_OTLP_HEADERS": "key=half\nand half"}}
    said = check_vault(tmp_path, "{}", "-e", json.dumps(given))
    assert "OTEL_EXPORTER_OTLP_HEADERS holds a line break" in said
    former = {"app_former_django_keys": ["fine", "half\nand half"]}
    said = check_vault(tmp_path, "{}", "-e", json.dumps(former))
    assert "app_former_django_keys holds a line break" in said


def test_a_vault_that_is_fine_passes_without_a_word_of_it(tmp_path: Path) -> None:
    nasty = yaml.safe_dump({f"vault_{name}": NASTY for name in NAMES})
    assert check_vault(tmp_path, nasty) == ""


@pytest.mark.parametrize("playbook", ["site", "deploy", "stores"])
def test_a_playbook_that_writes_secrets_judges_them_first(playbook: str) -> None:
    first = yaml.safe_load((templating.ANSIBLE / f"{playbook}.yml").read_text())[0]
    assert first["ansible.builtin.import_playbook"] == "judge.yml"


# A URL that was written by hand


def driver_reading(url: str, name: str) -> tuple[str, str] | str:
    """(host, password) as the driver reads them, or the sentence that refuses the URL."""
    if why := store_urls.url_complaint(name, url):
        return why
    if name == "DATABASE_URL":
        parsed: Any = dj_database_url.parse(url)
        return parsed["HOST"], parsed["PASSWORD"]
    read = redis.ConnectionPool.from_url(url).connection_kwargs
    return read["host"], read.get("password", "")


@patiently
@given(st.sampled_from(["REDIS_URL", "CELERY_BROKER_URL", "DATABASE_URL"]), drawn | text)
@example("REDIS_URL", "pa/ss")
@example("REDIS_URL", "12/34")
@example("REDIS_URL", "1234")
@example("REDIS_URL", "a#b")
@example("REDIS_URL", "a?b")
@example("REDIS_URL", "[::1]")
@example("REDIS_URL", "a]b")
@example("DATABASE_URL", "6379/coupons?x=")
def test_a_password_that_was_not_encoded_is_never_read_as_something_else(
    name: str, password: str
) -> None:
    assume("%" not in password)  # what an encoded one looks like is read as one
    kind = "mysql" if name == "DATABASE_URL" else "redis"
    said = driver_reading(f"{kind}://user:{password}@store.example:6379/0", name)
    if isinstance(said, tuple):
        assert said == ("store.example", password)
    else:
        assert said.startswith(name)
        rest = said.replace(store_urls.HOW_TO_QUOTE, "").replace("redis", "").replace("mysql", "")
        assert not shares_with(rest, password, least=6)


@pytest.mark.parametrize("name", store_urls.SCHEMES)
@pytest.mark.parametrize("url", ["", "pa/ss@host", "://:pa/ss@host", "http://:pa/ss@h", "redis:pa"])
def test_what_is_no_url_is_refused_without_being_shown(name: str, url: str) -> None:
    why = store_urls.url_complaint(name, url)
    assert why.startswith(f"{name} is no address of a store")
    assert "pa/ss" not in why


@pytest.mark.parametrize(
    "command",
    [
        ["manage.py", "check"],
        ["-m", "celery", "-A", "config", "report"],
        ["-m", "config.development", "demo"],
    ],
    ids=str,
)
@pytest.mark.parametrize("name", store_urls.SCHEMES)
def test_no_command_shows_a_part_of_it(command: list[str], name: str) -> None:
    kind = "mysql" if name == "DATABASE_URL" else "redis"
    given = {name: f"{kind}://:Zq7xK/wVt9LmP@127.0.0.1:1/0"}
    given = {"DATABASE_URL": "sqlite://:memory:", "REDIS_URL": "redis://127.0.0.1:1/0"} | given
    done = subprocess.run(
        [sys.executable, *command], cwd=env.BASE_DIR, env=os.environ | given,
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert f"{name} is no address of a store" in said
    assert not shares_with(said, "Zq7xK/wVt9LmP", least=3)


# What other programs' files are written with


@contextmanager
def redis_with(conf: Path) -> Iterator[str]:
    port = free_port()
    command = ["redis-server", str(conf), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with process(command, ready=lambda: listens(port), log=conf.with_suffix(".log")):
        yield f"redis://{{}}127.0.0.1:{port}/0"


@pytest.mark.parametrize("password", [NASTY, "x", "쿠폰 ☃", "#", '"', "\\", "\\x41", "'", "% $"])
def test_our_own_redis_knows_the_password_that_we_use(tmp_path: Path, password: str) -> None:
    role = templating.ANSIBLE / "roles" / "redis"
    written = templating.render_template(
        f"{{{{ lookup('ansible.builtin.template', '{role}/templates/coupon.conf.j2') }}}}",
        SITE
        | {"vault_redis_password": password, "redis_address": "127.0.0.1", "redis_memory": "0"},
    )
    [line] = [line for line in written.splitlines() if line.startswith("requirepass")]
    (tmp_path / "coupon.conf").write_text(line + "\n")
    part = templating.our_filters()["coupon_url_part"](password)
    with redis_with(tmp_path / "coupon.conf") as url:
        with redis.Redis.from_url(url.format(f":{part}@")) as client:
            assert client.ping()
        stranger = redis.Redis.from_url(url.format(""))
        with stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()


LOOKED_UP = "{{ lookup('coupon_secret', 'database_app_password') }}"
MAKE = "Make it, by the server's own way of keeping passwords"


def test_mysql_s_user_is_made_with_the_password_that_we_use(tmp_path: Path) -> None:
    """The role's own task creates the user on a real server; then mysqlclient logs in by our
    URL."""
    server = urlsplit(os.environ["DATABASE_URL"])
    if server.scheme != "mysql":
        pytest.skip("runs on MariaDB and MySQL")
    tasks = yaml.safe_load((templating.ANSIBLE / "roles/database/tasks/main.yml").read_text())
    [block] = [task["block"] for task in tasks if "block" in task]
    [task] = [task for task in block if task["name"] == MAKE]
    user = f"coupon_{os.getpid()}"
    play = {
        "hosts": "localhost", "connection": "local", "gather_facts": False,
        "vars": {
            "ansible_python_interpreter": sys.executable, "database_user": user,
            "coupon_secret_mysql_app": LOOKED_UP,
            "database_found": {"query_result": [[{"users": 0}]]}, "coupon_secrets_from": "vault",
        },
        "module_defaults": {"group/community.mysql.all": {
            "login_host": server.hostname, "login_port": server.port,
            "login_user": server.username, "login_password": server.password,
        }},
        "tasks": [task],
    }  # fmt: skip
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play]))
    (tmp_path / "vault.yml").write_text(yaml.safe_dump({"vault_database_app_password": NASTY}))
    done = run_playbook(tmp_path, "play.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    url = f"mysql://{user}:{templating.our_filters()['coupon_url_part'](NASTY)}@{server.hostname}:{server.port}/"
    parameters = DatabaseWrapper(from_url(url)).get_connection_params()
    with closing(MySQLdb.connect(**parameters)) as connection:
        connection.ping()
    admin = DatabaseWrapper(from_url(os.environ["DATABASE_URL"])).get_connection_params()
    with closing(MySQLdb.connect(**admin)) as connection:
        connection.query(f"DROP USER {user}@'%'")
