"""A connection as the store uses it: one round trip for a statement and what must go before it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg import RawCursor, pq
from psycopg.waiting import Ready

from mcp_router.storage.postgres.dialect import translated

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from psycopg.abc import PQGen

Result = TypeVar("Result")
Row = tuple[Any, ...]

Step = tuple[str, "Sequence[Any]"]
"""A statement and its values."""

_Sent = tuple[bytes, "Sequence[Any]"]

Borrow = Callable[["Wire | None"], "Wire"]
"""Lends a connection, in place of one that turned out to be closed."""

FLUSH = "SELECT ledger_flush()"
"""Waits until all that was committed before is on disk."""

PATIENCE = 25.0
"""Seconds without a sign of life after which a server counts as lost."""


class Wire(psycopg.Connection[Row]):
    """A connection that gives up a server which has fallen silent.

    The kernel notices a machine that is gone; a stopped process, or a proxy in between, still
    acknowledges what it is sent.
    """

    patience: float | None = PATIENCE

    def wait(self, gen: PQGen[Result], *args: Any, **options: Any) -> Result:
        """Wait for an answer, but not for ever."""
        if self.patience is None:
            return super().wait(gen, *args, **options)
        return super().wait(_impatient(gen, seconds=self.patience), *args, **options)


def _impatient(gen: PQGen[Result], *, seconds: float) -> PQGen[Result]:
    until = time.monotonic() + seconds
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if ready == Ready.NONE and time.monotonic() > until:
                raise psycopg.OperationalError("the server has fallen silent")
            following = gen.send(ready)
            # After a pause the generator wants what it wanted.
            wanted = wanted if ready == Ready.NONE else following
    except StopIteration as done:
        result: Result = done.value
        return result


class Session:
    """Runs statements written for SQLite.

    Attributes:
        alone: whether the transaction keeps out all others that are to be alone.
        lazy: whether its commit does not wait for the disk, so that something else must.
    """

    __slots__ = ("_ahead", "_borrow", "_open", "_wire", "alone", "lazy")

    def __init__(self, wire: Wire | None, *, borrow: Borrow | None = None) -> None:
        self._wire = wire
        self._borrow = borrow
        self.alone = False
        self.lazy = False
        self._ahead: list[str] = []
        self._open = False

    @property
    def wire(self) -> Wire:
        """The connection, borrowed when it is first needed."""
        if self._wire is None:
            if self._borrow is None:
                raise psycopg.InterfaceError("this session has no connection")
            self._wire = self._borrow(None)
        return self._wire

    @property
    def borrowed(self) -> Wire | None:
        """The connection, if it was ever needed."""
        return self._wire

    def execute(
        self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = (), /
    ) -> RawCursor[Row]:
        """Run one statement, and what is waiting to go ahead of it, in one round trip."""
        statement = translated(sql)
        steps: list[_Sent] = [(one.encode(), ()) for one in self._ahead]
        steps.append((statement.text, statement.values(parameters)))
        untouched, self._open = not self._open, self._open or bool(self._ahead)
        self._ahead = []
        try:
            return self._sent(steps)[-1]
        except psycopg.OperationalError:
            if not untouched or self._borrow is None or not self.wire.closed:
                raise
            # Ended while nobody used it, and nothing of this transaction has happened yet.
            # Given back once, even where there is no other one to be had.
            broken, self._wire = self._wire, None
            self._wire = self._borrow(broken)
            return self._sent(steps)[-1]

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> RawCursor[Row]:
        """Run one statement with each of the rows."""
        self.flush()
        cursor: RawCursor[Row] = RawCursor(self.wire)
        cursor.executemany(translated(sql).text, parameters)
        return cursor

    def first(self, sql: str, parameters: Sequence[Any]) -> Any:
        """Run one statement and return its first row; None where it has none."""
        cursor = self.execute(sql, parameters)
        return cursor.fetchone() if cursor.description else None

    def together(self, statements: Iterable[Step]) -> list[RawCursor[Row]]:
        """Run several statements in one round trip; return what came of each."""
        return self._sent([(translated(sql).text, values) for sql, values in statements])

    def _sent(self, steps: Sequence[_Sent]) -> list[RawCursor[Row]]:
        cursors: list[RawCursor[Row]] = []
        if len(steps) == 1:
            cursors.append(RawCursor(self.wire))
            cursors[0].execute(*steps[0])
            return cursors
        with self.wire.pipeline():
            for text, parameters in steps:
                cursors.append(RawCursor(self.wire))
                cursors[-1].execute(text, parameters)
        return cursors

    def begin(self, statement: str) -> None:
        """Have the next statement begin a transaction."""
        self.ahead(statement)

    def ahead(self, statement: str) -> None:
        """Have a statement go ahead of the next one."""
        self._ahead.append(statement)

    def flush(self) -> None:
        """Send what waits to go ahead."""
        ahead, self._ahead = self._ahead, []
        if ahead:
            self._open = True
            self.together((one, ()) for one in ahead)

    def end(self, *, failed: bool) -> None:
        """Commit the transaction, or roll back one that failed; nothing where none was begun."""
        self._ahead = []
        if not self._open or self._wire is None or self._wire.closed:
            return
        self._open = False
        if failed:
            roll_back(self.wire)
        elif self.lazy:
            self.together([("COMMIT", ()), (FLUSH, ())])
        else:
            self.wire.execute("COMMIT")


def roll_back(wire: Wire) -> None:
    """End a transaction that failed, so that the connection can be used again."""
    if wire.pgconn.transaction_status in (
        pq.TransactionStatus.INTRANS,
        pq.TransactionStatus.INERROR,
    ):
        try:
            wire.execute("ROLLBACK")
        except psycopg.Error:
            # Gone with its transaction: what failed before tells why.
            wire.close()
    elif wire.pgconn.transaction_status != pq.TransactionStatus.IDLE:
        wire.close()
