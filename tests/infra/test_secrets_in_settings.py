"""Any secret that a generator can draw gets from the vault to the driver that uses it (issue 12,
part 10), by way of a settings file that systemd and sh read; what such a file can't hold is
refused."""

import subprocess
from pathlib import Path

import pytest
import redis
import yaml
from django.db.backends.mysql.base import DatabaseWrapper
from flower.utils.broker import Broker
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from kombu.connection import Connection

from config import env
from config.settings.database import from_url
from coupons.store.client import StoreClient
from tests.infra import environment_file, templating
from tests.infra.drawn_secrets import (
    NAMES,
    NASTY,
    SITE,
    anything,
    patiently,
    shares_with,
    templating_unfit,
)

pytestmark = pytest.mark.slow
TEMPLATE = templating.ANSIBLE / "roles" / "app" / "templates" / "app.env.j2"


def render_settings_file(secrets: dict[str, str], former: list[str], folder: Path) -> Path:
    """The settings file of a host, rendered with secrets from an encrypted vault."""
    vault = folder / "vault.yml"
    vaulted = {f"vault_{name}": value for name, value in secrets.items()}
    templating.encrypt_vault(yaml.safe_dump(vaulted, allow_unicode=True), vault)
    variables = SITE | templating.load_yaml(vault) | {
        "app_former_django_keys": former, "app_former_token_keys": former[:1],
    }  # fmt: skip
    template_call = f"{{{{ lookup('ansible.builtin.template', '{TEMPLATE}') }}}}"
    file = folder / "app.env"
    file.write_text(templating.render_template(template_call, variables))
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
    parsed = environment_file.parse_env_file(file.read_text())
    assert {**read_by_sh(file), **parsed} == read_by_sh(file)
    if environment_file.is_here():
        assert environment_file.read_by_systemd(file) == parsed
    return parsed


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
        assert env.secret_texts("JWT_HS256_PREVIOUS") == former[:1]
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
