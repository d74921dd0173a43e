"""Redis and MySQL get the same password from the roles that the site's URLs have."""

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import MySQLdb
import pytest
import redis
import yaml
from django.db.backends.mysql.base import DatabaseWrapper

from config.settings.database import from_url
from tests.harness.servers import free_port, is_listening, start_process
from tests.infra import templating
from tests.infra.drawn_secrets import NASTY, SITE, run_playbook

pytestmark = pytest.mark.slow


@contextmanager
def redis_with(conf: Path) -> Iterator[str]:
    port = free_port()
    command = ["redis-server", str(conf), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with start_process(command, ready=lambda: is_listening(port), log=conf.with_suffix(".log")):
        yield f"redis://{{}}127.0.0.1:{port}/0"


def is_answered(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.AuthenticationError:
        return False


@pytest.mark.parametrize("password", [NASTY, "x", "쿠폰 ☃", "#", '"', "\\", "\\x41", "'", "% $"])
@pytest.mark.parametrize("keeps_default", [True, False])
def test_our_own_redis_knows_the_passwords_that_we_use(
    tmp_path: Path, password: str, keeps_default: bool
) -> None:
    """Each user's own; the one without a user only while a site changes to users."""
    role = templating.ANSIBLE / "roles" / "redis"
    written = templating.render_template(
        f"{{{{ lookup('ansible.builtin.template', '{role}/templates/users.conf.j2') }}}}",
        SITE | {"vault_redis_password": password, "redis_keeps_default": keeps_default},
    )
    (tmp_path / "users.conf").write_text(written)
    part = templating.our_filters()["coupon_url_part"](password)
    with redis_with(tmp_path / "users.conf") as url:
        for user in ("web", "worker", "site", "metrics", "admin"):
            own = hashlib.sha256(f"{password} for {user}".encode()).hexdigest()
            with redis.Redis.from_url(url.format(f"{user}:{own}@")) as client:
                assert client.ping()
        with redis.Redis.from_url(url.format(f":{part}@")) as former:
            assert is_answered(former) is keeps_default
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
