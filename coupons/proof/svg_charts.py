"""Pictures of a report as SVG, drawn here: no library, no script, no style sheet needed.

Lines differ by their dashes, areas by their hatching, and each has its name beside it, so that they
are read in black and white. Colours are the text's (`currentColor`): light and dark alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import escape

WIDTH, HEIGHT = 480, 230  # small enough that its texts can be read on a phone
LEFT, RIGHT, TOP, BOTTOM = 62, 96, 16, 36
_INNER_W, _INNER_H = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
_TEXT = 'font-size="13" fill="currentColor" font-family="sans-serif"'
_TICKS = 5
_LEAST_APART = 8  # marks of a time line that are closer have one label
_HATCHING = (
    '<defs><pattern id="{}" width="5" height="5" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)"><line x1="0" y1="0" x2="0" y2="5" stroke="currentColor" '
    'stroke-width="1.5"/></pattern></defs>'
)


@dataclass(frozen=True, slots=True)
class Line:
    """`dashes`: SVG's dash pattern; empty: solid."""

    name: str
    values: Sequence[float]
    dashes: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment on a time line. `fraction` of its width, from 0 to 1."""

    label: str
    fraction: float


def draw_lines(title: str, lines: Sequence[Line], x_ends: tuple[str, str]) -> str:
    """Curves over time; `x_ends`: the texts below the ends of the time axis."""
    most = _round_top(max([1.0, *(value for line in lines for value in line.values)]))
    drawn, last_y = [_axes(most, x_ends)], -99.0
    for line in sorted(lines, key=lambda one: -(one.values[-1] if one.values else 0)):
        step = _INNER_W / max(1, len(line.values) - 1)
        points = " ".join(
            f"{LEFT + number * step:.1f},{_y(value, most):.1f}"
            for number, value in enumerate(line.values)
        )
        dashes = f' stroke-dasharray="{line.dashes}"' if line.dashes else ""
        paint = f'fill="none" stroke="currentColor" stroke-width="2"{dashes}'
        drawn.append(f'<polyline points="{points}" {paint}/>')
        end_y = _y(line.values[-1] if line.values else 0, most)
        last_y = max(end_y, last_y + 16)  # names that would lie on each other
        name_x = LEFT + _INNER_W + 6
        drawn.append(f'<text x="{name_x}" y="{last_y + 4:.0f}" {_TEXT}>{escape(line.name)}</text>')
    return _picture(title, "".join(drawn))


def draw_bars(
    title: str,
    picture_id: str,
    wholes: Sequence[float],
    parts: Sequence[float],
    names: tuple[str, str],
    x_labels: Sequence[str],
) -> str:
    """Bars, each with a filled part at its foot; the rest is hatched. `names` of rest and part;
    `picture_id`: unlike those of other pictures on the page."""
    most = _round_top(max([1.0, *wholes]))
    width = _INNER_W / max(1, len(wholes))
    hatched = f"url(#{picture_id})"
    drawn = [_HATCHING.format(picture_id), _axes(most, ("", ""))]
    for number, (whole, part) in enumerate(zip(wholes, parts, strict=True)):
        x = LEFT + number * width
        drawn.append(_bar(x, width, whole, most, f'fill="{hatched}" stroke="currentColor"'))
        drawn.append(_bar(x, width, part, most, 'fill="currentColor"'))
    every = max(1, -(-len(x_labels) // 6))
    for number, label in enumerate(x_labels):
        if number % every == 0:
            x = LEFT + (number + 0.5) * width
            drawn.append(_centred(x, HEIGHT - BOTTOM + 18, label))
    for number, (name, fill) in enumerate(zip(names, (hatched, "currentColor"), strict=True)):
        if not name:
            continue
        x, y = LEFT + _INNER_W + 8, TOP + 22 * number
        drawn.append(
            f'<rect x="{x}" y="{y}" width="12" height="12" fill="{fill}" stroke="currentColor"/>'
            f'<text x="{x + 18}" y="{y + 11}" {_TEXT}>{escape(name)}</text>'
        )
    return _picture(title, "".join(drawn))


def draw_time_line(title: str, marks: Sequence[Mark], ends: tuple[str, str]) -> str:
    """Numbered marks on a line; those close together stand above each other, and those at one
    place have one label, `3–5`."""
    clusters = _clusters(marks)
    levels = _levels([(x, _label_width(label)) for x, label in clusters])
    y = 40 + 22 * max([2, *levels])
    height, end_x = y + 36, WIDTH - 20
    drawn = [f'<line x1="20" y1="{y}" x2="{end_x}" y2="{y}" stroke="currentColor"/>']
    for (x, label), level in zip(clusters, levels, strict=True):
        top = y - 18 - 22 * level
        drawn.append(
            f'<line x1="{x:.1f}" y1="{y}" x2="{x:.1f}" y2="{top}" stroke="currentColor"/>'
            f'<circle cx="{x:.1f}" cy="{y}" r="4" fill="currentColor"/>'
            + _centred(x, top - 4, label)
        )
    drawn.append(f'<text x="20" y="{y + 24}" {_TEXT}>{escape(ends[0])}</text>')
    drawn.append(
        f'<text x="{WIDTH - 20}" y="{y + 24}" text-anchor="end" {_TEXT}>{escape(ends[1])}</text>'
    )
    return _picture(title, "".join(drawn), height=height)


def _clusters(marks: Sequence[Mark]) -> list[tuple[float, str]]:
    """Where each label stands, and what it says; in the order of the line."""
    clusters: list[tuple[float, list[str]]] = []
    for mark in sorted(marks, key=lambda one: one.fraction):
        x = 20 + (WIDTH - 40) * min(max(mark.fraction, 0), 1)
        if clusters and x - clusters[-1][0] < _LEAST_APART:
            clusters[-1][1].append(mark.label)
        else:
            clusters.append((x, [mark.label]))
    return [
        (x, labels[0] if len(labels) == 1 else f"{labels[0]}–{labels[-1]}")
        for x, labels in clusters
    ]


def _label_width(label: str) -> float:
    return 8.0 * len(label) + 6


def _levels(labels: Sequence[tuple[float, float]]) -> list[int]:
    """For each label (its middle, its width) the lowest level where it covers no other."""
    ends: list[float] = []
    levels = []
    for x, width in labels:
        free = [level for level, end in enumerate(ends) if end <= x - width / 2]
        level = free[0] if free else len(ends)
        ends[level : level + 1] = [x + width / 2]
        levels.append(level)
    return levels


def _picture(title: str, drawn: str, *, height: int = HEIGHT) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{escape(title)}">{drawn}</svg>'
    )


def _axes(most: float, x_ends: tuple[str, str]) -> str:
    drawn = []
    for number in range(_TICKS):
        value = most * number / (_TICKS - 1)
        y = _y(value, most)
        drawn.append(
            f'<line x1="{LEFT}" y1="{y:.1f}" x2="{LEFT + _INNER_W}" y2="{y:.1f}" '
            'stroke="currentColor" stroke-opacity="0.25"/>'
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" {_TEXT}>{_short(value)}</text>'
        )
    y = HEIGHT - BOTTOM + 18
    drawn.append(f'<text x="{LEFT}" y="{y}" {_TEXT}>{escape(x_ends[0])}</text>')
    drawn.append(
        f'<text x="{LEFT + _INNER_W}" y="{y}" text-anchor="end" {_TEXT}>{escape(x_ends[1])}</text>'
    )
    return "".join(drawn)


def _bar(x: float, width: float, value: float, most: float, paint: str) -> str:
    top = _y(value, most)
    height = TOP + _INNER_H - top
    return (
        f'<rect x="{x + 0.1 * width:.1f}" y="{top:.1f}" width="{0.8 * width:.1f}" '
        f'height="{height:.1f}" {paint}/>'
    )


def _centred(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle" {_TEXT}>{escape(text)}</text>'


def _y(value: float, most: float) -> float:
    return TOP + _INNER_H * (1 - value / most)


def _round_top(most: float) -> float:
    """The end of an axis whose ticks are round numbers, not below `most`."""
    step = 1.0
    while True:
        for times in (1, 2, 2.5, 5):
            top = times * step * (_TICKS - 1)
            if top >= most and top == int(top):
                return top
        step *= 10


def _short(value: float) -> str:
    """`1,250`, `12.5k`, `3M`: what fits beside an axis."""
    for size, unit in ((1_000_000, "M"), (10_000, "k")):
        if value >= size:
            shown = value / (1_000 if unit == "k" else size)
            return f"{shown:.4g}{unit}"
    return f"{value:,.4g}" if value == int(value) else f"{value:.1f}"
