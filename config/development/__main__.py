"""`python -m config.development run|demo`: what `make run` and `make demo` call."""

import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from config import env
from config.development import environment
from config.development.demo.opening import Play, run_demo
from config.development.process import screen, signals
from config.development.process.errors import Stopped, Trouble
from config.development.run import run_site
from coupons.management.arguments import Number, SentenceParser, Whole, output_file, output_folder

MOST = 10_000_000  # people, or coupons
INTERRUPTED = 130  # a shell's exit status for Ctrl-C


def main() -> int:
    asked = parser().parse_args()
    signals.note_signals()
    try:
        given = environment.given_environment()
        environment.demand_addresses(given)
        environment.demand_driver(given)
        return VERBS[asked.verb](asked)
    except Trouble as trouble:
        screen.say_error(str(trouble))
        return trouble.status
    except Stopped:
        screen.say("Everything is stopped.")
        return 0 if asked.verb == "run" else INTERRUPTED


def _run(asked: Namespace) -> int:
    return run_site(asked.folder.resolve())


def _demo(asked: Namespace) -> int:
    return run_demo(
        Play(asked.users, asked.stock, asked.connections, asked.impatient, asked.record)
    )


VERBS: dict[str, Callable[[Namespace], int]] = {"run": _run, "demo": _demo}


def parser() -> SentenceParser:
    whole = SentenceParser(prog="python -m config.development")
    verbs = whole.add_subparsers(dest="verb", required=True)
    serve = verbs.add_parser("run", help="serve everything until Ctrl-C")
    serve.add_argument("--folder", type=output_folder, default=env.BASE_DIR / "var")
    play = verbs.add_parser("demo", help="play an opening and judge it")
    play.add_argument(
        "--users", type=Whole(1, MOST), default=env.integer("DEMO_USERS", 10_000, low=1, high=MOST)
    )
    play.add_argument(
        "--stock", type=Whole(1, MOST), default=env.integer("DEMO_STOCK", 1_000, low=1, high=MOST)
    )
    play.add_argument("--connections", type=Whole(1, 10_000), default=128)
    play.add_argument("--impatient", type=Number(0, 1), default=0.2, help="share that asks twice")
    play.add_argument("--record", type=output_file, default=Path("build/demo.json"))
    return whole


if __name__ == "__main__":
    sys.exit(main())
