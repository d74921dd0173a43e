"""Inputs for one decoder, drawn by Hypothesis, and what came of them."""

from dataclasses import dataclass, field

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz.decoders import Decoder
from tests.fuzz.mutations import odd_input

AT_ONCE = 25  # inputs for each number that Hypothesis draws: drawing costs more than most decoders
MOST_KEPT = 5


@dataclass(slots=True)
class Found:
    """`unexpected`: by the error's type and place, one input each."""

    name: str
    inputs: int = 0
    accepted: int = 0
    refused: int = 0
    unexpected: dict[str, bytes] = field(default_factory=dict)

    def sentence(self) -> str:
        counts = f"{self.inputs:,} inputs, {self.accepted:,} accepted, {self.refused:,} refused"
        return f"{self.name}: {counts}, {len(self.unexpected)} unexpected {self.unexpected or ''}"


def try_input(decoder: Decoder, data: bytes, found: Found) -> None:
    found.inputs += 1
    try:
        accepted = decoder.read(data)
    except decoder.refusals:
        accepted = None
    except Exception as error:
        if len(found.unexpected) < MOST_KEPT:
            found.unexpected.setdefault(f"{type(error).__name__}: {error}"[:120], data)
        return
    if accepted:
        found.accepted += 1
    else:
        found.refused += 1


def try_decoder(decoder: Decoder, inputs: int) -> Found:
    """At least so many inputs."""
    found = Found(decoder.name)

    @seed(19)
    @settings(
        max_examples=-(-inputs // AT_ONCE), deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.integers(0, 2**64))
    def draw(number: int) -> None:
        for offset in range(AT_ONCE):
            try_input(decoder, odd_input(number + offset, decoder.seeds), found)

    draw()
    return found
