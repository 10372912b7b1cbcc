"""Corrections of the task type: kept as hashed words, the latest ones read, the last one undone."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from mcp_router.routing.corrections import Correction
from mcp_router.storage.periods import to_ms

if TYPE_CHECKING:
    from datetime import datetime

    from mcp_router.storage.database import Database

MOST = 500
"""How many corrections count, the latest ones."""

# Not an update: what was corrected last is undone first.
_REPLACE = "DELETE FROM task_corrections WHERE words = ?"
_KEEP = "INSERT INTO task_corrections (created_ms, task_type, words) VALUES (?, ?, ?)"
_READ = """
SELECT task_type, words FROM (
  SELECT seq, task_type, words FROM task_corrections ORDER BY seq DESC LIMIT ?
) AS latest ORDER BY seq
"""
_DROP = """
DELETE FROM task_corrections WHERE seq = (SELECT max(seq) FROM task_corrections)
RETURNING task_type, words
"""
_DROP_THIS = "DELETE FROM task_corrections WHERE words = ? RETURNING task_type, words"


def keep_correction(database: Database, correction: Correction, *, now: datetime) -> None:
    """Keep a correction; one of the same words takes the place of the former.

    Raises:
        StorageError: the file cannot be written.
    """
    row = (to_ms(now), correction.kind, _packed(correction.words))
    with database.transaction() as connection:
        connection.execute(_REPLACE, row[2:])
        connection.execute(_KEEP, row)


def read_corrections(database: Database) -> tuple[Correction, ...]:
    """Return the latest 500 corrections, oldest first.

    Raises:
        StorageError: the file cannot be read.
    """
    with database.reading() as connection:
        rows = connection.execute(_READ, (MOST,)).fetchall()
    return tuple(_correction(kind, words) for kind, words in rows)


def drop_correction(
    database: Database, *, words: frozenset[int] | None = None
) -> Correction | None:
    """Undo the correction of these words, else the latest one; return it, None if there is none.

    Raises:
        StorageError: the file cannot be written.
    """
    with database.transaction() as connection:
        found = (
            connection.execute(_DROP)
            if words is None
            else connection.execute(_DROP_THIS, (_packed(words),))
        ).fetchall()
    return _correction(*found[0]) if found else None


def _packed(words: frozenset[int]) -> bytes:
    return struct.pack(f"<{len(words)}H", *sorted(words))


def _correction(kind: str, words: bytes) -> Correction:
    return Correction(kind, frozenset(struct.unpack(f"<{len(words) // 2}H", words)))
