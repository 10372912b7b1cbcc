"""The ledger: money is reserved before a call, then settled or released; no budget is overspent.

Amounts are whole nano-dollars, times UTC milliseconds; nothing here reads a clock. What a call
costs counts in the day and month in which it was reserved, whenever it ends. The ledger has a time
of its own (storage/timekeeping.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mcp_router.errors import BudgetExceededError, LostDatabaseError
from mcp_router.storage import budgets, timekeeping, umbrella
from mcp_router.storage.alerts import Claim, claim, describe, undelivered
from mcp_router.storage.budgets import Budget, Change, Span
from mcp_router.storage.periods import from_ms, period_bounds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, tzinfo

    from mcp_router.storage.budgets import BudgetPeriod, BudgetRule
    from mcp_router.storage.database import Connection, Database
    from mcp_router.storage.postgres.till import Asked, Till
    from mcp_router.types import BudgetStatus


class Reservation(NamedTuple):
    """Money set aside until `expires_ms`; settle or release it, or its lease gives it back.

    `drawn_nanos` of it came from the reservation `within`, which gets back what is not spent.
    One that could not be recorded, as the database was away, has the id 0 and says in `unrecorded`
    what it was for: decision, model and tags.
    """

    entry_id: int
    amount_nanos: int
    reserved_ms: int
    expires_ms: int
    within: int = 0
    drawn_nanos: int = 0
    unrecorded: tuple[str, str, str] | None = None


class Purpose(NamedTuple):
    """What money is reserved for; `tags` decide which budgets on tags it counts for.

    A reservation `within` another draws on what that one set aside, before it asks the budgets.
    """

    decision_id: str
    model: str
    tags: Mapping[str, str] = {}
    within: Reservation | None = None


class _Ended(NamedTuple):
    at: int
    held: int
    tags: tuple[str, ...]


class _Found(NamedTuple):
    rule: BudgetRule
    budget: Budget
    at: int


_OPEN = """
INSERT INTO ledger_entries (decision_id, model, tags, reserved_ms, expires_ms, reserved_nanos)
VALUES (?, ?, ?, ?, ?, ?) RETURNING entry_id
"""
_SETTLE = """
UPDATE ledger_entries SET spent_nanos = ?, settled_ms = ?, state = 'settled'
WHERE entry_id = ? AND state = ? RETURNING reserved_ms, reserved_nanos, tags
"""
_DROP = """
DELETE FROM ledger_entries
WHERE entry_id = ? AND state = ? RETURNING reserved_ms, reserved_nanos, tags
"""
_TAG = "INSERT INTO ledger_tags (tag, entry_id) VALUES (?, ?)"
_EXTEND = """
UPDATE ledger_entries SET expires_ms = max(expires_ms, ?) WHERE entry_id = ? AND state = 'open'
"""


class Ledger:
    """Reserves, settles and reports money, exactly, for all processes that share a database.

    `zone` is where days and months begin. The limits are those of the rules of each call, so
    that changed ones hold at once; a budget that is new finds what was spent before it. What is
    reserved from a `pot` counts for the budgets of that pot alone.
    """

    def __init__(self, database: Database, *, zone: tzinfo, pot: str = "") -> None:
        self._database = database
        self._zone = zone
        self._pot = (pot,) if pot else ()
        self._spans: dict[str, Span] = {}
        self._till = _till_of(database, ledger=self) if database.remote else None

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
        tags = self._tags(purpose.tags)
        if self._till is not None:
            asked = (amount_nanos, self.governing(rules, tags=purpose.tags), tags)
            return self._reserve_shared(self._till, (*asked, purpose, round(lease_s * 1000), now))
        with self._database.transaction() as connection:
            present = timekeeping.advance(connection, now=now)
            whole = purpose.within
            drawn = umbrella.drawable(connection, whole, amount_nanos) if whole else 0
            # A part counts in the day in which the whole was set aside.
            at = whole.reserved_ms if whole and drawn else present
            mine = self.governing(rules, tags=purpose.tags)
            rows = self._current(connection, rules=mine, tags=tags, at=at)
            refused = _refused(amount_nanos, rules=mine, rows=rows, drawn=drawn)
            if refused is None:
                expires = present + round(lease_s * 1000)
                row = (purpose.decision_id, purpose.model, budgets.as_json(tags), at, expires)
                ((entry,),) = connection.execute(_OPEN, (*row, amount_nanos)).fetchall()
                if drawn and whole:
                    umbrella.move(connection, whole.entry_id, -drawn)
                if amount_nanos > drawn:
                    budgets.apply(connection, Change(at, tags, reserved=amount_nanos - drawn))
                held = Reservation(entry, amount_nanos, at, expires)
                return held._replace(within=whole.entry_id, drawn_nanos=drawn) if whole else held
        # Outside the block: what the sweep gave back is kept even when this is refused.
        rule, budget = refused
        raise _exceeded(budget, rule, amount_nanos, self._resets_at(rule.period, at=at))

    def governing(
        self, rules: Sequence[BudgetRule], *, tags: Mapping[str, str]
    ) -> list[BudgetRule]:
        """List the rules that what is reserved here with these tags counts for."""
        written = self._tags(tags)
        return [rule for rule in rules if not rule.tag or rule.tag in written]

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
        if self._till is not None:
            return self._till.end(reservation, spent=actual_nanos, now=now)
        entry = reservation.entry_id
        with self._database.transaction() as connection:
            ended = _end(connection, _SETTLE, (actual_nanos, now, entry))
            if ended is None:
                return False
            _move(connection, ended, reservation=reservation, spent=actual_nanos)
            if ended.tags:
                connection.executemany(_TAG, [(tag, entry) for tag in ended.tags])
            return True

    def release(self, reservation: Reservation) -> bool:
        """Give a reservation back unspent; False if it was settled or released before.

        Raises:
            StorageError: the database failed.
        """
        if self._till is not None:
            return self._till.end(reservation, spent=None, now=0)
        with self._database.transaction() as connection:
            ended = _end(connection, _DROP, (reservation.entry_id,))
            if ended is None:
                return False
            _move(connection, ended, reservation=reservation, spent=0)
            return True

    def extend(self, reservation: Reservation, *, lease_s: float, now: int) -> bool:
        """Prolong a lease to `lease_s` from now; False if it has ended and the money is gone.

        Raises:
            StorageError: the database failed.
        """
        if self._till is not None:
            return self._till.extend(reservation, lease_ms=round(lease_s * 1000), now=now)
        with self._database.transaction() as connection:
            at = timekeeping.advance(connection, now=now)
            expires = at + round(lease_s * 1000)
            return connection.execute(_EXTEND, (expires, reservation.entry_id)).rowcount == 1

    def status(self, rules: Sequence[BudgetRule], *, now: int) -> tuple[BudgetStatus, ...]:
        """Report each budget in its running period, in the order of `rules`.

        Raises:
            StorageError: the database failed.
        """
        return tuple(self._describe(each) for each in self._read(rules, now=now))

    def pending_alerts(self, rules: Sequence[BudgetRule], *, now: int) -> tuple[Claim, ...]:
        """Claim the budgets with an alert that nobody has delivered in this period.

        Of any number of processes exactly one gets each alert: at the warning, and at 100 %. It is
        to say with `end_claims` what became of it, or another one gets it after `CLAIM_MS`.

        Raises:
            StorageError: the database failed.
        """
        found = self._read(rules, now=now)
        with self._database.reading() as connection:
            due = [
                each
                for each in found
                if undelivered(connection, each.rule, budget=each.budget, at=each.at)
            ]
        if not due:
            return ()
        with self._database.transaction() as connection:
            rows = [claim(connection, one.rule, budget=one.budget, at=one.at) for one in due]
        taken = zip(due, rows, strict=True)
        return tuple(Claim(self._describe(each), mine) for each, mine in taken if mine)

    def _tags(self, tags: Mapping[str, str]) -> tuple[str, ...]:
        return self._pot or tuple(f"{key}={value}" for key, value in tags.items())

    def _describe(self, found: _Found) -> BudgetStatus:
        resets_at = self._resets_at(found.rule.period, at=found.at)
        return describe(found.rule, found.budget, resets_at=resets_at)

    def _read(self, rules: Sequence[BudgetRule], *, now: int) -> list[_Found]:
        if self._till is not None:
            return self._read_shared(self._till, rules, now=now)
        with self._database.reading() as connection:
            found = self._peek(connection, rules=rules, now=now)
        if found is not None:
            return found
        with self._database.transaction() as connection:
            at = timekeeping.advance(connection, now=now)
            rows = self._current(connection, rules=rules, tags=_tags_of(rules), at=at)
        return [_Found(rule, budget, at) for rule, budget in zip(rules, rows, strict=True)]

    def _reserve_shared(self, till: Till, ask: tuple[Any, ...]) -> Reservation:
        from mcp_router.storage.postgres.till import Asked, Refused

        asked = Asked(*ask)

        def begin(connection: Connection, at: int) -> list[Budget]:
            return self._current(connection, rules=asked.rules, tags=asked.tags, at=at)

        try:
            held = till.reserve(asked, begin=begin)
        except LostDatabaseError as lost:
            return self._unrecorded(asked, lost)
        if not isinstance(held, Refused):
            return held
        rule, spent, reserved, at = held
        budget = Budget(budgets.label(rule), 0, rule.limit_nanos, spent, reserved)
        raise _exceeded(budget, rule, asked.amount, self._resets_at(rule.period, at=at))

    def _unrecorded(self, asked: Asked, lost: LostDatabaseError) -> Reservation:
        """Let a call go on while the database is away, where that was asked for."""
        if self._database.on_lost != "open":
            raise LostDatabaseError(
                path=self._database.place,
                problem="the server does not answer, so no money can be set aside",
                hint='Start it again, or go on without budgets: [budget] on_lost_database = "open"',
            ) from lost
        purpose, now = asked.purpose, asked.now
        what = purpose.decision_id, purpose.model, budgets.as_json(asked.tags)
        return Reservation(0, asked.amount, now, now + asked.lease_ms, unrecorded=what)

    def _read_shared(self, till: Till, rules: Sequence[BudgetRule], *, now: int) -> list[_Found]:
        at, tags = till.time(now), _tags_of(rules)
        with self._database.glance() as connection:
            found = self._known(connection, rules=rules, at=at)
        if found is not None:
            return found

        def begin(connection: Connection, at: int) -> list[Budget]:
            return self._current(connection, rules=rules, tags=tags, at=at)

        rows = till.begin(begin, at=at)
        return [_Found(rule, budget, at) for rule, budget in zip(rules, rows, strict=True)]

    def _peek(
        self, connection: Connection, *, rules: Sequence[BudgetRule], now: int
    ) -> list[_Found] | None:
        """Read the budgets without the write lock; None if something must be written first."""
        at, _, due = timekeeping.time_of(connection, now=now)
        if due <= at:
            return None
        return self._known(connection, rules=rules, at=at)

    def _known(
        self, connection: Connection, *, rules: Sequence[BudgetRule], at: int
    ) -> list[_Found] | None:
        rows = budgets.covering(connection, tags=_tags_of(rules), at=at)
        found: list[_Found] = []
        for rule in rules:
            budget = rows.get((budgets.label(rule), self.span(rule.period, at=at).start))
            if rule.period == "request":
                budget = _per_request(rule)
            if budget is None or budget.limit != rule.limit_nanos:
                return None
            found.append(_Found(rule, budget, at))
        return found

    def _current(
        self,
        connection: Connection,
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
            span = self.span(rule.period, at=at)
            budget = rows.get((budgets.label(rule), span.start))
            if budget is None:
                budget = budgets.begin(connection, rule, span=span)
            found.append(budgets.note_limit(connection, budget, limit=rule.limit_nanos))
        return found

    def span(self, period: BudgetPeriod, *, at: int) -> Span:
        """Find the period that a moment (UTC ms) lies in."""
        known = self._spans.get(period)
        if known and known.start <= at and (known.end is None or at < known.end):
            return known
        self._spans[period] = span = _span(period, at=at, zone=self._zone)
        return span

    def _resets_at(self, period: BudgetPeriod, *, at: int) -> datetime | None:
        end = self.span(period, at=at).end
        return None if end is None else from_ms(end).astimezone(self._zone)


def _till_of(database: Database, *, ledger: Ledger) -> Till | None:
    from mcp_router.storage.postgres.database import PostgresDatabase
    from mcp_router.storage.postgres.till import Till

    if not isinstance(database, PostgresDatabase):
        return None
    return Till(database, span_of=lambda period, at: ledger.span(period, at=at))


def _end(connection: Connection, statement: str, row: tuple[int, ...]) -> _Ended | None:
    """Settle or drop an entry, open or expired; None if that was done before."""
    for state in ("open", "expired"):
        found = connection.execute(statement, (*row, state)).fetchall()
        if found:
            reserved_ms, reserved, tags = found[0]
            # An expired entry holds nothing any more, but what it cost is spent all the same.
            return _Ended(reserved_ms, reserved if state == "open" else 0, budgets.from_json(tags))
    return None


def _move(connection: Connection, ended: _Ended, *, reservation: Reservation, spent: int) -> None:
    """Move the money of an entry that has ended to what is spent, and back to where it is from."""
    held = ended.held
    back = min(reservation.drawn_nanos, max(0, held - spent))
    if back and umbrella.move(connection, reservation.within, back):
        held -= back
    if held or spent:
        budgets.apply(connection, Change(ended.at, ended.tags, reserved=-held, spent=spent))


def _refused(
    amount: int, *, rules: Sequence[BudgetRule], rows: Sequence[Budget], drawn: int
) -> tuple[BudgetRule, Budget] | None:
    for rule, budget in zip(rules, rows, strict=True):
        limit = rule.limit_nanos
        # What was drawn is among what is reserved already, except in a limit on each by itself.
        more = amount if rule.period == "request" else amount - drawn
        if more and limit is not None and budget.spent + budget.reserved + more > limit:
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
