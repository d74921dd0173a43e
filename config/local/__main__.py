"""`python -m config.local run|demo`: what `make run` and `make demo` call."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from config import env
from config.local import interruption, screen, site
from config.local.demo import Play, demo
from config.local.run import run
from config.local.trouble import Stopped, Trouble

INTERRUPTED = 130  # as a shell counts a Ctrl-C


def main() -> int:
    asked = _arguments()
    interruption.listen()
    try:
        given = site.given()
        site.demand_addresses(given)
        site.demand_driver(given)
        return VERBS[asked.verb](asked)
    except Trouble as trouble:
        screen.complain(str(trouble))
        return 1
    except Stopped:
        screen.say("Everything is stopped.")
        return 0 if asked.verb == "run" else INTERRUPTED


def _run(asked: argparse.Namespace) -> int:
    return run(asked.folder.resolve())


def _demo(asked: argparse.Namespace) -> int:
    return demo(Play(asked.users, asked.stock, asked.connections, asked.impatient, asked.record))


VERBS: dict[str, Callable[[argparse.Namespace], int]] = {"run": _run, "demo": _demo}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m config.local")
    verbs = parser.add_subparsers(dest="verb", required=True)
    serve = verbs.add_parser("run", help="serve everything until Ctrl-C")
    serve.add_argument("--folder", type=Path, default=env.BASE_DIR / "var")
    play = verbs.add_parser("demo", help="play an opening and judge it")
    play.add_argument("--users", type=_positive, default=env.integer("DEMO_USERS", 10_000, low=1))
    play.add_argument("--stock", type=_positive, default=env.integer("DEMO_STOCK", 1_000, low=1))
    play.add_argument("--connections", type=_positive, default=128)
    play.add_argument("--impatient", type=_share, default=0.2, help="share that asks twice")
    play.add_argument("--record", type=Path, default=Path("build/demo.json"))
    return parser.parse_args()


def _positive(said: str) -> int:
    number = int(said)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not positive")
    return number


def _share(said: str) -> float:
    share = float(said)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{said} is not between 0 and 1")
    return share


if __name__ == "__main__":
    sys.exit(main())
