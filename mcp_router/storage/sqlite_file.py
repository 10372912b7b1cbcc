"""One SQLite file, opened safely by many threads and processes at once.

A process keeps one connection per file and a lock around it: threads queue on the lock, which is
fairer and quicker than SQLite's polling between connections, and a call costs tens of microseconds,
less than a hop to another thread. Processes queue on SQLite's own lock, for `BUSY_SECONDS` at most.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from contextlib import contextmanager, suppress
from random import SystemRandom
from typing import TYPE_CHECKING, ClassVar

from mcp_router.errors import StorageError
from mcp_router.storage.database import Database, Facts
from mcp_router.storage.faults import damaged, is_busy, mapped, storage_error
from mcp_router.storage.migrations import migrate

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path
    from types import TracebackType

    from mcp_router.storage.database import ColumnType, Connection

BUSY_SECONDS = 5.0
_WAL_LIMIT_BYTES = 16 * 1024 * 1024
_CACHE_KIB = 256
# A server runs some thirty; the many that made the schema need not be kept beside them.
_STATEMENTS = 48
# Each page that a commit changed is written whole, and what is recorded of a call changes a few
# bytes in each of a dozen. Half of SQLite's own choice saves a tenth of the time; only new files
# take it.
_PAGE_BYTES = 2048
_COLUMNS = "SELECT name, type FROM pragma_table_info(?) ORDER BY cid"


class SqliteDatabase(Database):
    """An open database file.

    After a fork the child opens a connection of its own on first use, since SQLite connections must
    not cross a fork.
    """

    remote: ClassVar[bool] = False

    @classmethod
    def of(cls, database: Database) -> SqliteDatabase:
        """Return a database that is known to be a file as one.

        Raises:
            TypeError: it is none.
        """
        if not isinstance(database, cls):
            raise TypeError(f"{database.place} is no file of SQLite")
        return database

    def __init__(self, path: Path) -> None:
        self.path = path
        self.place = str(path)
        self._start()

    def transaction(self) -> Block:
        """Hold the write lock for the block; commit at its end, roll back if it raises.

        Inside an open transaction of the same thread the block simply joins it.

        Raises:
            StorageError: SQLite failed, or the lock was not free for `BUSY_SECONDS`.
        """
        # A deferred BEGIN that reads, then writes, fails under contention without waiting.
        return Block(self, begin="BEGIN IMMEDIATE")

    def reading(self) -> Block:
        """Give one consistent view to every query of the block, which must not write.

        Raises:
            StorageError: SQLite failed.
        """
        return Block(self, begin="BEGIN")

    def write(self, statement: str, row: Sequence[object]) -> None:
        """Run one statement that is a transaction by itself, or a step of the one that is open.

        Raises:
            StorageError: SQLite failed, or the lock was not free for `BUSY_SECONDS`.
        """
        # Saves the two statements around it, a tenth of what a record may take.
        connection = self.acquire()
        try:
            connection.execute(statement, row)
        except sqlite3.Error as error:
            raise storage_error(self.path, error=error) from error
        finally:
            self.release()

    @contextmanager
    def private(self) -> Generator[sqlite3.Connection]:
        """Open a second connection for long work (export, archive) that must not hold the lock.

        Raises:
            StorageError: SQLite failed.
        """
        with mapped(self.path):
            connection = connect(self.path)
            try:
                yield connection
            finally:
                connection.close()

    def lock(self, connection: Connection, *key: str) -> None:
        """Do nothing: the write lock keeps all others out."""

    def facts(self) -> Facts:
        """Measure the file.

        Raises:
            StorageError: it cannot be read.
        """
        log = self.path.with_name(f"{self.path.name}-wal")
        with self.reading() as connection:
            (schema,) = connection.execute("PRAGMA user_version").fetchone()
        size = log.stat().st_size if log.exists() else 0
        return Facts(self.place, self.path.stat().st_size, size, schema)

    def columns(self, table: str) -> list[tuple[str, ColumnType]]:
        """List the columns of a table in order, with their types.

        Raises:
            StorageError: it cannot be read.
        """
        with self.reading() as connection:
            return connection.execute(_COLUMNS, (table,)).fetchall()

    def close(self) -> None:
        """Close the connection; later calls raise `StorageError`. Closing twice is fine."""
        with self._lock, mapped(self.path):
            self._connection.close()

    def _start(self) -> None:
        self._lock = threading.RLock()
        self._pid = os.getpid()
        with mapped(self.path):
            self._connection = connect(self.path)

    def acquire(self) -> sqlite3.Connection:
        """Take the lock of this process and return the connection; `release` gives it back.

        Raises:
            StorageError: SQLite failed.
        """
        if self._pid != os.getpid():
            # Closing the inherited connection could disturb the parent's locks: it is only kept.
            self._inherited = self._connection
            self._start()
        self._lock.acquire()
        return self._connection

    def release(self) -> None:
        """Give back the lock that `acquire` took."""
        self._lock.release()


class Block:
    """The span of one transaction, or of a step in the one that is open already.

    Written out, as a pair of generators around each statement took a fifth of its time.
    """

    __slots__ = ("_begin", "_connection", "_database", "_mine")

    def __init__(self, database: SqliteDatabase, *, begin: str) -> None:
        self._database = database
        self._begin = begin

    def __enter__(self) -> sqlite3.Connection:
        """Take the lock and begin, unless a transaction is open."""
        self._connection = connection = self._database.acquire()
        self._mine = False
        try:
            if not connection.in_transaction:
                connection.execute(self._begin)
                self._mine = True
        except sqlite3.Error as error:
            self._database.release()
            raise storage_error(self._database.path, error=error) from error
        return connection

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Commit, or roll back what raised, and give the lock back."""
        try:
            if self._mine:
                self._end(failed=kind is not None)
            if isinstance(error, sqlite3.Error):
                raise storage_error(self._database.path, error=error) from error
        finally:
            self._database.release()

    def _end(self, *, failed: bool) -> None:
        connection = self._connection
        try:
            if not failed and connection.in_transaction:
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise storage_error(self._database.path, error=error) from error
        finally:
            # SQLite has rolled back by itself where the disk is full.
            if connection.in_transaction:
                connection.execute("ROLLBACK")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None]:
    """Commit what the block writes at its end; roll it back if the block raises.

    Raises:
        sqlite3.Error: SQLite failed, or the write lock was not free for `BUSY_SECONDS`.
    """
    # A deferred BEGIN that reads, then writes, fails under contention without waiting.
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        # SQLite has rolled back by itself where the disk is full.
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def connect(path: Path) -> sqlite3.Connection:
    """Open one connection to `path` in WAL mode, with the newest schema.

    Raises:
        StorageError: the file is no usable database of ours.
        sqlite3.Error: SQLite failed.
    """
    _create(path)
    connection = sqlite3.connect(
        path,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=_STATEMENTS,
    )
    try:
        _prepare(connection, path=path)
    except (sqlite3.Error, StorageError):
        connection.close()
        raise
    except UnicodeDecodeError as error:
        # SQLite's message about a damaged schema quotes it, whatever bytes stand there now.
        connection.close()
        raise damaged(path) from error
    return connection


def _create(path: Path) -> None:
    """Make an empty file that only its owner reads; SQLite gives -wal and -shm the same mode."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Exclusive: to close a second descriptor of a live database would drop its locks.
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as error:
        problem = f"it cannot be created ({error.strerror})"
        hint = "Name a file in a folder that you may write to: --db FILE, or ROUTING_DB."
        raise StorageError(path=str(path), problem=problem, hint=hint) from error
    _check(path)


def _check(path: Path) -> None:
    if not path.is_file():
        problem = "it is a folder, not a file" if path.is_dir() else "it is not a regular file"
        raise StorageError(path=str(path), problem=problem, hint="Name a file.")
    if not (os.access(path, os.R_OK | os.W_OK) and os.access(path.parent, os.W_OK | os.X_OK)):
        hint = "Give your user write permission on the file and its folder."
        raise StorageError(path=str(path), problem="it is read-only", hint=hint)
    status = path.stat()
    if os.name == "posix" and status.st_mode & 0o077 and status.st_uid == os.geteuid():
        path.chmod(0o600)


def _prepare(connection: sqlite3.Connection, *, path: Path) -> None:
    """Set the connection up, again and again while processes that start together collide."""
    deadline = time.monotonic() + BUSY_SECONDS
    jitter = SystemRandom()
    while True:
        try:
            _configure(connection)
            migrate(connection, path=path)
        except sqlite3.OperationalError as error:
            # The switch to WAL does not wait for a lock by itself.
            if not is_busy(error) or time.monotonic() > deadline:
                raise
            time.sleep(jitter.uniform(0.001, 0.02))
        else:
            return


def _configure(connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute(f"PRAGMA journal_size_limit = {_WAL_LIMIT_BYTES}")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
