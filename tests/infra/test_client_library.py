"""One MySQL client library on build hosts and hosts, MariaDB's; the role refuses another one."""

import subprocess
from pathlib import Path

import MySQLdb
import pytest

from tests.infra.templating import ANSIBLE

CHECK = ANSIBLE / "roles" / "app" / "files" / "client_library.sh"


def asked(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", CHECK, folder], capture_output=True, text=True, check=False)


def linked_extension(folder: Path, library: str) -> Path:
    """An extension that is linked with a library of that name, which is not on any search path."""
    place = folder / "site-packages" / "MySQLdb"
    place.mkdir(parents=True)
    shared = ["gcc", "-shared", "-Wl,--no-as-needed", "-x", "c", "/dev/null"]
    subprocess.run([*shared, f"-Wl,-soname,{library}", "-o", folder / library], check=True)
    subprocess.run(
        [*shared, "-o", place / "_mysql.abi3.so", "-x", "none", folder / library], check=True
    )
    return folder


def test_mysqlclient_as_we_install_it_is_linked_with_mariadbs_library() -> None:
    done = asked(Path(str(MySQLdb.__file__)).parents[1])
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("library", ["libmysqlclient.so.21", "libmariadb.so.99"])
def test_an_extension_with_a_library_that_is_not_here_is_refused(
    tmp_path: Path, library: str
) -> None:
    done = asked(linked_extension(tmp_path, library))
    assert done.returncode == 1
    assert library in done.stderr


def test_an_environment_without_mysqlclient_is_refused(tmp_path: Path) -> None:
    done = asked(tmp_path)
    assert done.returncode == 1
    assert "there is no mysqlclient" in done.stderr
