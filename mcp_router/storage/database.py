"""What the store asks of a database, whichever engine keeps it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol, Self

from mcp_router.config.checks import is_database_address
from mcp_router.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from types import TracebackType

    from mcp_router.storage.postgres.outbox import Outbox

OnLost = Literal["closed", "open"]
ColumnType = Literal["INTEGER", "TEXT", "REAL", "BLOB"]


class Cursor(Protocol):
    """What came of a statement."""

    @property
    def rowcount(self) -> int:
        """How many rows it changed."""
        ...

    def fetchone(self) -> Any:
        """Return the next row, None after the last."""
        ...

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""
        ...

    def __iter__(self) -> Iterator[Any]:
        """Go through the rows that are left."""
        ...


class Connection(Protocol):
    """Runs statements; placeholders are written as SQLite has them: ?, ?1 or :name."""

    def execute(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ..., /) -> Cursor:
        """Run one statement."""
        ...

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> Cursor:
        """Run one statement with each of the rows."""
        ...


class Facts(NamedTuple):
    """Where a database is, what it takes in bytes, with its log, and the version of its schema."""

    place: str
    bytes: int
    log_bytes: int
    schema: int


def file_at(place: Path | str) -> Path:
    """Name the file that a path means: absolute, and with a home folder for a leading ~."""
    path = Path(place)
    # Where there is no such user, it is the name of a folder.
    with suppress(RuntimeError):
        path = path.expanduser()
    # Absolute, so that no name can be read as a `file:` URI.
    return path.absolute()


class Database(ABC):
    """An open database with the newest schema; a context manager that closes it.

    Safe to share between threads; async code must not await within a block, or other tasks of its
    thread join the transaction.

    Attributes:
        remote: whether each statement travels over a network; such calls leave the event loop.
        place: what people call it: a path, or an address without its password.
        outbox: keeps records until they are in a remote database; None writes them at once.
        on_lost: whether calls go on ("open") while a remote database is out of reach, beyond any
            budget, or not ("closed").
    """

    remote: ClassVar[bool]
    place: str
    outbox: Outbox | None = None
    on_lost: OnLost = "closed"

    @staticmethod
    def open(place: Path | str, *, on_lost: OnLost = "closed") -> Database:
        """Open a database: the file at a path, or what a postgresql:// address names.

        A file and its folder are created as needed, private to the user, and so is the schema.
        Where `on_lost` is "open", a server may be out of reach, and is used once it is there.

        Raises:
            StorageError: it cannot be used.
        """
        if isinstance(place, str) and is_database_address(place):
            return _postgres(place, on_lost=on_lost)
        from mcp_router.storage.sqlite_file import SqliteDatabase

        return SqliteDatabase(file_at(place))

    @abstractmethod
    def transaction(self) -> AbstractContextManager[Connection]:
        """Keep what the block writes at its end, or nothing of it if it raises.

        Of all such blocks one runs at a time. Inside an open transaction of the same thread the
        block joins it.

        Raises:
            StorageError: the database failed, or was not free for some seconds.
        """

    def shared_transaction(self) -> AbstractContextManager[Connection]:
        """Do the same, beside others where the engine can lock single rows.

        What is read must not decide what is written, unless a `lock` sees to it.

        Raises:
            StorageError: the database failed, or what it locked was not free for some seconds.
        """
        return self.transaction()

    @abstractmethod
    def reading(self) -> AbstractContextManager[Connection]:
        """Give one consistent view to every query of the block, which must not write.

        Raises:
            StorageError: the database failed.
        """

    def glance(self, *, own: bool = True) -> AbstractContextManager[Connection]:
        """Run queries that need no common view, for less where the database is far away.

        Without `own`, what this process recorded a moment ago may be missing.

        Raises:
            StorageError: the database failed.
        """
        del own
        return self.reading()

    @abstractmethod
    def write(self, statement: str, row: Sequence[object]) -> None:
        """Run one statement that is a transaction by itself, or a step of the one that is open.

        Raises:
            StorageError: the database failed.
        """

    @abstractmethod
    def private(self) -> AbstractContextManager[Connection]:
        """Open a second connection for long work (export) that must not hold up the others.

        Raises:
            StorageError: the database failed.
        """

    @abstractmethod
    def lock(self, connection: Connection, *key: str) -> None:
        """Keep other transactions out that ask for the same key, until this one ends."""

    @abstractmethod
    def facts(self) -> Facts:
        """Measure it.

        Raises:
            StorageError: it cannot be read.
        """

    @abstractmethod
    def columns(self, table: str) -> list[tuple[str, ColumnType]]:
        """List the columns of a table in order, with their types as SQLite calls them.

        Raises:
            StorageError: it cannot be read.
        """

    @abstractmethod
    def close(self) -> None:
        """Close it; later calls raise `StorageError`. Closing twice is fine."""

    def __enter__(self) -> Self:
        """Return the open database."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()


def _postgres(address: str, *, on_lost: OnLost) -> Database:
    missing = [name for name in ("psycopg", "psycopg_pool") if find_spec(name) is None]
    if missing:
        raise StorageError(
            path="postgresql://…",
            problem=f"{' and '.join(missing)} is not installed",
            hint="Install it: pip install 'mcp-model-router[postgres]'",
        )
    from mcp_router.storage.postgres.database import PostgresDatabase

    return PostgresDatabase(address, on_lost=on_lost)
