"""`python -m tests.load.load_options`, with locust/ on the path: every option of a load run with
wrong values; prints as JSON what was not refused in a sentence. A process of its own, since Locust
changes the one that imports it."""

# isort: off
from locust.argument_parser import LocustArgumentParser

# isort: on
import json
import tempfile
from functools import partial
from importlib import import_module
from pathlib import Path

from tests.options.walk import (
    Files,
    Try,
    all_options,
    fault_of_refusal,
    run_and_capture,
    wrong_values,
)


def main() -> None:
    parser = LocustArgumentParser(prog="locust")
    import_module("options").add_options(parser)
    faults, count = {}, 0
    with tempfile.TemporaryDirectory() as folder:
        files = Files(Path(folder))
        for _, action in all_options(parser):
            for value in wrong_values(action, files):
                words = Try((), action, ()).command_line(value, [])
                count += 1
                refusal = run_and_capture(partial(parser.parse_args, words))
                if wrong := fault_of_refusal(*refusal):
                    faults[words[0][:80]] = wrong
    print(json.dumps({"faults": faults, "count": count}))


if __name__ == "__main__":
    main()
