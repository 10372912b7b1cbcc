"""The numbered SQL files under db/migrations, applied once each and in order."""

from __future__ import annotations

import re
import sqlite3
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.assets import find
from mcp_router.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

APPLICATION_ID = 0x4D435052
"""Marks our files in the SQLite header: "MCPR" in ASCII."""

TABLE = """\
CREATE TABLE schema_migrations (
  version INTEGER PRIMARY KEY,
  name TEXT NOT NULL
)"""
"""Notes which migrations a file has had."""

_NAME = re.compile(r"^(\d{4})_[a-z0-9_]+\.sql$")


class Migration(NamedTuple):
    """One numbered step of the schema."""

    version: int
    name: str
    sql: str


@cache
def known_migrations(folder: Path | None = None) -> tuple[Migration, ...]:
    """Read the migrations of `folder` (default: the ones shipped), lowest number first.

    Raises:
        FileNotFoundError: the installation lacks its SQL files.
    """
    folder = folder or find("db") / "migrations"
    steps = [
        Migration(int(match[1]), path.stem, path.read_text(encoding="utf-8"))
        for path in sorted(folder.iterdir())
        if (match := _NAME.match(path.name))
    ]
    return tuple(steps)


def migrate(
    connection: sqlite3.Connection, *, path: Path, steps: Sequence[Migration] | None = None
) -> None:
    """Bring the schema up to date; does not ask for the write lock when it already is.

    Raises:
        StorageError: a newer program, or another one, wrote this file.
        sqlite3.Error: a statement failed; nothing was changed.
    """
    steps = known_migrations() if steps is None else steps
    newest = steps[-1].version
    if _version(connection, path=path, newest=newest) == newest:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have migrated while this one waited for the lock.
        applied = _version(connection, path=path, newest=newest)
        for step in steps:
            if step.version > applied:
                apply(connection, step=step)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def apply(connection: sqlite3.Connection, *, step: Migration) -> None:
    """Run one migration inside the caller's transaction and note that it was run."""
    if not connection.execute("PRAGMA application_id").fetchone()[0]:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(TABLE)
    # Not executescript: it commits the open transaction first.
    for statement in statements(step.sql):
        connection.execute(statement)
    connection.execute("INSERT INTO schema_migrations VALUES (?, ?)", (step.version, step.name))
    connection.execute(f"PRAGMA user_version = {step.version}")


def statements(sql: str) -> Iterator[str]:
    """Split a script into statements; triggers keep their inner semicolons."""
    pending = ""
    for line in sql.splitlines():
        if not pending and (not line.strip() or line.lstrip().startswith("--")):
            continue
        pending += line + "\n"
        if line.rstrip().endswith(";") and sqlite3.complete_statement(pending):
            yield pending.strip().rstrip(";")
            pending = ""
    if pending.strip():
        raise ValueError(f"the script ends inside a statement: {pending.strip()[:60]!r}")


def _version(connection: sqlite3.Connection, *, path: Path, newest: int) -> int:
    """Read the number of the last applied migration; 0 for an empty file."""
    owner = connection.execute("PRAGMA application_id").fetchone()[0]
    if owner != APPLICATION_ID:
        if owner or connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
            raise StorageError(
                path=str(path), problem="another program owns it", hint="Name another file."
            )
        return 0
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > newest:
        raise newer(str(path), version=version, newest=newest)
    return version


def newer(place: str, *, version: int, newest: int) -> StorageError:
    """Build the error of a program that is older than the database it opens."""
    return StorageError(
        path=place,
        problem=f"a newer mcp-router wrote it (schema {version}, this one knows {newest})",
        hint="Upgrade this program: pip install --upgrade mcp-model-router",
    )
