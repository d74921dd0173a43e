"""Run a command on real servers, started for it on private ports and in a folder of their own.

    python -m tests.servers [--database mariadb|mysql9|sqlite] COMMAND [ARG ...]

starts Redis and the database, runs the command with `REDIS_URL` and `DATABASE_URL` set, and stops
them again. Exit status: the command's. Nothing outside the folder is touched, and only processes
started here are ended (harness/servers.py).
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from argparse import REMAINDER, Namespace
from contextlib import ExitStack
from pathlib import Path

from config import env
from coupons.management.arguments import SentenceParser
from tests.harness import servers


def parser() -> SentenceParser:
    whole = SentenceParser(prog="python -m tests.servers", description=__doc__)
    whole.add_argument("--database", choices=servers.DATABASES, default="mariadb")
    whole.add_argument("command", nargs=REMAINDER, help="what to run, and its arguments")
    return whole


def _asked(words: list[str]) -> Namespace:
    asked = parser().parse_args(words)
    if not asked.command:
        parser().error("the following arguments are required: command")
    if shutil.which(asked.command[0]) is None:
        parser().error(f"there is no program {asked.command[0]!r}")
    if asked.database == "mysql9" and not Path(os.environ.get("MYSQL9_SCRIPT", "?")).is_file():
        parser().error("mysql9 needs MYSQL9_SCRIPT, a script that starts and stops one")
    return asked


def main() -> int:
    asked = _asked(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # stops the servers, as Ctrl-C does
    with tempfile.TemporaryDirectory(prefix="coupons-") as name, ExitStack() as stack:
        folder = Path(name)
        database = servers.DATABASES[asked.database]
        urls = {
            "REDIS_URL": stack.enter_context(servers.start_redis(folder / "redis")),
            "DATABASE_URL": stack.enter_context(database(folder / "database")),
        }
        for variable, url in urls.items():
            print(f"{variable}={url}", flush=True)
        return subprocess.run(asked.command, env=_given() | urls, check=False).returncode


def _given() -> dict[str, str]:
    """What the command inherits beside the addresses: no broker of the shell's, no file of
    settings of this laptop's, and nothing that importing `config` has added here."""
    given = {name: value for name, value in env.GIVEN.items() if name != "CELERY_BROKER_URL"}
    return given | {"ENV_FILES": os.devnull}


if __name__ == "__main__":
    sys.exit(main())
