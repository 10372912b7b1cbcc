"""Fits names and ticks into the room of a chart."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LETTER, _LINE = 6.6, 15.0
_GAP = 10.0


class Point(NamedTuple):
    """A point at `x`, `y` in pixels from the upper left corner, and its name."""

    x: float
    y: float
    name: str


class _Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float


def shortened(name: str, *, letters: int) -> str:
    """Leave out the middle of a long name: models differ at their ends."""
    if len(name) <= letters:
        return name
    head = (letters - 1) // 2
    return f"{name[:head]}…{name[len(name) - (letters - 1 - head) :]}"


def log_ticks(low: float, high: float, *, most: int) -> list[float]:
    """List round numbers between two positive ones: 1, 3, 10 …, or only tens where too many."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for steps in ((1, 2, 5), (1, 3), (1,)):
        ticks = [
            step * 10.0**power
            for power in range(first, last + 1)
            for step in steps
            if low <= step * 10.0**power <= high
        ]
        if len(ticks) <= most:
            return [round(tick, 12) for tick in ticks]
    return ticks[:: -(-len(ticks) // most)]


def some(names: Sequence[str], *, most: int) -> list[str]:
    """Pick evenly among names, the last included, at most so many."""
    step = max(1, -(-len(names) // most))
    return list(names[::-1][::step])[::-1]


def placed(points: Sequence[Point], *, width: float, left: float = 0.0) -> tuple[str, ...]:
    """Choose a side for each name, the first points first: right, left, above and so on, or "".

    Names stand between `left` and `width`.
    """
    taken = [_Box(one.x - 6, one.y - 6, one.x + 6, one.y + 6) for one in points]
    sides: list[str] = []
    for one in points:
        side, box = next(
            (
                (side, box)
                for side, box in _boxes(one)
                if box.left >= left and box.right <= width and not _meets(box, taken)
            ),
            ("", None),
        )
        sides.append(side)
        if box is not None:
            taken.append(box)
    return tuple(sides)


def _boxes(one: Point) -> Iterable[tuple[str, _Box]]:
    long, half = len(one.name) * _LETTER, _LINE / 2
    yield "right", _Box(one.x + _GAP, one.y - half, one.x + _GAP + long, one.y + half)
    yield "left", _Box(one.x - _GAP - long, one.y - half, one.x - _GAP, one.y + half)
    for side, top in (("above", one.y - 22), ("below", one.y + 8)):
        yield side, _Box(one.x - long / 2, top, one.x + long / 2, top + 14)
    # The name ends, or begins, over or under its point, which helps at the edges.
    for side, top in (("over", one.y - 22), ("under", one.y + 8)):
        yield side, _Box(one.x + 6 - long, top, one.x + 6, top + 14)
        yield f"{side} it", _Box(one.x - 6, top, one.x - 6 + long, top + 14)


def _meets(box: _Box, taken: Iterable[_Box]) -> bool:
    return any(
        box.left < other.right
        and other.left < box.right
        and box.top < other.bottom
        and other.top < box.bottom
        for other in taken
    )
