"""Writes recorded rows as CSV or JSON, batch by batch."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from mcp_router.storage.dump import batches, readable, readable_names

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from mcp_router.storage.dump import Dump

# What a spreadsheet takes for the beginning of a formula: OWASP, "CSV Injection".
_FORMULA = frozenset("=+-@\t\r\n＝＋－＠")  # noqa: RUF001 - the wide forms count as well


def write_csv(dump: Dump, file: TextIO, *, advance: Callable[[int], None]) -> None:
    """Write a header and the rows; a cell that would be a formula begins with an apostrophe.

    `file` must not translate line ends (`newline=""`). `advance` is told the rows of each batch.

    Raises:
        StorageError: the rows could not be read.
        OSError: they could not be written.
    """
    writer = csv.writer(file)
    writer.writerow(readable_names(dump))
    make = readable(dump)
    texts = [index for index, column in enumerate(dump.columns) if column.type == "TEXT"]
    for rows in batches(dump):
        made = [make(row) for row in rows]
        for values in made:
            for index in texts:
                values[index] = neutral(values[index])
        writer.writerows(made)
        advance(len(rows))


def write_json(dump: Dump, file: TextIO, *, advance: Callable[[int], None]) -> None:
    """Write one array with an object a line; money is decimal text, which no reader rounds.

    Raises:
        StorageError: the rows could not be read.
        OSError: they could not be written.
    """
    names, make = readable_names(dump), readable(dump)
    before = "[\n"
    for rows in batches(dump):
        file.write(before + ",\n".join(_object(names, make(row)) for row in rows))
        before = ",\n"
        advance(len(rows))
    file.write("[]\n" if before == "[\n" else "\n]\n")


def neutral(cell: str | None) -> str | None:
    """Put an apostrophe before text that a spreadsheet would run, blanks before it or not.

    >>> neutral("=1+1"), neutral(" @x"), neutral("gpt-6")
    ("'=1+1", "' @x", 'gpt-6')
    """
    if not cell:
        return cell
    first = cell[0] if cell[0] in _FORMULA else cell.lstrip()[:1]
    return f"'{cell}" if first in _FORMULA else cell


def _object(names: tuple[str, ...], values: list[Any]) -> str:
    if names[-1] != "details":
        return to_json(dict(zip(names, values, strict=True))).decode()
    # The details are JSON already: reading and writing them again would take most of the time.
    known = to_json(dict(zip(names[:-1], values[:-1], strict=True))).decode()
    return f'{known[:-1]},"details":{values[-1]}}}'
