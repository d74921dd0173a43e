"""A program that is forked from a warm Python ends as one that is started: what other tests rely on
when they start programs so (`harness/forked_python.py`)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config import env
from tests.config.test_settings import PRODUCTION
from tests.harness.forked_python import run_python

ENVIRONMENT = {name: os.environ[name] for name in ("PATH",) if name in os.environ}
PROGRAMS: dict[str, tuple[list[str], dict[str, str]]] = {
    "settings": (["-c", "from config import settings; print(settings.DEBUG)"], PRODUCTION),
    "a wrong setting": (["-c", "import config.settings"], {"DRAIN_BATCH": "0"}),
    "an error": (["-c", "import config.wsgi; raise ValueError('no')"], {}),
    "a status": (["-c", "import sys; print(sys.argv, file=sys.stderr); sys.exit(3)", "-x"], {}),
    "a module": (["-m", "config.development", "--help"], {}),
    "a module with a wrong setting": (["-m", "celery", "-A", "config", "report"],
                                      {"REDIS_URL": "http://:pa/ss@h"}),
    "a file": (["manage.py", "user_token", "mina", "--nosuch"], {}),
    "at its end": (["-c", "import atexit, sys; atexit.register(print, sys.path[0], __name__)"], {}),
    "what it can import": (["-c", "import nosuch"], {"PYTHONPATH": "/nosuch"}),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_forked_program_ends_as_a_new_process_does(name: str) -> None:
    words, given = PROGRAMS[name]
    given = ENVIRONMENT | given
    forked = run_python(*words, env=given, cwd=env.BASE_DIR)
    started = subprocess.run(
        [sys.executable, *words], env=given, cwd=env.BASE_DIR, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (forked.returncode, forked.stdout) == (started.returncode, started.stdout)
    assert forked.stderr.splitlines()[-1:] == started.stderr.splitlines()[-1:]


def test_it_begins_without_anything_of_ours() -> None:
    code = "import sys; print([name for name in sys.modules if name.partition('.')[0] in OURS])"
    ours = "OURS = ('config', 'coupons', 'provisioning', 'tests', 'prometheus_client')\n"
    assert run_python("-c", ours + code, env={}, cwd=Path("/")).stdout == "[]\n"


def test_one_that_hangs_is_ended_and_the_next_one_runs() -> None:
    with pytest.raises(TimeoutError):
        run_python("-c", "import time; time.sleep(60)", env={}, cwd=Path("/"), timeout_s=1)
    assert run_python("-c", "print(1)", env={}, cwd=Path("/")).stdout == "1\n"
