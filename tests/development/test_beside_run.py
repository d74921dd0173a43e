"""12, parts 9 and 24: in a checkout with a `.env`, and with what `make run` left there, every entry
point has the same settings: make, manage.py, celery, granian."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from config.development.process import ports
from config.development.process.programs import Program
from config.development.process.redis_program import program_path
from tests.harness import servers

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
HARD = "abc$def#ghi${HOME}%(x)s!'@&*-_=+()1234567890"
LAPTOPS = "key-of-make-run"  # the name of a key in `var/local.env`
READY_S = 180  # of a run with a load beside it, on a busy machine
SHOW = "from django.conf import settings; print('|', settings.SECRET_KEY, *settings.COUPON_KEYS)"
PYTHON = ".venv/bin/python"


class Checkout:
    """A copy of the product in a folder of its own, with a `.env`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for part in ("config", "coupons", "locust", "requirements"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("*.pyc"))
        for part in ("manage.py", "Makefile", "pyproject.toml"):
            shutil.copy2(ROOT / part, folder)
        (folder / ".venv").symlink_to(Path(sys.prefix))
        names = ("WEB_PORT", "FLOWER_PORT", "VALKEY_PORT", "CONSUMER_PORT", "OPERATORS_PORT",
                 "MERCHANTS_PORT", "PAGES_PORT", "SHOP_PORT")  # fmt: skip
        self.ports = {name: ports.free_port() for name in names}
        self.write_env_file(f"SECRET_KEY={HARD}")

    def write_env_file(self, *lines: str) -> None:
        """Write `.env` with the ports and these lines."""
        both = [*(f"{name}='{port}'" for name, port in self.ports.items()), *lines]
        (self.folder / ".env").write_text("# of a test\n" + "".join(f"{line}\n" for line in both))

    @property
    def clean_environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return kept | {"LC_ALL": "C.UTF-8"}

    def run_command(
        self, *command: str, says: str = "", **more: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.folder, env=self.clean_environment | more, input=says,
            capture_output=True, text=True, timeout=READY_S, check=False,
        )  # fmt: skip

    @contextmanager
    def running_program(
        self, name: str, *command: str, ready: Callable[[], bool]
    ) -> Iterator[Path]:
        """Run a program until the block ends. Yields the path of its log."""
        log = self.folder / f"{name}.log"
        env, folder = self.clean_environment, self.folder
        with Program(name, command, env=env, log=log, cwd=folder, stop_s=READY_S) as program:
            program.wait_until(ready, patience_s=READY_S)
            yield log


def wait_until_ready(ready: Callable[[], bool], going_on: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + READY_S
    while not ready():
        assert going_on(), log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


@pytest.fixture
def fresh_checkout(tmp_path: Path) -> Checkout:
    (tmp_path / "a checkout").mkdir()
    return Checkout(tmp_path / "a checkout")


ENTRIES = {
    "manage.py": ((PYTHON, "manage.py", "shell", "-v0", "-c", SHOW), ""),
    "celery": ((PYTHON, "-m", "celery", "-A", "config", "shell", "--python"), SHOW),
    "wsgi": ((PYTHON, "-c", f"import config.wsgi; {SHOW}"), ""),
    "consumer": (
        (PYTHON, "-c", f"import django, config.worker.consumer; django.setup(); {SHOW}"), "",
    ),
    "make": (
        ("make", "-s", "--eval", f'shown: ; @$(BIN)/python manage.py shell -v0 -c "{SHOW}"',
         "shown"), "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("entry", ENTRIES)
def test_12_9_and_24_every_entry_has_what_dotenv_and_the_laptops_file_say(
    fresh_checkout: Checkout, entry: str
) -> None:
    (fresh_checkout.folder / "var").mkdir()
    (fresh_checkout.folder / "var" / "local.env").write_text(f"COUPON_KEYS={LAPTOPS}:{'ab' * 32}\n")
    command, says = ENTRIES[entry]
    done = fresh_checkout.run_command(*command, says=says)
    assert f"| {HARD} {LAPTOPS}" in done.stdout, done.stderr


@pytest.mark.parametrize("entry", ["manage.py", "celery"])
def test_12_24_in_production_no_entry_joins_the_laptops_secrets(
    fresh_checkout: Checkout, entry: str
) -> None:
    (fresh_checkout.folder / "var").mkdir()
    (fresh_checkout.folder / "var" / "local.env").write_text(f"COUPON_KEYS={LAPTOPS}:{'ab' * 32}\n")
    command, says = ENTRIES[entry]
    done = fresh_checkout.run_command(*command, says=says, COUPONS_ENV="production")
    assert LAPTOPS not in done.stdout + done.stderr
    assert done.returncode != 0 or entry == "celery"  # whose shell continues after an error


@pytest.mark.parametrize("entry", ["celery", "wsgi", "make", "run"])
def test_12_9_every_entry_refuses_what_it_would_misread(
    fresh_checkout: Checkout, entry: str
) -> None:
    fresh_checkout.write_env_file("SECRET_KEY=abc$def # mine")
    run = ((PYTHON, "-m", "config.development", "run"), "")
    command, says = (ENTRIES | {"run": run})[entry]
    done = fresh_checkout.run_command(*command, says=says)
    assert done.returncode == 2
    said = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert len(said) == 1, done.stderr
    line = len((fresh_checkout.folder / ".env").read_text().splitlines())
    assert f"line {line}: SECRET_KEY would mean one thing to systemd" in said[0]
    assert "abc" not in said[0]


def test_12_24_a_plain_worker_stores_beside_the_data_of_make_run(fresh_checkout: Checkout) -> None:
    """`make run` makes a campaign with its own secrets and is stopped; then its Redis, a plain
    granian and a plain Celery worker start, configured only by `.env` and `var/`."""
    run = fresh_checkout.running_program(
        "run", "make", "-o", ".venv/run", "run", ready=lambda: True
    )
    with run as log:
        wait_until_ready(lambda: "Ctrl-C stops everything." in log.read_text(), lambda: True, log)
        run_load_test(fresh_checkout)
        (campaign,) = {
            word.rstrip(";") for word in log.read_text().split() if word.startswith("opening-")
        }
    valkey, web = fresh_checkout.ports["VALKEY_PORT"], fresh_checkout.ports["WEB_PORT"]
    with ExitStack() as stack:
        for name, ready, command in (
            ("valkey", lambda: servers.is_serving(valkey),
             (str(program_path(fresh_checkout.folder / "var/valkey")), "--port", str(valkey),
              "--dir", "var/valkey", "--appendonly", "yes", "--save", "")),
            ("worker", lambda: True,
             (PYTHON, "-m", "celery", "-A", "config", "worker", "--pool", "solo")),
            ("web", lambda: servers.is_listening(web),
             (PYTHON, "-m", "granian", "--interface", "wsgi", "--port", str(web),
              "config.wsgi:application")),
        ):  # fmt: skip
            stack.enter_context(fresh_checkout.running_program(name, *command, ready=ready))
        token = fresh_checkout.run_command(PYTHON, "manage.py", "user_token", "mina").stdout.strip()
        assert post_claim(web, campaign, token)["place"] == 1
        log = fresh_checkout.folder / "worker.log"
        wait_until_ready(lambda: "mina" in stored_users(fresh_checkout), lambda: True, log)
        assert "KeyError" not in log.read_text()


def run_load_test(checkout: Checkout) -> None:
    """12, part 18: the README's `make load` beside `make run`, told only how long to run.
    Whose site it is, how many people come, and the secret that signs their tokens, are known."""
    record = checkout.folder / "load.json"
    words = f"LOAD=--seconds 3 --record '{record}'"
    done = checkout.run_command("make", "-o", ".venv/tools", "load", words)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    said = json.loads(record.read_text())
    assert said["target"] == f"http://127.0.0.1:{checkout.ports['WEB_PORT']}"
    assert said["scenario"] == "opening"
    assert said["users"] >= 1_000
    assert said["verdict"]["told"] == said["verdict"]["stored"] == said["stock"]
    assert "None" not in done.stderr


def post_claim(port: int, campaign: str, token: str) -> dict[str, object]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v1/campaigns/{campaign}/claims", data=b"",
        method="POST", headers={"Authorization": f"Bearer {token}"},
    )  # fmt: skip
    with urllib.request.urlopen(request, timeout=60) as response:
        said: dict[str, object] = json.load(response)
    return said


def stored_users(checkout: Checkout) -> list[str]:
    with closing(sqlite3.connect(checkout.folder / "var" / "coupons.sqlite3", timeout=10)) as rows:
        return [user for (user,) in rows.execute("SELECT user FROM coupons_coupon")]
