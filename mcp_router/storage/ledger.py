"""The ledger: money is reserved before a call, then settled or released; no budget is overspent.

Amounts are whole nano-dollars, times UTC milliseconds; nothing here reads a clock. What a call
costs counts in the day and month in which it was reserved, whenever it ends. The ledger's time
stands still while a clock that stepped back catches up, so that no earlier period opens again; a
clock more than `STEP_BACK_MS` behind is believed, as the time seen before must have been wrong.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.errors import BudgetExceededError
from mcp_router.storage import budgets
from mcp_router.storage.alerts import claim, describe, undelivered
from mcp_router.storage.budgets import Budget, Change, Span
from mcp_router.storage.periods import from_ms, period_bounds

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence
    from datetime import datetime, tzinfo

    from mcp_router.storage.budgets import BudgetPeriod, BudgetRule
    from mcp_router.storage.database import Database
    from mcp_router.types import BudgetStatus

STEP_BACK_MS = 36 * 3_600_000


class Purpose(NamedTuple):
    """What money is reserved for; `tags` decide which budgets on tags it counts for."""

    decision_id: str
    model: str
    tags: Mapping[str, str] = {}


class Reservation(NamedTuple):
    """Money set aside until `expires_ms`; settle or release it, or its lease gives it back."""

    entry_id: int
    amount_nanos: int
    reserved_ms: int
    expires_ms: int


class _Found(NamedTuple):
    rule: BudgetRule
    budget: Budget
    at: int


_OPEN = """
INSERT INTO ledger_entries (decision_id, model, tags, reserved_ms, expires_ms, reserved_nanos)
VALUES (?, ?, ?, ?, ?, ?)
"""
_FIND = """
SELECT state, reserved_ms, reserved_nanos, tags FROM ledger_entries
WHERE entry_id = ? AND state <> 'settled'
"""
_SETTLE = """
UPDATE ledger_entries SET state = 'settled', spent_nanos = ?, settled_ms = ? WHERE entry_id = ?
"""
_TAG = "INSERT INTO ledger_tags (tag, entry_id) VALUES (?, ?)"
_DROP = "DELETE FROM ledger_entries WHERE entry_id = ?"
_EXTEND = """
UPDATE ledger_entries SET expires_ms = max(expires_ms, ?) WHERE entry_id = ? AND state = 'open'
"""
_OVERDUE = """
SELECT entry_id, reserved_ms, reserved_nanos, tags FROM ledger_entries
WHERE state = 'open' AND expires_ms <= ?
"""
_EXPIRE = "UPDATE ledger_entries SET state = 'expired' WHERE entry_id = ?"
_SEEN = "SELECT seen_ms FROM ledger_clock"
_SEE = "UPDATE ledger_clock SET seen_ms = ?"
_SHIFT = "UPDATE ledger_entries SET expires_ms = expires_ms - ? WHERE state = 'open'"


class Ledger:
    """Reserves, settles and reports money, exactly, for all processes that share a database.

    `zone` is where days and months begin. The limits are those of the rules of each call, so
    that changed ones hold at once; a budget that is new finds what was spent before it.
    """

    def __init__(self, database: Database, *, zone: tzinfo) -> None:
        self._database = database
        self._zone = zone
        self._spans: dict[str, Span] = {}

    def reserve(
        self,
        amount_nanos: int,
        *,
        rules: Sequence[BudgetRule],
        purpose: Purpose,
        lease_s: float,
        now: int,
    ) -> Reservation:
        """Set the most a call can cost aside in all its budgets at once, or in none.

        An amount of 0, for a free or local model, is never refused.

        Raises:
            BudgetExceededError: names the first of `rules` that leaves no room.
            ValueError: a negative amount.
            StorageError: the database failed.
        """
        if amount_nanos < 0:
            raise ValueError("an amount to reserve may not be negative")
        tags = tuple(f"{key}={value}" for key, value in purpose.tags.items())
        with self._database.transaction() as connection:
            at = _advance(connection, now=now)
            mine = [rule for rule in rules if not rule.tag or rule.tag in tags]
            rows = self._current(connection, rules=mine, tags=tags, at=at)
            refused = _refused(amount_nanos, rules=mine, rows=rows)
            if refused is None:
                expires = at + round(lease_s * 1000)
                row = (purpose.decision_id, purpose.model, json.dumps(tags), at, expires)
                entry = connection.execute(_OPEN, (*row, amount_nanos)).lastrowid or 0
                if amount_nanos:
                    budgets.apply(connection, Change(at, tags, reserved=amount_nanos))
                return Reservation(entry, amount_nanos, at, expires)
        # Outside the block: what the sweep gave back is kept even when this is refused.
        rule, budget = refused
        raise _exceeded(budget, rule, amount_nanos, self._resets_at(rule.period, at=at))

    def settle(self, reservation: Reservation, actual_nanos: int, *, now: int) -> bool:
        """Replace a reservation by what the call cost; False if that was done before.

        Truth goes before limits: more than was reserved, or after the lease ended, is recorded
        all the same, and listed in the view `v_overspends`.

        Raises:
            ValueError: a negative amount.
            StorageError: the database failed.
        """
        if actual_nanos < 0:
            raise ValueError("an amount to settle may not be negative")
        entry = reservation.entry_id
        with self._database.transaction() as connection:
            found = _close(connection, reservation, spent=actual_nanos)
            if found is None:
                return False
            connection.execute(_SETTLE, (actual_nanos, now, entry))
            connection.executemany(_TAG, [(tag, entry) for tag in found])
            return True

    def release(self, reservation: Reservation) -> bool:
        """Give a reservation back unspent; False if it was settled or released before.

        Raises:
            StorageError: the database failed.
        """
        with self._database.transaction() as connection:
            if _close(connection, reservation, spent=0) is None:
                return False
            connection.execute(_DROP, (reservation.entry_id,))
            return True

    def extend(self, reservation: Reservation, *, lease_s: float, now: int) -> bool:
        """Prolong a lease to `lease_s` from now; False if it has ended and the money is gone.

        Raises:
            StorageError: the database failed.
        """
        with self._database.transaction() as connection:
            at = _advance(connection, now=now)
            expires = at + round(lease_s * 1000)
            return connection.execute(_EXTEND, (expires, reservation.entry_id)).rowcount == 1

    def status(self, rules: Sequence[BudgetRule], *, now: int) -> tuple[BudgetStatus, ...]:
        """Report each budget in its running period, in the order of `rules`.

        Raises:
            StorageError: the database failed.
        """
        return tuple(self._describe(each) for each in self._read(rules, now=now))

    def pending_alerts(self, rules: Sequence[BudgetRule], *, now: int) -> tuple[BudgetStatus, ...]:
        """Claim the budgets with an alert that nobody has delivered in this period.

        Of any number of processes exactly one gets each alert: at the warning, and at 100 %.

        Raises:
            StorageError: the database failed.
        """
        found = self._read(rules, now=now)
        with self._database.reading() as connection:
            due = [each for each in found if undelivered(connection, each.rule, budget=each.budget)]
        if not due:
            return ()
        with self._database.transaction() as connection:
            mine = [
                each for each in due if claim(connection, each.rule, budget=each.budget, now=now)
            ]
        return tuple(self._describe(each) for each in mine)

    def _describe(self, found: _Found) -> BudgetStatus:
        resets_at = self._resets_at(found.rule.period, at=found.at)
        return describe(found.rule, found.budget, resets_at=resets_at)

    def _read(self, rules: Sequence[BudgetRule], *, now: int) -> list[_Found]:
        with self._database.reading() as connection:
            found = self._peek(connection, rules=rules, now=now)
        if found is not None:
            return found
        with self._database.transaction() as connection:
            at = _advance(connection, now=now)
            rows = self._current(connection, rules=rules, tags=_tags_of(rules), at=at)
        return [_Found(rule, budget, at) for rule, budget in zip(rules, rows, strict=True)]

    def _peek(
        self, connection: sqlite3.Connection, *, rules: Sequence[BudgetRule], now: int
    ) -> list[_Found] | None:
        """Read the budgets without the write lock; None if something must be written first."""
        at = _time(connection, now=now)[0]
        if connection.execute(_OVERDUE, (at,)).fetchone():
            return None
        rows = budgets.covering(connection, tags=_tags_of(rules), at=at)
        found: list[_Found] = []
        for rule in rules:
            budget = rows.get((budgets.label(rule), self._span(rule.period, at=at).start))
            if rule.period == "request":
                budget = _per_request(rule)
            if budget is None or budget.limit != rule.limit_nanos:
                return None
            found.append(_Found(rule, budget, at))
        return found

    def _current(
        self,
        connection: sqlite3.Connection,
        *,
        rules: Sequence[BudgetRule],
        tags: tuple[str, ...],
        at: int,
    ) -> list[Budget]:
        """Read one budget per rule; begin those that are new, and note their limits."""
        rows = budgets.covering(connection, tags=tags, at=at)
        found: list[Budget] = []
        for rule in rules:
            if rule.period == "request":
                found.append(_per_request(rule))
                continue
            span = self._span(rule.period, at=at)
            budget = rows.get((budgets.label(rule), span.start))
            if budget is None:
                budget = budgets.begin(connection, rule, span=span)
            found.append(budgets.note_limit(connection, budget, limit=rule.limit_nanos))
        return found

    def _span(self, period: BudgetPeriod, *, at: int) -> Span:
        known = self._spans.get(period)
        if known and known.start <= at and (known.end is None or at < known.end):
            return known
        self._spans[period] = span = _span(period, at=at, zone=self._zone)
        return span

    def _resets_at(self, period: BudgetPeriod, *, at: int) -> datetime | None:
        end = self._span(period, at=at).end
        return None if end is None else from_ms(end).astimezone(self._zone)


def _close(
    connection: sqlite3.Connection, reservation: Reservation, *, spent: int
) -> tuple[str, ...] | None:
    """Move an unsettled entry's money to spent and return its tags; None if there is none."""
    found = connection.execute(_FIND, (reservation.entry_id,)).fetchone()
    if found is None:
        return None
    state, reserved_ms, reserved, stored = found
    tags = tuple[str, ...](json.loads(stored))
    # An expired entry holds nothing any more, but what it cost is spent all the same.
    held = reserved if state == "open" else 0
    if held or spent:
        budgets.apply(connection, Change(reserved_ms, tags, reserved=-held, spent=spent))
    return tags


def _time(connection: sqlite3.Connection, *, now: int) -> tuple[int, int]:
    seen: int = connection.execute(_SEEN).fetchone()[0]
    return (seen if now < seen <= now + STEP_BACK_MS else now), seen


def _advance(connection: sqlite3.Connection, *, now: int) -> int:
    """Return the ledger's time, store it, and take back the money of leases that have ended."""
    at, seen = _time(connection, now=now)
    if seen > at:
        # Leases keep the time they had left.
        connection.execute(_SHIFT, (seen - at,))
    if seen != at:
        connection.execute(_SEE, (at,))
    for entry, reserved_ms, reserved, tags in connection.execute(_OVERDUE, (at,)).fetchall():
        budgets.apply(connection, Change(reserved_ms, tuple(json.loads(tags)), reserved=-reserved))
        connection.execute(_EXPIRE, (entry,))
    return at


def _refused(
    amount: int, *, rules: Sequence[BudgetRule], rows: Sequence[Budget]
) -> tuple[BudgetRule, Budget] | None:
    for rule, budget in zip(rules, rows, strict=True):
        limit = rule.limit_nanos
        if amount and limit is not None and budget.spent + budget.reserved + amount > limit:
            return rule, budget
    return None


def _exceeded(
    budget: Budget, rule: BudgetRule, asked: int, resets_at: datetime | None
) -> BudgetExceededError:
    return BudgetExceededError(
        budget=rule.name,
        limit=rule.limit_nanos or 0,
        spent=budget.spent,
        reserved=budget.reserved,
        asked=asked,
        resets_at=resets_at,
    )


def _per_request(rule: BudgetRule) -> Budget:
    return Budget(budgets.label(rule), 0, rule.limit_nanos, 0, 0)


def _tags_of(rules: Sequence[BudgetRule]) -> tuple[str, ...]:
    return tuple(rule.tag for rule in rules if rule.tag)


def _span(period: BudgetPeriod, *, at: int, zone: tzinfo) -> Span:
    if period not in ("day", "month"):
        return Span(0, None)
    return Span(*period_bounds(period, at=at, zone=zone))
