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
    options = parser().parse_args()
    signals.note_signals()
    try:
        given_env = environment.given_environment()
        environment.demand_addresses(given_env)
        environment.demand_driver(given_env)
        return VERBS[options.verb](options)
    except Trouble as trouble:
        screen.say_error(str(trouble))
        return trouble.status
    except Stopped:
        screen.say("Everything is stopped.")
        return 0 if options.verb == "run" else INTERRUPTED


def _run(options: Namespace) -> int:
    return run_site(options.folder.resolve())


def _demo(options: Namespace) -> int:
    return run_demo(
        Play(options.users, options.stock, options.connections, options.impatient, options.record)
    )


VERBS: dict[str, Callable[[Namespace], int]] = {"run": _run, "demo": _demo}


def parser() -> SentenceParser:
    commands = SentenceParser(prog="python -m config.development")
    verbs = commands.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser("run", help="serve everything until Ctrl-C")
    run.add_argument("--folder", type=output_folder, default=env.BASE_DIR / "var")
    demo = verbs.add_parser("demo", help="play an opening and judge it")
    demo.add_argument(
        "--users", type=Whole(1, MOST), default=env.integer("DEMO_USERS", 10_000, low=1, high=MOST)
    )
    demo.add_argument(
        "--stock", type=Whole(1, MOST), default=env.integer("DEMO_STOCK", 1_000, low=1, high=MOST)
    )
    demo.add_argument("--connections", type=Whole(1, 10_000), default=128)
    demo.add_argument("--impatient", type=Number(0, 1), default=0.2, help="share that asks twice")
    demo.add_argument("--record", type=output_file, default=Path("build/demo.json"))
    return commands


if __name__ == "__main__":
    sys.exit(main())
