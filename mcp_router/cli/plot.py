"""Points in a plane drawn with letters, as wide as the terminal."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_router.cli.page import Plot, Point

ROWS = 12
_WIDEST = 76
_LABEL = 6
_LOG_FROM = 20.0
"""The horizontal axis is logarithmic where its values differ by this factor or more."""


def plot_lines(plot: Plot, *, cells: int, unicode: bool) -> list[str]:
    """Draw the points, a step line through the marked ones, and both axes; [] without points.

    A place that several points share shows a plus.
    """
    if not plot.points:
        return []
    wide = max(20, min(cells, _WIDEST) - _LABEL - 2)
    across = _Scale([one.x for one in plot.points], size=wide, logs=True)
    up = _Scale([one.y for one in plot.points], size=ROWS, logs=False)
    grid = [[" "] * wide for _ in range(ROWS)]
    _steps(grid, [one for one in plot.points if one.marked], across, up, "·" if unicode else ".")
    taken: set[tuple[int, int]] = set()
    for one in plot.points:
        place = (ROWS - 1 - up.place(one.y), across.place(one.x))
        grid[place[0]][place[1]] = "+" if place in taken else one.letter
        taken.add(place)
    wall, corner, floor = ("│", "└", "─") if unicode else ("|", "+", "-")
    lines = [f"{_tick(up, row):>{_LABEL}} {wall}{''.join(cells_)}" for row, cells_ in _rows(grid)]
    low, high = (plot.shown_x(one) for one in (across.low, across.high))
    ruler = f"{low}{high:>{wide - len(low)}}"
    scale = ", on a logarithmic scale" if across.logs else ""
    return [
        plot.y_title,
        *(line.rstrip() for line in lines),
        f"{'':>{_LABEL}} {corner}{floor * wide}",
        f"{'':>{_LABEL + 2}}{ruler}",
        f"{plot.x_title + scale:>{_LABEL + 2 + wide}}",
    ]


class _Scale:
    """Places of values on an axis of some cells."""

    def __init__(self, values: Sequence[float], *, size: int, logs: bool) -> None:
        self.low, self.high = min(values), max(values)
        self.size = size
        self.logs = logs and self.low > 0 and self.high / self.low >= _LOG_FROM

    def place(self, value: float) -> int:
        low, high, at = (self._bent(one) for one in (self.low, self.high, value))
        share = 0.5 if high <= low else (at - low) / (high - low)
        return round(share * (self.size - 1))

    def value(self, place: int) -> float:
        return self.low + (self.high - self.low) * place / (self.size - 1)

    def _bent(self, value: float) -> float:
        return math.log(value) if self.logs else value


def _rows(grid: list[list[str]]) -> list[tuple[int, list[str]]]:
    return [(ROWS - 1 - index, row) for index, row in enumerate(grid)]


def _tick(up: _Scale, row: int) -> str:
    if up.high <= up.low:
        return f"{up.low:.2f}" if row == up.place(up.low) else ""
    return f"{up.value(row):.2f}" if row in (0, ROWS // 2, ROWS - 1) else ""


def _steps(
    grid: list[list[str]], marked: Sequence[Point], across: _Scale, up: _Scale, dot: str
) -> None:
    ordered = sorted(marked, key=lambda one: one.x)
    for left, right in itertools.pairwise(ordered):
        row = ROWS - 1 - up.place(left.y)
        start, end = across.place(left.x), across.place(right.x)
        for column in range(start, end + 1):
            grid[row][column] = dot
        for between in range(ROWS - 1 - up.place(right.y), row):
            grid[between][end] = dot
