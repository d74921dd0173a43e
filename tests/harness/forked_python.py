"""Short programs (`python -c CODE`, `python -m MODULE`, `python FILE`) as processes forked from one
that has imported Django and Celery already, and nothing of ours.

A start takes a tenth of the processor time. The program gets its environment, working directory
and output as a new process does, and imports `config` and `coupons` itself. Not for programs whose
imports of other people's packages read the environment: those in IMPORTED are imported before.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import ModuleType

# prometheus_client is not among them: it reads its folder's name when it is imported.
IMPORTED = (
    "celery.app.amqp", "celery.app.base", "celery.worker", "click", "dj_database_url",
    "django.core.management", "django.core.management.commands.check", "django.core.wsgi",
    "django.db.backends.mysql.base", "django.db.backends.sqlite3.base", "django.forms",
    "django.template.defaulttags", "django.utils.translation", "django.views.generic", "jwt",
    "kombu.transport.redis", "orjson", "redis",
)  # fmt: skip
LONGEST_REQUEST = 150_000  # bytes


def run_python(
    *words: str, env: Mapping[str, str], cwd: Path, timeout_s: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run `python *words` with this environment to its end. Raises TimeoutError."""
    request = json.dumps({"words": words, "env": dict(env), "cwd": str(cwd)}).encode()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as error:
        status = _server().run_request(request, [out.fileno(), error.fileno()], timeout_s)
        texts = []
        for file in (out, error):
            file.seek(0)
            texts.append(file.read().decode())
        return subprocess.CompletedProcess(words, status, *texts)


class _Server:
    """The process that is forked, at this end of its socket."""

    def __init__(self) -> None:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            # -I: nothing of this checkout can be imported there by accident.
            command = [sys.executable, "-I", __file__]
            self._process = subprocess.Popen(command, stdin=theirs.fileno(), start_new_session=True)
        atexit.register(self.end)

    def run_request(self, request: bytes, files: list[int], timeout_s: float) -> int:
        """The exit status."""
        self._channel.settimeout(timeout_s)
        try:
            socket.send_fds(self._channel, [request], files)
            return int(self._channel.recv(100))
        except TimeoutError:
            self.end()
            _server.cache_clear()
            raise

    def end(self) -> None:
        """With the program that it runs."""
        self._channel.close()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


_server = cache(_Server)


def _serve() -> list[str]:
    """In the server: fork for each request. Returns in each child, with the words it is to run."""
    for name in IMPORTED:
        importlib.import_module(name)
    gc.freeze()
    channel = socket.socket(fileno=os.dup(0))
    while True:
        request, files, _, _ = socket.recv_fds(channel, LONGEST_REQUEST, 2)
        if not request:
            sys.exit()
        child = os.fork()
        if not child:
            channel.close()
            return _become(json.loads(request), files)
        for file in files:
            os.close(file)
        _, status = os.waitpid(child, 0)
        channel.send(str(os.waitstatus_to_exitcode(status)).encode())


def _become(request: dict[str, object], files: list[int]) -> list[str]:
    """Take over what the request says. Returns its words."""
    words, env, cwd = request["words"], request["env"], request["cwd"]
    assert isinstance(words, list)
    assert isinstance(env, dict)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, file in enumerate(files, 1):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(str(cwd))
    sys.path[:0] = [path for path in env.get("PYTHONPATH", "").split(os.pathsep) if path]
    return words


def _run(first: str, *words: str) -> None:
    """What Python does with its command line."""
    if first == "-c":
        sys.argv, sys.path[:0] = ["-c", *words[1:]], [""]
        main = sys.modules["__main__"] = ModuleType("__main__")
        exec(compile(words[0], "<string>", "exec"), vars(main))
    elif first == "-m":
        sys.argv, sys.path[:0] = list(words), [str(Path.cwd())]
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv, sys.path[:0] = [first, *words], [str(Path(first).resolve().parent)]
        runpy.run_path(first, run_name="__main__")


if __name__ == "__main__":
    _run(*_serve())
