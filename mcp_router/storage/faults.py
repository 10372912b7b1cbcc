"""What a failed SQLite call means for the person at the keyboard."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mcp_router.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

_RETRY = "Close the program that is writing to it, then try again."
_RIGHTS = "Give your user write permission on the file and its folder."
_RESTORE = "Move the file away to start a new one, or restore a backup."

# Primary result codes: https://www.sqlite.org/rescode.html
_MEANINGS: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_BUSY: ("another process kept it locked for too long", _RETRY),
    sqlite3.SQLITE_LOCKED: ("another connection kept it locked", _RETRY),
    sqlite3.SQLITE_PERM: ("access is denied", _RIGHTS),
    sqlite3.SQLITE_READONLY: ("it is read-only", _RIGHTS),
    sqlite3.SQLITE_CANTOPEN: ("it cannot be opened", _RIGHTS),
    sqlite3.SQLITE_IOERR: ("reading or writing failed", "Check the disk, then try again."),
    sqlite3.SQLITE_FULL: ("the disk is full", "Free some space, then try again."),
    sqlite3.SQLITE_CORRUPT: ("it is damaged", _RESTORE),
    sqlite3.SQLITE_NOTADB: ("it is not a SQLite database", "Name another file."),
    sqlite3.SQLITE_NOMEM: ("memory ran out", "Close other programs, then try again."),
}
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


@contextmanager
def mapped(path: Path) -> Generator[None]:
    """Turn every SQLite error of the block into a `StorageError` that names `path`.

    Raises:
        StorageError: a SQLite call failed.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise storage_error(path, error=error) from error


def storage_error(path: Path, *, error: sqlite3.Error) -> StorageError:
    """Say in one sentence what `error` means, and what to do next."""
    unknown = (str(error).rstrip(".") or "SQLite failed", "Check it with `mcp-router doctor`.")
    problem, hint = _MEANINGS.get(_primary(error), unknown)
    return StorageError(path=str(path), problem=problem, hint=hint)


def damaged(path: Path) -> StorageError:
    """Say that a file is damaged, and what to do next."""
    problem, hint = _MEANINGS[sqlite3.SQLITE_CORRUPT]
    return StorageError(path=str(path), problem=problem, hint=hint)


def is_busy(error: sqlite3.Error) -> bool:
    """Tell whether waiting may help: somebody else holds a lock."""
    return _primary(error) in _BUSY


def _primary(error: sqlite3.Error) -> int:
    # Errors that the sqlite3 module raises by itself carry no code.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
