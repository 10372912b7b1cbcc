"""One PostgreSQL database, shared by the machines of a team.

Connections come from a pool; a thread that is within a block keeps its own. No thread is
started before the first statement.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from contextlib import contextmanager
from hashlib import blake2b
from select import select
from typing import TYPE_CHECKING, Any, ClassVar

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from mcp_router.errors import LostDatabaseError, StorageError
from mcp_router.storage.database import Connection, Database, Facts
from mcp_router.storage.postgres.address import conninfo, shown
from mcp_router.storage.postgres.dialect import prepare
from mcp_router.storage.postgres.faults import is_lost, lost, mapped, storage_error
from mcp_router.storage.postgres.migrations import migrate
from mcp_router.storage.postgres.outbox import Outbox, begin_step
from mcp_router.storage.postgres.session import FLUSH, Session, Step, Wire, roll_back

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path
    from types import TracebackType

    from mcp_router.storage.database import ColumnType, OnLost

_log = logging.getLogger("mcp_router")

MOST_CONNECTIONS = 8
"""How many connections a process keeps at the most."""

BUSY_SECONDS = 5
_WAIT_SECONDS = 4.0
# How soon one who waits for a connection notices that the server refuses new ones.
_LOOK_SECONDS = 0.5
_OWN_SECONDS = 3.0
_PAUSE_SECONDS = 1.0
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WRITE = "BEGIN"
# Of all blocks that are to be alone, one runs at a time: what BEGIN IMMEDIATE is in SQLite.
_ALONE = "SELECT pg_advisory_xact_lock(hashtext(current_schema() || ' mcp-router alone'))"
_LOCK = "SELECT pg_advisory_xact_lock(?)"
# Records of one process between two looks at the summaries.
_FOLD_AFTER = 64
_FOLD_ALONE = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SET LOCAL synchronous_commit = off"
_TRY_FOLD = "SELECT pg_try_advisory_xact_lock(hashtext(current_schema() || ' mcp-router fold'))"
_FACTS = """
SELECT coalesce(sum(pg_total_relation_size(oid)), 0) FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
"""
_COLUMNS = """
SELECT attname::text, CASE format_type(atttypid, atttypmod) WHEN 'bigint' THEN 'INTEGER'
  WHEN 'double precision' THEN 'REAL' WHEN 'bytea' THEN 'BLOB' ELSE 'TEXT' END
FROM pg_attribute
WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped AND attname <> 'fresh'
ORDER BY attnum
"""


class PostgresDatabase(Database):
    """An open database; the address may name a schema: ?options=-csearch_path%3Drouter.

    After a fork the child opens connections of its own on first use.
    """

    remote: ClassVar[bool] = True

    def __init__(self, address: str, *, on_lost: OnLost = "closed") -> None:
        self.place = shown(address)
        self._conninfo = conninfo(address)
        self.identity = self._conninfo
        self.wall: Callable[[], float] = time.time
        self._closed = False
        self._written = 0
        self._lost_until = 0.0
        self.on_lost = on_lost
        self.version = 0
        self._start()
        try:
            self.prepare()
        except LostDatabaseError:
            if on_lost == "closed":
                raise
            _log.warning("Calls go on without their database. %s", lost(self.place))

    def prepare(self) -> None:
        """Bring the schema up to date, unless that was done.

        Raises:
            StorageError: the server is out of reach, or its schema cannot be used.
        """
        if self.version:
            return
        with self._preparing:
            if self.version:
                return
            self._hope()
            try:
                with mapped(self.place), self._connected() as connection:
                    self.version = migrate(Session(connection), place=self.place)
            except LostDatabaseError:
                self.missed()
                raise

    def transaction(self) -> Block:
        """Keep what the block writes at its end, or nothing of it if it raises.

        Of all such blocks one runs at a time, on any machine.

        Raises:
            StorageError: PostgreSQL failed, or what is locked was not free for some seconds.
        """
        return Block(self, _WRITE, alone=True)

    def shared_transaction(self) -> Block:
        """Do the same, beside others.

        Raises:
            StorageError: PostgreSQL failed, or what is locked was not free for some seconds.
        """
        return Block(self, _WRITE)

    def reading(self) -> Block:
        """Give one consistent view to every query of the block, which must not write.

        Raises:
            StorageError: PostgreSQL failed.
        """
        if self.outbox is not None and self.open_session is None:
            # What this process recorded is to be found by it.
            self.outbox.wait(_OWN_SECONDS)
        return Block(self, _READ)

    @contextmanager
    def glance(self, *, own: bool = True) -> Generator[Session]:
        """Run queries that need no common view, each in one round trip.

        Without `own`, what this process recorded a moment ago may be missing.

        Raises:
            StorageError: PostgreSQL failed.
        """
        inside = self.open_session
        if inside is not None:
            yield inside
            return
        if own and self.outbox is not None:
            self.outbox.wait(_OWN_SECONDS)
        session = Session(None, borrow=self._borrow)
        try:
            with mapped(self.place):
                yield session
        finally:
            if session.borrowed is not None:
                self._pool.putconn(session.borrowed)

    def write(self, statement: str, row: Sequence[object]) -> None:
        """Run one statement that is a transaction by itself, or a step of the one that is open.

        Raises:
            StorageError: PostgreSQL failed.
        """
        inside = self.open_session
        with mapped(self.place):
            if inside is not None:
                inside.first(statement, row)
            else:
                # Not tried twice: it may have arrived.
                with self.session() as session:
                    session.first(statement, row)
        self._written += 1
        self.fold_if_due()

    def fold_if_due(self) -> None:
        """Add the latest records to the summaries once there are some, outside of any block.

        Raises:
            StorageError: PostgreSQL failed.
        """
        if self._written >= _FOLD_AFTER and self.open_session is None:
            self.fold()

    def fold(self) -> None:
        """Add the latest records to the summaries, unless somebody is doing that.

        Raises:
            StorageError: PostgreSQL failed.
        """
        self._written = 0
        with mapped(self.place), self.session() as session:
            try:
                with session.wire.transaction():
                    session.wire.execute(_FOLD_ALONE)
                    if session.execute(_TRY_FOLD).fetchone() == (True,):
                        session.execute("SELECT fold_records()")
            except psycopg.errors.SerializationFailure:
                # Somebody did between the first look and the lock.
                return

    def call(self, statement: str, row: Sequence[object]) -> Any:
        """Run one statement in one round trip, and return its first row, None without one.

        Raises:
            StorageError: PostgreSQL failed.
        """
        session: Session | None = getattr(self._local, "session", None)
        with mapped(self.place):
            if session is not None:
                return session.first(statement, row)
            return self._twice(lambda session: session.first(statement, row))

    def commit(self, statement: str, row: Sequence[object]) -> Any:
        """Run one statement of the ledger, and wait for the disk only when its locks are free.

        Within a block that is done at the end of the block. Returns the first row.

        Raises:
            StorageError: PostgreSQL failed.
        """
        inside = self.open_session
        with mapped(self.place):
            if inside is not None:
                inside.lazy = True
                return inside.first(statement, row)
            steps = [("BEGIN", ()), (statement, row), ("COMMIT", ()), (FLUSH, ())]
            return self._twice(lambda session: session.together(steps)[1].fetchone())

    def replay(self, records: Sequence[tuple[str, Sequence[Step]]]) -> None:
        """Write records, each whole or not at all, in one round trip and one wait for the disk.

        Raises:
            StorageError: one was refused, or had arrived before; those ahead of it are written.
        """
        steps: list[Step] = []
        for key, own in records:
            steps += [("BEGIN", ()), begin_step(key), *own, ("COMMIT", ())]
        with mapped(self.place), self.session() as session:
            session.together([*steps, (FLUSH, ())])
        self._written += len(records)
        self.fold_if_due()

    def keep_in(self, path: Path) -> None:
        """Have records kept in a file of this machine until they are in the database.

        Raises:
            StorageError: the file cannot be used.
        """
        self.outbox = Outbox(path, database=self)

    def wall_ms(self) -> int:
        """Read the clock of this machine, in UTC milliseconds."""
        return round(self.wall() * 1000)

    def _twice(self, work: Callable[[Session], Any]) -> Any:
        """Try again where a connection was ended while nobody used it.

        Nothing that is done here is wrong if done twice: the second end of an entry does nothing,
        and money set aside twice comes back when its lease ends.
        """
        try:
            with self.session() as session:
                return work(session)
        except psycopg.OperationalError as error:
            if not is_lost(error):
                raise
        with self.session() as session:
            return work(session)

    @contextmanager
    def session(self) -> Generator[Session]:
        """Borrow a connection outside of any block; each statement is a transaction by itself.

        Raises:
            StorageError: the server is out of reach.
            psycopg.Error: a statement failed.
        """
        connection = self._borrow()
        try:
            yield Session(connection)
        except BaseException as error:
            # What was under way has no place in a connection that others use.
            if not isinstance(error, psycopg.Error) or is_lost(error):
                connection.close()
            else:
                roll_back(connection)
            raise
        finally:
            self._pool.putconn(connection)

    @contextmanager
    def private(self) -> Generator[Connection]:
        """Open a second connection for long work, without a deadline.

        Raises:
            StorageError: PostgreSQL failed.
        """
        self.prepare()
        with mapped(self.place), self._connected() as connection:
            connection.execute("SET statement_timeout = 0")
            connection.patience = None
            yield Session(connection)

    def lock(self, connection: Connection, *key: str) -> None:
        """Keep other transactions out that ask for the same key, until this one ends."""
        digest = blake2b("\0".join(key).encode("utf-8", "replace"), digest_size=8).digest()
        connection.execute(_LOCK, (int.from_bytes(digest, "big", signed=True),))

    def facts(self) -> Facts:
        """Measure it.

        Raises:
            StorageError: it cannot be read.
        """
        with self.reading() as connection:
            size = connection.first(_FACTS, ())[0]
        return Facts(self.place, size, 0, self.version)

    def columns(self, table: str) -> list[tuple[str, ColumnType]]:
        """List the columns of a table in order, with their types as SQLite calls them.

        Raises:
            StorageError: it cannot be read.
        """
        with self.reading() as connection:
            return [(name, kind) for name, kind in connection.execute(_COLUMNS, (table,))]

    def close(self) -> None:
        """Close every connection; later calls raise `StorageError`. Closing twice is fine."""
        if self.outbox is not None and not self._closed:
            self.outbox.close()
        self._closed = True
        if self._pid == os.getpid():
            self._pool.close(timeout=1.0)

    def began(self) -> Session:
        """Begin a block of this thread; its first statement takes a connection."""
        session = Session(None, borrow=self._borrow)
        self._local.session = session
        return session

    def ended(self, session: Session) -> None:
        """Give the connection of a block back."""
        self._local.session = None
        if session.borrowed is not None:
            self._pool.putconn(session.borrowed)

    @property
    def open_session(self) -> Session | None:
        """The connection of the block that this thread is within."""
        session: Session | None = getattr(self._local, "session", None)
        return session

    def missed(self) -> None:
        """Note that the server is out of reach: for a second others need not try in vain."""
        self._lost_until = time.monotonic() + _PAUSE_SECONDS

    def _start(self) -> None:
        self._pid = os.getpid()
        self._local = threading.local()
        self._preparing = threading.Lock()
        # They would write what connections fail of to the terminal; our errors say it.
        for name in ("psycopg", "psycopg.pool"):
            logging.getLogger(name).addHandler(logging.NullHandler())
        logging.getLogger("psycopg.pool").propagate = False
        self._pool: ConnectionPool[Wire] = ConnectionPool(
            self._conninfo,
            connection_class=Wire,
            kwargs={"autocommit": True},
            min_size=0,
            max_size=MOST_CONNECTIONS,
            timeout=_WAIT_SECONDS,
            # Who waits asks again; attempts that go on by themselves would only be late.
            reconnect_timeout=0.0,
            configure=_configure,
            check=_check,
            num_workers=2,
            open=False,
        )

    def _borrow(self, broken: Wire | None = None) -> Wire:
        if broken is not None:
            self._pool.putconn(broken)
        if self._pid != os.getpid():
            # Closing what is inherited would end the parent's sessions: it is only kept.
            self._inherited = self._pool
            self._start()
        if self._closed:
            raise StorageError(path=self.place, problem="it is closed")
        self.prepare()
        self._hope()
        try:
            if self._pool.closed:
                self._pool.open()
            return self._lent()
        except psycopg.Error as error:
            self.missed()
            raise storage_error(self.place, error=error) from error

    def _hope(self) -> None:
        if time.monotonic() < self._lost_until:
            raise lost(self.place)

    def _lent(self) -> Wire:
        """Wait for a connection, but not for one that a lost server will not give."""
        until = time.monotonic() + _WAIT_SECONDS
        while True:
            try:
                return self._pool.getconn(timeout=_LOOK_SECONDS)
            except PoolTimeout:
                # Without any, not even one that is being opened, nobody will give one back.
                if not self._pool.get_stats()["pool_size"] or time.monotonic() > until:
                    raise

    @contextmanager
    def _connected(self) -> Generator[Wire]:
        connection = Wire.connect(self._conninfo, autocommit=True)
        try:
            _configure(connection)
            yield connection
        finally:
            connection.close()


class Block:
    """The span of one transaction, or of a step in the one that is open already."""

    __slots__ = ("_alone", "_begin", "_database", "_mine", "_session")

    def __init__(self, database: PostgresDatabase, begin: str, *, alone: bool = False) -> None:
        self._database = database
        self._begin = begin
        self._alone = alone

    def __enter__(self) -> Session:
        """Take a connection, and have its first statement begin the transaction."""
        session = self._database.open_session
        self._mine = session is None
        with mapped(self._database.place):
            if session is None:
                session = self._database.began()
                session.begin(self._begin)
            if self._alone and not session.alone:
                session.alone = True
                session.ahead(_ALONE)
        self._session = session
        return session

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Commit, or roll back what raised, and give the connection back."""
        session, database = self._session, self._database
        try:
            if self._mine:
                session.end(failed=kind is not None)
        except psycopg.Error as failure:
            if is_lost(failure):
                database.missed()
            raise storage_error(database.place, error=failure) from failure
        finally:
            if self._mine:
                database.ended(session)
        if kind is None and self._mine:
            database.fold_if_due()
        if isinstance(error, psycopg.Error):
            if is_lost(error):
                database.missed()
            raise storage_error(database.place, error=error) from error


def _configure(connection: Wire) -> None:
    prepare(connection)
    milliseconds = round(BUSY_SECONDS * 1000)
    connection.execute(
        f"SET lock_timeout = {milliseconds}; SET statement_timeout = {4 * milliseconds}; "
        f"SET idle_in_transaction_session_timeout = {12 * milliseconds}".encode()
    )


def _check(connection: Wire) -> None:
    """Find out without a round trip whether the server has hung up on an idle connection."""
    readable, _, _ = select([connection.fileno()], [], [], 0)
    if readable:
        # Nothing is asked, so that whatever came is a farewell. Closed, the pool replaces it.
        connection.close()
        raise psycopg.OperationalError("the server has closed this connection")
