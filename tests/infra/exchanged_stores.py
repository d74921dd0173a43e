"""A real Redis and a real MySQL whose passwords are exchanged by the roles' own tasks."""

import os
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import MySQLdb
import redis
import yaml
from django.db import connection

from tests.infra import templating
from tests.infra.drawn_secrets import SITE, run_playbook

ROLES = templating.ANSIBLE / "roles"
OLD, NEW = "o" * 64, "n" * 64


def hashed(value: str) -> str:
    return str(templating.render_template("{{ value | hash('sha256') }}", {"value": value}))


class ExchangedRedis:
    def __init__(self, url: str, folder: Path) -> None:
        self._address, self._folder = urlsplit(url).netloc, folder

    def url(self, user: str, password: str) -> str:
        """As a host's settings have it, whose newest value is this password."""
        word = password if user == "default" else hashed(f"{password} for {user}")
        return f"redis://{user}:{word}@{self._address}/0"

    def environment(self, user: str, password: str) -> dict[str, str]:
        url = self.url(user, password)
        return {"REDIS_URL": url, "CELERY_BROKER_URL": url}

    def tell(self, kept: str, *, revoke: bool = False, **given: Any) -> str:
        """What the role does, on Redis' host, when `kept` stands where secrets are kept."""
        users = self._folder / "users.conf"
        template = ROLES / "redis" / "templates" / "users.conf.j2"
        variables = SITE | given | {"vault_redis_password": kept, "coupon_former_ends": revoke}
        call = f"{{{{ lookup('ansible.builtin.template', '{template}') }}}}"
        users.write_text(templating.render_template(call, variables))
        [_, task] = yaml.safe_load((ROLES / "redis/tasks/users.yml").read_text())
        whole = " + ".join(
            f"({task['vars'][name].strip('{} ')})" for name in ("redis_admins", "redis_defaults")
        )
        lines = str(
            templating.render_template(
                f"{{{{ ({whole}) | join(newline) }}}}", variables | {"newline": "\n"}
            )
        )
        host, port = self._address.split(":")
        environment = os.environ | {
            "REDIS_ADDRESS": host, "REDIS_PORT": port, "USERS": str(users),
            "DISCONNECT": "yes" if revoke else "",
        }  # fmt: skip
        script = str(ROLES / "redis" / "files" / "tell_users.sh")
        done = subprocess.run(
            ["sh", script],
            env=environment,
            input=lines,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def accepts(self, password: str, user: str = "web") -> bool:
        with (
            suppress(redis.AuthenticationError),
            redis.Redis.from_url(self.url(user, password)) as client,
        ):
            return bool(client.ping())
        return False


class ExchangedMySQL:
    """Its user may do what the role gives to the application's, in this test's database."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.user = folder, f"exchanged_{os.getpid()}"
        with connection.cursor() as cursor:
            cursor.execute("SELECT @@socket, VERSION()")
            self._socket, version = map(str, cursor.fetchone())
        self._root_password = "" if "MariaDB" in version else "rootpw"
        rights = yaml.safe_load((ROLES / "database/defaults/main.yml").read_text())
        self.ask(f"CREATE USER {self.user}@'%' IDENTIFIED BY '{OLD}'")
        name = connection.settings_dict["NAME"]
        self.ask(f"GRANT {', '.join(rights['database_rights'])} ON {name}.* TO {self.user}@'%'")

    def ask(self, query: str) -> None:
        with closing(
            MySQLdb.connect(unix_socket=self._socket, user="root", passwd=self._root_password)
        ) as administrator:
            administrator.query(query)

    def url(self, password: str) -> str:
        server, name = urlsplit(os.environ["DATABASE_URL"]), connection.settings_dict["NAME"]
        return f"mysql://{self.user}:{password}@{server.hostname}:{server.port}/{name}"

    def environment(self, user: str, password: str) -> dict[str, str]:
        return {"DATABASE_URL": self.url(password)}

    def tell(self, kept: str, *, revoke: bool = False) -> str:
        """The role's tasks, with `kept` where secrets are kept."""
        play = {
            "hosts": "localhost", "connection": "local", "gather_facts": False,
            "vars": {
                "ansible_python_interpreter": sys.executable, "database_login": self.user,
                "database_accepted": kept.split(" ")[: 1 if revoke else 9],
                "coupon_former_ends": revoke,
            },
            "module_defaults": {"group/community.mysql.all": {
                "login_unix_socket": self._socket, "login_user": "root",
                "login_password": self._root_password,
            }},
            "tasks": yaml.safe_load((ROLES / "database/tasks/passwords.yml").read_text()),
        }  # fmt: skip
        (self._folder / "play.yml").write_text(yaml.safe_dump([play]))
        (self._folder / "vault.yml").write_text("{}")
        done = run_playbook(self._folder, "play.yml")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def accepts(self, password: str) -> bool:
        server = urlsplit(os.environ["DATABASE_URL"])
        login: dict[str, Any] = {"host": server.hostname, "port": server.port, "user": self.user}
        with (
            suppress(MySQLdb.OperationalError),
            closing(MySQLdb.connect(**login, passwd=password)) as asked,
        ):
            asked.ping()
            return True
        return False

    def drop(self) -> None:
        self.ask(f"DROP USER {self.user}@'%'")
