"""Checks the database: that it opens, is sound, and may be written."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mcp_router.config.files import expanded
from mcp_router.doctor.finding import Finding, fail, ok, warn
from mcp_router.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path

MOST_BYTES = 200_000_000
"""Larger files are not read through here, as that would take more than a second or two."""

_MOVE = "Move the file away to start a new one, or restore a backup."


def check_database(place: Path | str) -> tuple[Finding, ...]:
    """Check the database; a file that does not exist yet is not created, a schema is."""
    if isinstance(place, str):
        return _check_server(place)
    path = expanded(place).absolute()
    try:
        there = path.exists()
    except OSError as error:
        mend = "Name another file: ROUTING_DB=FILE"
        return (fail("Database", f"{path} cannot be opened ({error.strerror})", mend),)
    if not there:
        return (_check_folder(path),)
    for place in (path, path.parent):
        if not os.access(place, os.W_OK):
            mend = f"Make it writable: chmod u+w {place}"
            return (fail("Database", f"{place} cannot be written", mend),)
    from mcp_router.storage.sqlite import SqliteStore

    try:
        with SqliteStore.open(path) as store:
            size = path.stat().st_size
            if size > MOST_BYTES:
                text = f"{path}, {size / 1e6:,.0f} MB, opens; not read through"
                return (warn("Database", text, "To read it through: mcp-router db check"),)
            problems = store.integrity()
    except StorageError as error:
        return (fail("Database", error.message, error.hint or _MOVE),)
    if problems:
        return tuple(fail("Database", problem, _MOVE) for problem in problems)
    return (ok("Database", f"{path}, {size / 1e6:,.1f} MB, sound and writable"),)


def _check_server(address: str) -> tuple[Finding, ...]:
    from mcp_router.storage.sqlite import SqliteStore

    try:
        with SqliteStore.open(address) as store:
            facts = store.database.facts()
            problems = store.integrity()
    except StorageError as error:
        return (fail("Database", error.message, error.hint),)
    if problems:
        return tuple(fail("Database", problem, "Restore a backup of it.") for problem in problems)
    return (ok("Database", f"{facts.place}, {facts.bytes / 1e6:,.1f} MB, sound"),)


def _check_folder(path: Path) -> Finding:
    folder = next(parent for parent in path.parents if parent.exists())
    if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
        return ok("Database", f"{path} will be created with the first decision")
    mend = "Make that folder writable, or name another file: ROUTING_DB=FILE"
    return fail("Database", f"{path} cannot be created in {folder}", mend)
