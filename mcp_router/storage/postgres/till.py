"""The ledger of a shared database: one round trip for each reservation and each end of one.

The work is done by functions of the database (db/postgres/migrations/0002_ledger.sql). They hold
the rows of budgets, which a whole team queues for, only while they run: neither while an answer
travels nor while a disk writes. An answer is given once what it says is on disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mcp_router.errors import LostDatabaseError
from mcp_router.storage import budgets, past
from mcp_router.storage.ledger import Reservation
from mcp_router.storage.postgres.outbox import END, SPEND, Op

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mcp_router.storage.budgets import Budget, BudgetPeriod, BudgetRule, Span
    from mcp_router.storage.database import Connection
    from mcp_router.storage.ledger import Purpose
    from mcp_router.storage.postgres.database import PostgresDatabase

    SpanOf = Callable[[BudgetPeriod, int], Span]
    Begin = Callable[[Connection, int], list[Budget]]

_TURNS = 12
_RESERVE = """
SELECT said, entry, at, expires, drawn, refused, spent, reserved, noted
FROM ledger_reserve(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_END = "SELECT ledger_end(?, ?, ?, ?, ?)"
_TIME = "SELECT at, due, noted FROM ledger_time(?, ?)"
_SWEEP = "SELECT ledger_sweep(?)"
_EXTEND = """
UPDATE ledger_entries SET expires_ms = greatest(expires_ms, time.at + ?)
FROM ledger_time(?, ?) AS time
WHERE entry_id = ? AND state = 'open' AND expires_ms > time.at RETURNING 1
"""
# What begins a budget adds up all its entries: none may come or go meanwhile.
_STILL = "LOCK TABLE ledger_entries IN SHARE ROW EXCLUSIVE MODE"


class Asked(NamedTuple):
    """A reservation that is asked for, with the rules that it counts for."""

    amount: int
    rules: Sequence[BudgetRule]
    tags: tuple[str, ...]
    purpose: Purpose
    lease_ms: int
    now: int


class Refused(NamedTuple):
    """The first rule that leaves no room, what its budget holds, and the ledger's time."""

    rule: BudgetRule
    spent: int
    reserved: int
    at: int


class Till:
    """Reserves, settles and extends in a shared database."""

    def __init__(self, database: PostgresDatabase, *, span_of: SpanOf) -> None:
        self._database = database
        self._span_of = span_of

    def reserve(self, asked: Asked, *, begin: Begin) -> Reservation | Refused:
        """Set money aside in all budgets, or in none; `begin` begins those that are new.

        Raises:
            StorageError: the database failed.
        """
        at = asked.now
        for _ in range(_TURNS):
            row = self._database.commit(_RESERVE, self._row(asked, at=at))
            said, entry, at, expires, drawn, refused, spent, reserved, noted = row
            if noted:
                self._forget(at)
            if said == "held":
                whole = asked.purpose.within
                within = whole.entry_id if whole else 0
                return Reservation(entry, asked.amount, at, expires, within, drawn)
            if said == "refused":
                return Refused(asked.rules[refused - 1], spent, reserved, at)
            if said == "sweep":
                self._database.commit(_SWEEP, (at,))
            elif said == "begin":
                self.begin(begin, at=at)
        raise RuntimeError("the ledger's time does not stand still")

    def end(self, reservation: Reservation, *, spent: int | None, now: int) -> bool:
        """Settle a reservation, or release it where nothing was spent; False if done before.

        Raises:
            StorageError: the database failed.
        """
        step = self.end_op(reservation, spent=spent, now=now)
        outbox = self._database.outbox
        if step is None or (step.name == SPEND and outbox is None):
            return False
        if outbox is not None and outbox.collecting:
            outbox.record(step.name, step.row)
            return True
        try:
            if step.name == END:
                return bool(self._database.commit(_END, step.row)[0])
        except LostDatabaseError:
            if outbox is None:
                raise
        # What an answer cost is told all the same: it is kept here until the server is back.
        if outbox is not None:
            outbox.append([step])
        return True

    def end_op(self, reservation: Reservation, *, spent: int | None, now: int) -> Op | None:
        """Write the end of a reservation as a step of a record; None if there is nothing to do."""
        if reservation.entry_id:
            whole = reservation.within, reservation.drawn_nanos
            return Op(END, (reservation.entry_id, spent, now, *whole))
        unrecorded = reservation.unrecorded
        if unrecorded is None or not spent:
            return None
        return Op(SPEND, (*unrecorded, reservation.reserved_ms, reservation.amount_nanos, spent))

    def extend(self, reservation: Reservation, *, lease_ms: int, now: int) -> bool:
        """Prolong a lease; False if it has ended.

        Raises:
            StorageError: the database failed.
        """
        row = (lease_ms, now, self._database.wall_ms(), reservation.entry_id)
        return self._database.commit(_EXTEND, row) is not None

    def time(self, now: int) -> int:
        """Return the ledger's time, once the money of leases that ended by then is back.

        Raises:
            StorageError: the database failed.
        """
        at, due, noted = self._database.call(_TIME, (now, self._database.wall_ms()))
        if noted:
            self._forget(at)
        if due:
            self._database.commit(_SWEEP, (at,))
        return int(at)

    def begin(self, begin: Begin, *, at: int) -> list[Budget]:
        """Begin budgets while no entry comes or goes.

        Raises:
            StorageError: the database failed.
        """
        with self._database.transaction() as connection:
            connection.execute(_STILL)
            return begin(connection, at)

    def _forget(self, at: int) -> None:
        if self._database.open_session is None:
            with self._database.transaction() as connection:
                past.forget(connection, at=at)

    def _row(self, asked: Asked, *, at: int) -> tuple[object, ...]:
        purpose, whole = asked.purpose, asked.purpose.within
        single = [rule.period == "request" for rule in asked.rules]
        spans = [self._span_of(rule.period, at) for rule in asked.rules]
        names = [
            "" if one else budgets.label(rule)
            for one, rule in zip(single, asked.rules, strict=True)
        ]
        # A part counts in the period in which the whole was set aside, as does the rule for it.
        return (
            asked.now,
            self._database.wall_ms(),
            purpose.decision_id,
            purpose.model,
            budgets.as_json(asked.tags),
            list(budgets.counting(asked.tags)),
            asked.amount,
            asked.lease_ms,
            whole.entry_id if whole else 0,
            whole.reserved_ms if whole else 0,
            names,
            [span.start for span in spans],
            [span.end for span in spans],
            [rule.limit_nanos for rule in asked.rules],
        )
