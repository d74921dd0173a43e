"""`python -m tests.fuzz [--inputs N] [--only NAME]`: odd inputs for every decoder, drawn by
Hypothesis.

A line for each decoder: inputs, accepted, refused, and what was neither. Exit status 1 if anything
was.
"""

import os
import sys
import time

import django

from coupons.management.arguments import SentenceParser, Text, Whole

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()  # the modules of the decoders need it

from tests.fuzz.decoders import DECODERS  # noqa: E402
from tests.fuzz.drawing import try_decoder  # noqa: E402


def parser() -> SentenceParser:
    made = SentenceParser(prog="python -m tests.fuzz", description="Odd inputs for every decoder.")
    made.add_argument("--inputs", type=Whole(1, 10**9), default=20_000, help="in all")
    made.add_argument("--only", type=Text(64), help="the decoder of this name")
    return made


def main() -> int:
    asked = parser().parse_args()
    chosen = [one for one in DECODERS if asked.only in (None, one.name)]
    if not chosen:
        parser().error(f"there is no decoder {asked.only!r}")
    each, faults, began_s = -(-asked.inputs // len(chosen)), 0, time.monotonic()
    for decoder in chosen:
        found = try_decoder(decoder, each)
        faults += len(found.unexpected)
        print(found.sentence(), flush=True)
    spent_s = time.monotonic() - began_s
    print(f"{each * len(chosen):,} inputs in {spent_s:.0f} s, {faults} unexpected.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
