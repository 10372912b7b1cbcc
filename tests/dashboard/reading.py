"""Reads a piece of a page as its reader does: text, tables by their headings, classes."""

from __future__ import annotations

from html.parser import HTMLParser


class Piece(HTMLParser):
    """What a piece of markup shows: `tables` are lists of rows, the first one the headings."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.classes: list[str] = []
        self._texts: list[str] = []
        self._cell: list[str] | None = None
        self._drawn = 0
        self.feed(markup)
        self.close()

    @property
    def text(self) -> str:
        """Everything that is shown outside of drawings, blanks as one."""
        return " ".join("".join(self._texts).split())

    def rows(self, table: int = 0) -> list[dict[str, str]]:
        """The rows of a table, each cell under the heading of its column."""
        titles, *rows = self.tables[table]
        return [dict(zip(titles, row, strict=True)) for row in rows]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.classes += (dict(attrs).get("class") or "").split()
        self._drawn += tag == "svg"
        self._texts.append(" ")
        match tag:
            case "table":
                self.tables.append([])
            case "tr":
                self.tables[-1].append([])
            case "th" | "td":
                self._cell = []
            case _:
                pass

    def handle_endtag(self, tag: str) -> None:
        self._drawn -= tag == "svg"
        self._texts.append(" ")
        if tag in ("th", "td") and self._cell is not None:
            self.tables[-1][-1].append(" ".join("".join(self._cell).split()))
            self._cell = None

    def handle_data(self, data: str) -> None:
        if not self._drawn:
            self._texts.append(data)
        if self._cell is not None:
            self._cell.append(data)
