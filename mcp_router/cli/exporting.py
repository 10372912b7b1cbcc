"""The command `export`."""

from __future__ import annotations

import io
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from mcp_router.cli.command import as_session, with_examples, with_global_options
from mcp_router.cli.output import OutputError, say
from mcp_router.cli.records import open_records
from mcp_router.cli.session import Session
from mcp_router.cli.text import clean
from mcp_router.cli.values import FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from mcp_router.storage.dump import Dump
    from mcp_router.storage.kinds import Kind

Format = Literal["json", "csv", "sqlite"]
FORMATS: tuple[Format, ...] = ("json", "csv", "sqlite")
KINDS: tuple[Kind, ...] = ("decisions", "outcomes", "fallbacks", "rate_limits")


@with_examples(
    "mcp-router export --format csv --kind outcomes --output calls.csv",
    "mcp-router export --format json | jq length",
)
@with_global_options()
@click.command()
@click.option("--format", "written", type=click.Choice(FORMATS), required=True, help="Of the file.")
@click.option(
    "--kind",
    type=click.Choice(KINDS),
    default="decisions",
    show_default=True,
    help="The rows: what was decided, what came of it, or what got in the way.",
)
@click.option(
    "--output",
    type=FILE,
    help="The file to write; standard output unless named.",
)
@click.option(
    "--details", is_flag=True, help="Add every decision whole, as JSON; ten times the size."
)
@click.option("--force", is_flag=True, help="Replace a file that exists.")
@as_session
def export(
    session: Session,
    written: Format,
    kind: Kind,
    output: Path | None,
    details: bool,
    force: bool,
) -> None:
    """Write recorded rows as JSON, CSV or an SQLite database.

    Money is exact: decimal dollars, in SQLite whole nano-dollars. Cells of a CSV file that a
    spreadsheet would run as formulas begin with an apostrophe.
    """
    if written == "sqlite" and output is None:
        raise click.UsageError("An SQLite database is a file: name it with --output FILE.")
    from mcp_router.cli.writing import replacing
    from mcp_router.reporting.text import counted
    from mcp_router.storage.dump import plan

    with open_records(session) as store:
        dump = plan(store.database, kind=kind, details=details)
        if output is None:
            _to_stdout(dump, written=written)
            return
        with replacing(output, force=force) as partial, _progress(dump.total) as advance:
            _to_file(dump, partial, written=written, advance=advance)
    say("written", f"{counted(dump.total, 'row')} to {clean(str(output))}")


def _to_file(dump: Dump, path: Path, *, written: Format, advance: Callable[[int], None]) -> None:
    if written == "sqlite":
        from mcp_router.storage.dump import write_sqlite

        write_sqlite(dump, path, advance=advance)
        return
    from mcp_router.reporting.export import write_csv, write_json

    write = write_csv if written == "csv" else write_json
    # utf-8-sig tells Excel that a CSV file is not in the code page of its machine.
    encoding = "utf-8-sig" if written == "csv" else "utf-8"
    with path.open("w", encoding=encoding, newline="") as file:
        write(dump, file, advance=advance)


def _to_stdout(dump: Dump, *, written: Format) -> None:
    from mcp_router.reporting.export import write_csv, write_json

    write = write_csv if written == "csv" else write_json
    if sys.stdout is None:
        raise OutputError("Standard output is closed.")
    _keep_line_ends(sys.stdout)
    try:
        write(dump, sys.stdout, advance=lambda _: None)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"Standard output cannot be written: {error.strerror}.") from error


def _keep_line_ends(stream: object) -> None:
    """Let the line ends of a CSV file not be translated once more."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(newline="")


@contextmanager
def _progress(total: int) -> Generator[Callable[[int], None]]:
    """Draw how far it is, on a terminal only."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), "rows", TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=total)
        yield lambda rows: progress.advance(task, rows)
