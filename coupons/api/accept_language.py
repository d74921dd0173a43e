"""Accept-Language, RFC 9110 section 12.5.4: which of the supported languages a client prefers.

The cost is bounded for any header: only its first part is read. Django's own parser rejects a
whole header for one malformed range and reads `q=0` as a low preference, so it is not used.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

_LONGEST = 1000  # characters that are read; a browser sends less than 100
_MOST = 100  # ranges that are read
# A language range and its weight, as the RFC writes them (section 12.4.2 for the weight).
_RANGE = re.compile(
    r"[ \t]*(\*|[a-z]{1,8}(?:-[a-z0-9]{1,8})*)"
    r"(?:[ \t]*;[ \t]*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?[ \t]*",
    re.ASCII | re.IGNORECASE,
)


def preferred_language(header: str, supported: Sequence[str]) -> str:
    """The supported language with the highest weight; at equal weights the one named first.

    The first of `supported` is the default: for a client that accepts none, or all alike.
    """
    return _preferred(header[: _LONGEST + 1], tuple(supported))


@lru_cache(maxsize=1024)  # browsers send a few hundred different ones
def _preferred(header: str, supported: tuple[str, ...]) -> str:
    weights = _weights(_elements(header))
    rest = weights.get("*", (0.0, 0))
    weight_by_language = {language: _weight_of(language, weights, rest) for language in supported}
    # `max` returns the first of equal ones.
    best = max(supported, key=lambda language: weight_by_language[language])
    return best if weight_by_language[best][0] > 0 else supported[0]


def _elements(header: str) -> list[str]:
    """The comma-separated elements; one that may have been cut off is left out."""
    elements = header[:_LONGEST].split(",", _MOST)
    cut = len(header) > _LONGEST or len(elements) > _MOST
    return elements[:-1] if cut else elements


def _weights(elements: Sequence[str]) -> dict[str, tuple[float, int]]:
    """Range -> (weight, minus its position). Malformed ranges are ignored; of two equal ones the
    first counts."""
    weights: dict[str, tuple[float, int]] = {}
    for position, element in enumerate(elements, 1):
        if match := _RANGE.fullmatch(element):
            weights.setdefault(match[1].lower(), (float(match[2] or 1), -position))
    return weights


def _weight_of(
    language: str, weights: dict[str, tuple[float, int]], rest: tuple[float, int]
) -> tuple[float, int]:
    """The weight of the language itself or of a variant (`en-GB`), whichever is higher; that of `*`
    if neither is named."""
    own = weights.get(language)
    dialects = [w for name, w in weights.items() if name.startswith(f"{language}-") and w[0] > 0]
    named = [own, *dialects] if own else dialects
    return max(named) if named else rest
