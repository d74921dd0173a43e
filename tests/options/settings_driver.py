"""`python -m tests.options.settings_driver`: reads [[name, value], …] from standard input, imports
the settings with each, and prints as JSON [[exit status, standard error], …].

It forks for each value, and the child imports only config/: importing the rest takes a second.
"""

import json
import os
import sys
import tempfile
import traceback
from importlib import import_module

READERS = (
    "config.settings", "config.metrics.multiprocess", "config.tracing",
    "config.development.__main__", "config.development.run",
)  # fmt: skip


def main() -> None:
    cases = json.load(sys.stdin)
    for name in READERS:
        import_module(name)
    print(json.dumps([refusal_of(name, value) for name, value in cases]))


def refusal_of(name: str, value: str) -> tuple[int, str]:
    with tempfile.TemporaryFile("w+") as said:
        child = os.fork()
        if not child:
            os.dup2(said.fileno(), sys.stderr.fileno())
            os.environ[name] = value
            _read_anew()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        said.seek(0)
        return os.waitstatus_to_exitcode(status), said.read()


def _read_anew() -> None:
    """Print the error as Python does for a program whose import fails."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "config"]:
        del sys.modules[name]
    try:
        for name in READERS:
            import_module(name)
        import_module("config.development.__main__").parser()
        import_module("config.development.listen_ports").ports_of_settings(os.environ)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        traceback.print_exc()
        os._exit(1)


if __name__ == "__main__":
    main()
