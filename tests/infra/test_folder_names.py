"""Folders of any name on the operator's machine, and words in units (issue 12, part 11)."""

import ctypes
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from config import env, store_urls
from config.settings.database import from_url
from tests.infra import environment_file, templating

# Without the name of a variable, which Ansible itself fills in wherever it reads a path.
NASTY = """My "new" o'ne #1 100% $no_such `id` {a} 쿠폰 & co"""
ROOT = env.BASE_DIR


@pytest.fixture
def oddly_named_checkout(tmp_path: Path) -> Path:
    """A clone of the project in a folder with a difficult name."""
    there = tmp_path / NASTY
    subprocess.run(["git", "clone", "-q", "--shared", str(ROOT), str(there)], check=True)
    return there


def run_playbook(there: Path, play: list[dict[str, Any]], **given: object) -> None:
    (there / "play.yml").write_text(yaml.safe_dump(play))
    done = subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", str(there / "play.yml"),
         "-e", json.dumps(given)],
        cwd=there / "ansible", capture_output=True, text=True, check=False,
        env=os.environ | {"ANSIBLE_HOME": str(there), "ANSIBLE_STRATEGY": "linear",
                          "ANSIBLE_CONFIG": str(there / "ansible" / "ansible.cfg")},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def local_play(tasks: list[dict[str, Any]], **given: object) -> list[dict[str, Any]]:
    given |= {"ansible_python_interpreter": sys.executable, "ansible_become": False}
    return [{"hosts": "localhost", "connection": "local", "gather_facts": False,
             "vars": given, "tasks": tasks}]  # fmt: skip


def test_a_release_is_packed_in_a_folder_of_any_name(oddly_named_checkout: Path) -> None:
    """Packed by the roles' own tasks, with their defaults."""
    [pack] = yaml.safe_load((ROOT / "ansible/roles/app/tasks/pack.yml").read_text())
    loadgen = yaml.safe_load((ROOT / "ansible/roles/loadgen/tasks/main.yml").read_text())
    [crowd] = [task for task in loadgen if task["name"].startswith("Archive the scenarios")]
    defaults = [{"include_vars": str(ROOT / f"ansible/roles/{role}/defaults/main.yml")}
                for role in ("app", "loadgen")]  # fmt: skip
    run_playbook(
        oddly_named_checkout, local_play([*defaults, pack, crowd]),
        app_source=str(oddly_named_checkout), loadgen_source=str(oddly_named_checkout),
    )  # fmt: skip
    archives = {
        path.name.partition("-")[0] for path in (oddly_named_checkout / "build/releases").iterdir()
    }
    assert archives == {"coupon", "loadgen"}


def test_secrets_are_kept_in_a_folder_of_any_name(oddly_named_checkout: Path) -> None:
    folder = oddly_named_checkout / "secrets k=v"
    template = "{{ query('coupon_secret', 'redis_password', 'redis_password') | join(' ') }}"
    copy = {
        "copy": {
            "content": template,
            "dest": str(oddly_named_checkout / "secret.txt"),
            "mode": "0600",
        }
    }
    run_playbook(
        oddly_named_checkout,
        local_play([copy]),
        coupon_secrets_from="file",
        coupon_secrets_folder=str(folder),
    )
    first, second = (oddly_named_checkout / "secret.txt").read_text().split()
    assert first == second == (folder / "redis_password").read_text().strip()
    assert len(first) == 64
    assert (folder / "redis_password").stat().st_mode & 0o777 == 0o600
    assert [file.name for file in folder.iterdir()] == ["redis_password"]


def test_a_laptop_s_data_stays_in_a_folder_of_any_name(oddly_named_checkout: Path) -> None:
    """Not beside it: `#` and `?` end a URL's path, and %41 is an A there."""
    python = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    away = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "DJANGO_SETTINGS_MODULE")
    given = {name: value for name, value in os.environ.items() if name not in away}
    subprocess.run(python, cwd=oddly_named_checkout, env=given, check=True, timeout=900)
    file = oddly_named_checkout / "var" / "coupons.sqlite3"
    with closing(sqlite3.connect(file)) as database:  # its own `with` ends a transaction only
        assert database.execute("SELECT COUNT(*) FROM coupons_campaign").fetchone() == (0,)


@pytest.mark.parametrize(
    "name", ["a b", "#1", "what?", "100%41", "a+b", "쿠폰", "a;b", "a@b", "[x]"]
)
def test_a_database_s_file_is_where_it_was_meant_to_be(name: str) -> None:
    file = Path("/home") / name / "coupons.sqlite3"
    url = store_urls.sqlite_url(file)
    assert store_urls.url_complaint("DATABASE_URL", url) == ""
    assert from_url(url)["NAME"] == str(file)


STUB = """#!/bin/sh
# In place of Python: makes what pip and venv would make, and nothing from the network. An
# environment has a Python that knows where it is: no script writes to the one that runs the tests.
case "$*" in
*" venv "*)
  for last; do :; done
  mkdir -p "$last/bin" && cp "$0" "$last/bin/python" && cp "$0" "$last/bin/pip"
  echo "home = {home}" >"$last/pyvenv.cfg" && ln -sf "{python}" "$last/bin/real" ;;
*" --dest "*)
  while [ "$1" != --dest ]; do shift; done
  exec "{python}" -c 'import sys, zipfile
for name in ("amazon/aws", "ansible/posix", "community/aws", "community/mysql"):
    with zipfile.ZipFile(sys.argv[1] + "/bundle.whl", "a") as bundle:
        bundle.writestr("ansible_collections/" + name + "/MANIFEST.json", "")' "$2" ;;
*" --target "*) while [ "$1" != --target ]; do shift; done; mkdir -p "$2/package" ;;
*" pip "*) ;;
*) real=$(dirname "$0")/real && [ -x "$real" ] || real="{python}"; exec "$real" "$@" ;;
esac
"""


def write_python_stub(folder: Path) -> Path:
    folder.mkdir(parents=True)
    file = folder / "python3"
    file.write_text(STUB.format(python=sys.executable, home=Path(sys.base_prefix) / "bin"))
    file.chmod(0o755)
    return file


@pytest.mark.parametrize("what", ["run", "tools", "all", "peers", "tests"])
def test_requirements_are_installed_into_a_folder_of_any_name(
    what: str, oddly_named_checkout: Path, tmp_path: Path
) -> None:
    python = write_python_stub(tmp_path / "pythons" / NASTY)
    shutil.rmtree(oddly_named_checkout / ".venv", ignore_errors=True)
    script = oddly_named_checkout / "requirements" / "install.sh"
    by_pip = os.environ | {"PATH": "/usr/bin:/bin"}  # with a stub, where uv would want a Python
    subprocess.run(
        ["sh", str(script), str(python), what], cwd=tmp_path, env=by_pip, check=True, timeout=120
    )
    environment = ".venv/peers" if what == "peers" else ".venv"
    assert (oddly_named_checkout / environment / "bin" / "python").exists()
    manifests = oddly_named_checkout.glob(
        ".venv/lib/*/site-packages/ansible_collections/*/*/*.json"
    )
    assert len(list(manifests)) == (0 if what in ("run", "peers") else 4), "written elsewhere"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([NASTY, "pythons"])


def test_a_wheelhouse_is_packed_from_and_to_folders_of_any_name(
    oddly_named_checkout: Path, tmp_path: Path
) -> None:
    python, out = (
        write_python_stub(tmp_path / "pythons" / NASTY),
        tmp_path / "out" / NASTY / "wheels.tar.gz",
    )
    script = oddly_named_checkout / "ansible" / "wheelhouse.sh"
    subprocess.run(["sh", str(script), str(out), str(python), "run"], check=True, timeout=120)
    listed = subprocess.run(["tar", "-tzf", str(out)], capture_output=True, text=True, check=True)
    assert "site/package" in listed.stdout


def test_make_hands_python_s_path_on_as_one_word(tmp_path: Path) -> None:
    """The Makefile's own rule, with a project folder that holds nothing but what it calls."""
    (tmp_path / "requirements").mkdir()
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("run.txt", "laptop.txt", "mysql.txt"):
        (tmp_path / "requirements" / name).touch()
    (tmp_path / "requirements" / "install.sh").write_text("printf '%s\\n' \"$@\" >words\n")
    subprocess.run(
        ["make", ".venv/run", f"PYTHON=/opt/{NASTY.replace('$', '$$')}/python3"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    assert (tmp_path / "words").read_text().splitlines() == [f"/opt/{NASTY}/python3", "run"]


WORDS = [
    NASTY,
    "http://x/?a=%20b",
    "a b",
    '"',
    "'",
    "\\",
    "$$",
    "%%",
    "%n",
    "${X}",
    "쿠폰",
    "-x",
    "",
]


@pytest.mark.skipif(not environment_file.is_here(), reason="no systemd on this machine")
@pytest.mark.parametrize("word", WORDS)
def test_a_word_of_a_unit_is_one_word_for_systemd(word: str) -> None:
    """Split by systemd's own code; then %% and $$ become one sign each."""
    quoted = templating.our_filters()["coupon_unit_word"](word)
    library = ctypes.CDLL(str(environment_file.libsystemd_path()))
    words = ctypes.POINTER(ctypes.c_char_p)()
    unquote, unescape = 1 << 5, 1 << 1  # EXTRACT_UNQUOTE, EXTRACT_CUNESCAPE of v252
    found = library.strv_split_full(
        ctypes.byref(words), f"a {quoted} b".encode(), None, unquote | unescape
    )
    assert found == 3
    assert (words[1] or b"").decode().replace("%%", "%").replace("$$", "$") == word
