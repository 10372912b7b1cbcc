"""What a command shows, as blocks that say nothing of how they are drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple


class Bar(NamedTuple):
    """A share from 0 to 1, drawn as a bar."""

    share: float


Cell = str | Bar


class Column(NamedTuple):
    """A column of a table; only a `flexible` one is broken into lines where room is short."""

    title: str
    right: bool = False
    flexible: bool = False


class Table(NamedTuple):
    """Rows under column titles; a column without any content is not drawn.

    `marked` are the indexes of rows that stand out. `above` and `below` are one line of text
    for each row, over the whole width.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""
    marked: frozenset[int] = frozenset()
    above: tuple[str, ...] = ()
    below: tuple[str, ...] = ()


class Fields(NamedTuple):
    """Names with their values, one below the other."""

    rows: tuple[tuple[str, str], ...]
    title: str = ""


class Items(NamedTuple):
    """A list of sentences under a title."""

    title: str
    lines: tuple[str, ...]


class Line(NamedTuple):
    """One paragraph."""

    text: str
    tone: Literal["plain", "title"] = "plain"


class Notes(NamedTuple):
    """Warnings, or hints on what to do next: they go to stderr where stdout is no terminal."""

    kind: Literal["warning", "hint"]
    lines: tuple[str, ...]


class Point(NamedTuple):
    """A point of a plot under a letter; marked ones are joined by a line."""

    letter: str
    x: float
    y: float
    marked: bool = False


class Plot(NamedTuple):
    """Points in a plane; `shown_x` writes a value of the horizontal axis."""

    points: tuple[Point, ...]
    x_title: str
    y_title: str
    shown_x: Callable[[float], str]
    title: str = ""


Block = Table | Fields | Items | Line | Notes | Plot


class Page(NamedTuple):
    """Blocks in order; a page with a `card` title is framed on a terminal."""

    blocks: tuple[Block, ...]
    card: str = ""
