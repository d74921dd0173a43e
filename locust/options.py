"""What a run can be told: by command line, environment, and the fields of the web form."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from shapes import SCENARIOS

TOP = Path(__file__).resolve().parent.parent


def add(parser: Any, **_: Any) -> None:
    """Locust's parser: all but the last few are shown in the web form."""
    parser.add_argument("--scenario", choices=list(SCENARIOS), default="opening")
    parser.add_argument("--stock", type=int, default=1000, help="coupons to give away")
    parser.add_argument("--strategy", choices=["queued", "direct"], default="queued")
    parser.add_argument(
        "--campaign", default="", help="one that is there already; empty: made for this run"
    )
    parser.add_argument("--seconds", type=float, default=10, help="in which people come")
    parser.add_argument("--warm-up", type=float, default=3, help="seconds that do not count")
    parser.add_argument(
        "--gather", type=float, default=0, help="seconds from start to opening; 0: by the users"
    )
    parser.add_argument(
        "--connections", type=int, default=256, help="per load process; 0: everybody their own"
    )
    parser.add_argument("--patience", type=float, default=10, help="seconds a person waits")
    parser.add_argument("--storing", type=float, default=60, help="seconds until all is stored")
    hidden = {"include_in_web_ui": False}
    parser.add_argument("--ready", type=int, default=0, help="tokens made before", **hidden)
    parser.add_argument("--ask-back", type=int, default=200, help="people asked again", **hidden)
    parser.add_argument("--manage", default=str(TOP / "manage.py"), help="the site's own", **hidden)
    parser.add_argument("--name", default="", help="slug of the campaign to make", **hidden)
    parser.add_argument("--record", default="", help="file of the record", **hidden)
    # Told to the workers by the master.
    parser.add_argument("--opens-at", type=float, default=0, help="not for people", **hidden)


def gather_s(said: Namespace) -> float:
    """Long enough to make the stock, and for everyone to be there and have looked at the page."""
    return float(said.gather or 4 + said.num_users / 400 + said.stock / 50_000)


def warm_up_s(said: Namespace) -> float:
    return float(said.warm_up) if SCENARIOS[said.scenario].warms_up else 0.0
