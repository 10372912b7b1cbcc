"""Pieces that sections are made of: tables, charts at two widths, tiles, meters."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mcp_router.dashboard.charts import Size
from mcp_router.dashboard.drawing import draw
from mcp_router.dashboard.html import Child, Html, element

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mcp_router.dashboard.drawing import Spec

HALF = (Size(528, 280), Size(318, 260, narrow=True))
TALL = (Size(528, 420), Size(318, 300, narrow=True))
FULL = (Size(1116, 300), Size(318, 260, narrow=True))
_MOST_COLUMNS = 4


class Tile(NamedTuple):
    """A figure that is read first; `tone` is "good", "warn", "bad" or ""."""

    title: str
    figure: str
    note: str = ""
    tone: str = ""
    used: float | None = None


def chart(title: str, make: Callable[[Size], Spec], *, sizes: tuple[Size, Size] = HALF) -> Html:
    """Draw a chart twice, for wide and for narrow screens; the page shows one of them.

    Raises:
        ChartsMissingError: the extra `report` is not installed.
    """
    wide, narrow = (draw(make(size)) for size in sizes)
    return element(
        "figure",
        element("div", wide, class_="wide", role="img", aria_label=title),
        element("div", narrow, class_="narrow", role="img", aria_label=title),
    )


def card(title: str, *body: Child, lead: str = "", wide: bool = False) -> Html:
    """Frame a section under its title, with a sentence on how to read it."""
    return element(
        "section",
        element("h2", title),
        element("p", lead, class_="lead") if lead else None,
        *body,
        class_="card wide-card" if wide else "card",
    )


def table(
    titles: Sequence[str],
    rows: Sequence[Sequence[Child]],
    *,
    folded: str = "",
    texts: int = 1,
) -> Html:
    """Build a table whose first column names its rows.

    The first `texts` columns hold words, the others figures; `folded` is what opens it.
    """
    # On a phone a wide table becomes a list, each figure beside the title of its column.
    listed = "scroll listed" if len(titles) > _MOST_COLUMNS else "scroll"
    kinds = ["word" if index < texts else "num" for index in range(len(titles))]
    heads = [
        element("th", title, scope="col", class_=kind)
        for title, kind in zip(titles, kinds, strict=True)
    ]
    body = [_row(row, titles=titles, kinds=kinds) for row in rows]
    whole = element(
        "div",
        element("table", element("thead", element("tr", heads)), element("tbody", body)),
        class_=listed,
    )
    return element("details", element("summary", folded), whole) if folded else whole


def tile(one: Tile) -> Html:
    """Build a tile; a share used is drawn as a meter."""
    return element(
        "div",
        element("dt", one.title),
        element("dd", one.figure, class_="figure"),
        None if one.used is None else element("dd", meter(one.used, tone=one.tone)),
        element("dd", one.note, class_="note") if one.note else None,
        class_=f"tile {one.tone}".strip(),
    )


def meter(share: float, *, tone: str = "") -> Html:
    """Draw a share from 0 to 1 as a bar; more than 1 fills it."""
    filled = f"{100 * min(1.0, max(0.0, share)):.1f}"
    return element(
        "svg",
        element("rect", class_="empty", width="100", height="6", rx="3"),
        element("rect", class_=f"full {tone}".strip(), width=filled, height="6", rx="3"),
        class_="meter",
        viewBox="0 0 100 6",
        preserveAspectRatio="none",
        aria_hidden="true",
    )


def _row(row: Sequence[Child], *, titles: Sequence[str], kinds: Sequence[str]) -> Html:
    first, *rest = row
    cells = [
        element("td", cell, class_=kind, data_title=title)
        for cell, title, kind in zip(rest, titles[1:], kinds[1:], strict=True)
    ]
    return element("tr", element("th", first, scope="row"), cells)
