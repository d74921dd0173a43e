"""The options of a run: command line, environment, and fields of the web form."""

from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Any

from option_types import Number, Whole, campaign_name, input_file, output_file, refuse_option
from scenarios import SCENARIOS
from site_address import NoAddress, site_address

TOP = Path(__file__).resolve().parent.parent
COUNT, NO_COUNT = Whole(1, 10_000_000), Whole(0, 10_000_000)  # NO_COUNT may be 0
SECONDS, NO_SECONDS = Number(0.1, 86_400), Number(0, 86_400)


def _as_text(reader: Callable[[str], Path]) -> Callable[[str], str]:
    """Return text: options that a master sends to its workers can't contain a Path."""

    @wraps(reader)
    def read_as_text(text: str) -> str:
        return str(reader(text))

    return read_as_text


def add_options(parser: Any, **_: Any) -> None:
    """Add our options to Locust's parser. The last few are not shown in the web form."""
    parser.prog, parser.error = "locust", partial(refuse_option, parser)
    for action in parser._actions:
        if action.dest == "num_users":  # Locust's own option, which accepts any number
            action.type = COUNT
    add = parser.add_argument
    add("--scenario", choices=list(SCENARIOS), default="opening")
    add("--stock", type=COUNT, default=1000, help="coupons to give away")
    add("--strategy", choices=["queued", "direct"], default="queued")
    add(
        "--campaign",
        type=campaign_name,
        default="",
        help="slug of an existing campaign; empty: create one",
    )
    add("--merchants", type=merchants_address, default="",
        help="for redeem: address of the merchants' door; empty: that of make run")  # fmt: skip
    add("--seconds", type=SECONDS, default=10, help="seconds in which people arrive")
    add("--warm-up", type=NO_SECONDS, default=3, help="seconds left out of the figures")
    add("--gather", type=NO_SECONDS, default=0, help="seconds until the opening; 0: computed")
    add("--connections", type=Whole(0, 100_000), default=256,
        help="per load process; 0: one for each user")  # fmt: skip
    add("--patience", type=SECONDS, default=10, help="timeout of a request, seconds")
    add("--storing", type=NO_SECONDS, default=60, help="longest wait for storing, seconds")
    hidden = {"include_in_web_ui": False}
    add("--ready", type=NO_COUNT, default=0, help="tokens to create in advance", **hidden)
    add("--ask-back", type=NO_COUNT, default=200, help="claims to query from the API", **hidden)
    # No default path: a pure load generator host has no site next to this folder.
    add("--manage", type=_as_text(input_file), help="the site's manage.py", **hidden)
    add("--peer", action="store_true", help="the site is a peer of the comparison", **hidden)
    add("--name", type=campaign_name, default="", help="slug of the campaign to create", **hidden)
    add("--record", type=_as_text(output_file), help="file to write the record to", **hidden)
    # Sent to the workers by the master.
    add("--opens-at", type=Number(0, 1e11), default=0, help="set by the master", **hidden)


def merchants_address(text: str) -> str:
    """An address of the merchants' door; empty: none."""
    try:
        return site_address(text) if text else ""
    except NoAddress as error:
        raise ArgumentTypeError(str(error)) from None


def manage_of(options: Namespace) -> Path:
    """The site's `manage.py`: the option's, or the one next to this folder."""
    return Path(options.manage or TOP / "manage.py")


def gather_s(options: Namespace) -> float:
    """Seconds to the opening: enough to create the stock, start all users and open the page."""
    return float(options.gather or 4 + options.num_users / 400 + options.stock / 50_000)


def warm_up_s(options: Namespace) -> float:
    return float(options.warm_up) if SCENARIOS[options.scenario].warms_up else 0.0
