"""No setting is in `request.META`: granian copies the whole environment into each request."""

import json
import subprocess
import sys

import pytest

from config import env
from tests.config.test_settings import PRODUCTION

# Granian's own wrapper, around our application's place; what it hands to it as `environ`.
PROGRAM = """
import json, multiprocessing, os, sys
multiprocessing.current_process().name = sys.argv[1]
from config import wsgi
from granian import wsgi as granian
seen = {}
run = granian._callback_wrapper(lambda environ, start: seen.update(environ) or [b""], {})
class Protocol:
    def response_bytes(self, *_): pass
run(Protocol(), {"PATH_INFO": "/"})
print(json.dumps({name: str(value) for name, value in seen.items()}))
"""


def environ_of(process: str) -> dict[str, str]:
    settings = PRODUCTION | {"DOOR": "users", "PROMETHEUS_MULTIPROC_DIR": "", "TZ": "UTC"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, process], cwd=env.BASE_DIR, env=settings, check=True,
        capture_output=True, text=True,
    )  # fmt: skip
    environ: dict[str, str] = json.loads(done.stdout)
    return environ


def test_19_a_request_carries_no_setting() -> None:
    environ = environ_of("granian-worker")
    assert environ.keys() & PRODUCTION.keys() == {"PATH"} & PRODUCTION.keys()
    assert not [name for name in environ if "SECRET" in name or "KEY" in name or "URL" in name]
    assert "TZ" in environ, "libraries read it later"


@pytest.mark.parametrize("name", ["SECRET_KEY", "COUPON_KEYS", "DATABASE_URL"])
def test_19_negative_control_without_it_granian_hands_them_to_every_request(name: str) -> None:
    assert environ_of("another")[name] == PRODUCTION[name]
