"""Two users of the database: the service's reads and writes rows, the owner's changes tables. Tried
on a real MariaDB and a real MySQL 9, with the rights that the role `database` gives."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import MySQLdb
import pytest
import yaml

from config import env
from coupons.identity import user_tokens
from tests.harness import servers, services, zoned_database

pytestmark = pytest.mark.slow

DEFAULTS = yaml.safe_load((env.BASE_DIR / "ansible/roles/database/defaults/main.yml").read_text())
FORBIDDEN = (
    "DROP TABLE coupons_coupon", "ALTER TABLE coupons_coupon ADD x INT", "TRUNCATE coupons_coupon",
    "CREATE TABLE x (id INT)", "CREATE INDEX x ON coupons_coupon (place)", "DROP DATABASE site",
    "CREATE DATABASE b", "ALTER TABLE coupons_coupon DROP PRIMARY KEY", "FLUSH TABLES", "SHUTDOWN",
    "SELECT 1 FROM mysql.user", "CREATE USER x", "GRANT ALL ON *.* TO coupon",
    "CREATE VIEW x AS SELECT 1", "SET GLOBAL sync_binlog = 0", "SELECT 1 INTO OUTFILE '/tmp/x'",
    "LOAD DATA INFILE '/etc/passwd' INTO TABLE coupons_coupon", "CREATE PROCEDURE x() SELECT 1",
    "CREATE TRIGGER x BEFORE INSERT ON coupons_coupon FOR EACH ROW SET @a = 1",
    "RENAME TABLE coupons_coupon TO x", "LOCK TABLES coupons_coupon WRITE",
    "SELECT 1 FROM other.secrets",
)  # fmt: skip
NO_RIGHT = {1044, 1045, 1142, 1143, 1227, 1370, 1410, 1419}  # the server's numbers for that


class Site:
    """A schema with both users; `environment(owner=…)` is that of its processes."""

    def __init__(self, port: int, socket: Path, root_password: str = "") -> None:
        self.port, self._socket, self._root_password = port, socket, root_password

    def administer(self, *statements: str) -> None:
        login = {"unix_socket": str(self._socket), "user": "root", "passwd": self._root_password}
        with closing(MySQLdb.connect(**login)) as root:
            for statement in statements:
                root.query(statement)

    def connect(self, user: str) -> Any:
        return closing(
            MySQLdb.connect(host="127.0.0.1", port=self.port, user=user, password=user, db="site")
        )

    def environment(self, *, owner: bool) -> dict[str, str]:
        url = "mysql://{0}:{0}@127.0.0.1:%d/site" % self.port  # noqa: UP031 - braces stay
        found = {"DATABASE_URL": url.format("coupon"), "ENV_FILES": "/dev/null"}
        return found | ({"MIGRATIONS_DATABASE_URL": url.format("coupon_owner")} if owner else {})

    def manage(self, *words: str, owner: bool = False) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *words], cwd=env.BASE_DIR, capture_output=True, text=True,
            env=os.environ | self.environment(owner=owner), check=False,
        )  # fmt: skip


@contextmanager
def mariadb_site(folder: Path) -> Iterator[Site]:
    port = servers.free_port()
    with servers.start_mariadb(folder, port=port):
        yield Site(port, folder / "mysqld.sock")


@contextmanager
def mysql9_site(folder: Path) -> Iterator[Site]:
    if "MYSQL9_SCRIPT" not in os.environ:
        pytest.skip("no MySQL 9 at hand: MYSQL9_SCRIPT names a script that starts one")
    with zoned_database.start_mysql9(folder, {}) as url:
        port = urlsplit(url).port
        assert port is not None
        yield Site(port, folder / "mysql.sock", "rootpw")


@pytest.fixture(scope="module", params=[mariadb_site, mysql9_site], ids=["mariadb", "mysql9"])
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    with request.param(tmp_path_factory.mktemp("two-users") / "db") as site:
        rights = ", ".join(DEFAULTS["database_rights"])
        owner = ", ".join(DEFAULTS["database_owner_rights"])
        site.administer(
            "CREATE DATABASE site CHARACTER SET utf8mb4",
            "DROP USER IF EXISTS coupon@'%'",
            "CREATE USER coupon@'%' IDENTIFIED BY 'coupon'",
            f"GRANT {rights} ON site.* TO coupon@'%'",
            "CREATE USER coupon_owner@'%' IDENTIFIED BY 'coupon_owner'",
            f"GRANT {owner} ON site.* TO coupon_owner@'%'",
            "CREATE DATABASE other", "CREATE TABLE other.secrets (id INT)",
        )  # fmt: skip
        yield site


def test_migrations_need_the_owner_and_the_service_does_its_work_without(
    site: Site, tmp_path: Path
) -> None:
    denied = site.manage("migrate", "--noinput")
    assert denied.returncode != 0, "control: the service's user alone migrated"
    assert "denied" in denied.stderr
    migrated = site.manage("migrate", "--noinput", owner=True)
    assert migrated.returncode == 0, migrated.stderr
    made = site.manage("new_campaign", "sale", "--stock", "5", "--strategy", "direct")
    assert made.returncode == 0, made.stderr
    with services.start_web(site.environment(owner=False), tmp_path) as port:
        assert claim(port) == 201
    for words in ("check --tag stores", "definitions", "migrate --check", "revoke sale --user jun"):
        done = site.manage(*words.split())
        assert "denied" not in done.stdout + done.stderr, words
    refused = [statement for statement in FORBIDDEN if is_denied(site, "coupon", statement)]
    assert refused == list(FORBIDDEN)
    with site.connect("coupon_owner") as owner:
        owner.query("ALTER TABLE coupons_coupon ADD x INT")  # the control: these rights do it
        owner.query("ALTER TABLE coupons_coupon DROP x")
    for statement in ("DROP DATABASE other", "CREATE USER x", "SELECT 1 FROM mysql.user"):
        assert is_denied(site, "coupon_owner", statement), statement


def claim(port: int) -> int:
    with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        headers = {
            "Authorization": f"Bearer {user_tokens.mint_token('jun')}",
            "Content-Length": "0",
        }
        connection.request("POST", "/api/v1/campaigns/sale/claims", headers=headers)
        answer = connection.getresponse()
        assert json.loads(answer.read())["place"] == 1
        return answer.status


def is_denied(site: Site, user: str, statement: str) -> bool:
    """Whether the server refuses it for want of a right, as its number says."""
    with site.connect(user) as connection:
        try:
            connection.query(statement)
        except MySQLdb.Error as error:
            return error.args[0] in NO_RIGHT
    return False
