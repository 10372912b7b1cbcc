"""What is still to be written to a shared database, kept on this machine until it is there.

What came of a call is put into a small file at once, and a thread carries it over in the same
moment. An answer never waits for the database, and while that is away nothing is lost: the file is
emptied once it is back, by this process or the next one. Each record carries a key that the
database notes with it, so that one whose arrival was never confirmed is not written twice.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import sqlite3
import threading
import time
from base64 import b64decode, b64encode
from contextlib import contextmanager, suppress
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

import psycopg

from mcp_router.errors import LostDatabaseError, StorageError
from mcp_router.storage.faults import mapped
from mcp_router.storage.postgres.session import Step
from mcp_router.storage.queries import query

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from mcp_router.storage.postgres.database import PostgresDatabase

END = "end"
"""The name of the step that settles or releases a reservation; others are named by their query."""

SPEND = "spend"
"""The name of the step for money that was spent without a reservation."""

_log = logging.getLogger("mcp_router")
_RETRY_SECONDS = 1.0
_ADOPT_MS = 30_000
_BATCH = 32
_END = "SELECT ledger_end(?, ?, ?, ?, ?)"
_SPEND = "SELECT ledger_spend(?, ?, ?, ?, ?, ?)"
_BEGIN = "SELECT replay_begin(?, ?)"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS waiting (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  target TEXT NOT NULL,
  key TEXT NOT NULL,
  owner TEXT NOT NULL,
  made_ms INTEGER NOT NULL,
  steps TEXT NOT NULL,
  refused TEXT
)"""
_ADD = "INSERT INTO waiting (target, key, owner, made_ms, steps) VALUES (?, ?, ?, ?, ?)"
# Those of a process that is gone: its own are gone within moments, unless the database is.
_NEXT = """
SELECT id, key, steps FROM waiting
WHERE target = ? AND refused IS NULL AND (owner = ? OR made_ms < ?) ORDER BY id LIMIT ?
"""
_DONE = "DELETE FROM waiting WHERE id = ?"
_REFUSED = "UPDATE waiting SET refused = ? WHERE id = ?"
_LEFT = "SELECT count(*) FROM waiting WHERE target = ? AND refused IS NULL"


class Op(NamedTuple):
    """One step of a record: the name of a query, or of what the ledger is to do, and its values."""

    name: str
    row: Sequence[object]


class _Kept(NamedTuple):
    id: int
    key: str
    ops: tuple[Op, ...]


class Outbox:
    """The file of one machine for one database; safe to use from any thread."""

    def __init__(self, path: Path, *, database: PostgresDatabase) -> None:
        self.path = path
        self._database = database
        self._target = blake2b(database.identity.encode(), digest_size=12).hexdigest()
        self._work = threading.Condition(threading.RLock())
        self._local = threading.local()
        self._start()

    def append(self, ops: Sequence[Op], *, key: str = "") -> None:
        """Keep a record for good; it is carried over as a whole, in the background.

        Of all records with one key only the first is written; without one it gets its own.

        Raises:
            StorageError: the file cannot be written.
        """
        now = time.time_ns() // 1_000_000
        steps = json.dumps([[one.name, [_plain(value) for value in one.row]] for one in ops])
        row = (self._target, key or secrets.token_hex(12), self._owner, now, steps)
        with self._work:
            self._after_fork()
            with mapped(self.path):
                self._file.execute(_ADD, row)
            self._pending += 1
            self._run()
            self._work.notify_all()

    def record(self, name: str, row: Sequence[object]) -> None:
        """Keep one step: a record of its own, or a part of the one that is being put together.

        Raises:
            StorageError: the file cannot be written.
        """
        parts: list[Op] | None = getattr(self._local, "parts", None)
        if parts is None:
            self.append([Op(name, row)])
        else:
            parts.append(Op(name, row))

    @property
    def collecting(self) -> bool:
        """Whether this thread is putting a record together."""
        return getattr(self._local, "parts", None) is not None

    @contextmanager
    def together(self) -> Generator[None]:
        """Keep what the block records as one; nothing of it if the block raises.

        Raises:
            StorageError: the file cannot be written.
        """
        if self.collecting:
            yield
            return
        parts: list[Op] = []
        self._local.parts = parts
        try:
            yield
        finally:
            self._local.parts = None
        if parts:
            self.append(parts)

    def later(self, work: Callable[[], object]) -> None:
        """Do something in the background, in order; dropped if the database fails it."""
        with self._work:
            self._after_fork()
            self._errands.append(work)
            self._run()
            self._work.notify_all()

    def wait(self, seconds: float, *, patiently: bool = False) -> bool:
        """Wait until all that this process kept is there; False if it is not by then.

        Does not wait for a database that is away, unless `patiently`.
        """
        with self._work:
            self._work.wait_for(
                lambda: self._idle() or (self._away and not patiently), timeout=seconds
            )
            return self._idle()

    def left(self) -> int:
        """Count the records of this machine that are not in the database yet.

        Raises:
            StorageError: the file cannot be read.
        """
        with self._work, mapped(self.path):
            (count,) = self._file.execute(_LEFT, (self._target,)).fetchone()
        return int(count)

    def close(self) -> None:
        """Carry over what can be within some seconds, and stop; the rest stays in the file."""
        self.wait(5.0)
        with self._work:
            self._closed = True
            self._work.notify_all()
        if self._thread is not None and self._pid == os.getpid():
            self._thread.join(5.0)
        with self._work, suppress(sqlite3.Error):
            self._file.close()

    def _start(self) -> None:
        self._pid = os.getpid()
        self._owner = secrets.token_hex(8)
        self._errands: list[Callable[[], object]] = []
        self._pending = 0
        self._busy = self._away = self._closed = False
        self._thread: threading.Thread | None = None
        with mapped(self.path):
            self._file = _opened(self.path)
        if self.left():
            self._run()

    def _after_fork(self) -> None:
        if self._pid != os.getpid():
            self._inherited = self._file
            self._start()

    def _idle(self) -> bool:
        return not (self._pending or self._errands or self._busy)

    def _run(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._carry, name="mcp-router outbox", daemon=True
            )
            self._thread.start()

    def _carry(self) -> None:
        """Carry records over until closed; wait for a database that is away."""
        adopt_at = 0.0
        while True:
            with self._work:
                asked = self._pending or self._errands or self._closed
                if not asked and time.monotonic() < adopt_at:
                    self._work.wait(_ADOPT_MS / 1000)
                if self._closed:
                    return
                errands, self._errands = self._errands, []
                self._busy = True
            adopt_at = time.monotonic() + _ADOPT_MS / 1000
            # A connection may only have been ended while nobody used it.
            away = not (self._empty() or self._empty())
            for errand in errands:
                if not away:
                    with suppress(StorageError):
                        errand()
            with self._work:
                self._busy, self._away = False, away
                self._work.notify_all()
                if away and not self._closed:
                    self._work.wait(_RETRY_SECONDS)

    def _empty(self) -> bool:
        """Carry over what waits; False if the database is away, or of no use yet."""
        try:
            self._database.prepare()
        except StorageError:
            # No record is to blame for it.
            return False
        while True:
            with self._work:
                kept = self._next(time.time_ns() // 1_000_000)
            if not kept:
                return True
            try:
                self._database.replay([(one.key, _steps(one.ops)) for one in kept])
            except LostDatabaseError:
                return False
            except StorageError:
                # One of them: each by itself tells which.
                for one in kept:
                    self._single(one)
            else:
                self._done(kept)

    def _single(self, one: _Kept) -> None:
        try:
            self._database.replay([(one.key, _steps(one.ops))])
        except LostDatabaseError:
            return
        except StorageError as error:
            if isinstance(error.__cause__, psycopg.errors.UniqueViolation):
                # It had arrived, and only the word of it was lost.
                self._done([one])
                return
            _log.warning("A record was not taken and stays in %s: %s", self.path, error)
            with self._work:
                self._file.execute(_REFUSED, (error.message, one.id))
                self._pending = max(0, self._pending - 1)
        else:
            self._done([one])

    def _done(self, kept: Sequence[_Kept]) -> None:
        with self._work:
            self._file.executemany(_DONE, [(one.id,) for one in kept])
            self._pending = max(0, self._pending - len(kept))

    def _next(self, now_ms: int) -> list[_Kept]:
        old = now_ms - _ADOPT_MS
        rows = self._file.execute(_NEXT, (self._target, self._owner, old, _BATCH)).fetchall()
        if not rows:
            self._pending = 0
        return [
            _Kept(row, key, tuple(Op(name, list(map(_value, given))) for name, given in steps))
            for row, key, steps in ((*known, json.loads(text)) for *known, text in rows)
        ]


def begin_step(key: str) -> Step:
    """Note a key, which fails where it was noted before."""
    return _BEGIN, (key, time.time_ns() // 1_000_000)


def _steps(ops: Sequence[Op]) -> list[Step]:
    named = {END: _END, SPEND: _SPEND}
    # The ledger last, so that its locks are held for the shortest time.
    ordered = sorted(ops, key=lambda op: op.name in named)
    return [(named.get(op.name) or query(op.name), tuple(op.row)) for op in ordered]


def _opened(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    connection = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL").fetchone()
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(_SCHEMA)
    return connection


def _plain(value: object) -> object:
    return {"bytes": b64encode(value).decode()} if isinstance(value, bytes) else value


def _value(value: str | float | dict[str, str] | None) -> object:
    return b64decode(value["bytes"]) if isinstance(value, dict) else value
