"""The store in one SQLite file, shared by threads and processes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from mcp_router.errors import UnknownDecisionError
from mcp_router.money import to_usd
from mcp_router.storage import rows
from mcp_router.storage.breaker import Breaker
from mcp_router.storage.corrections import drop_correction, keep_correction, read_corrections
from mcp_router.storage.database import Database
from mcp_router.storage.details import DetailsWriter, read_decision
from mcp_router.storage.evidence import EvidenceReader
from mcp_router.storage.ledger import Ledger
from mcp_router.storage.lessons import LessonReader
from mcp_router.storage.performance import PerformanceReader
from mcp_router.storage.periods import to_ms
from mcp_router.storage.queries import query
from mcp_router.storage.store import Context
from mcp_router.storage.trials import Trials
from mcp_router.storage.upkeep import Upkeep
from mcp_router.types import StatRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import tzinfo
    from pathlib import Path
    from types import TracebackType

    from mcp_router.routing.corrections import Correction
    from mcp_router.storage.archive import Moved
    from mcp_router.storage.breaker import BreakerKey
    from mcp_router.storage.budgets import BudgetRule
    from mcp_router.storage.circuit import Verdict
    from mcp_router.storage.database import OnLost
    from mcp_router.storage.lessons import Known
    from mcp_router.storage.store import By, Fallback, Period, Range, RateLimit
    from mcp_router.types import BudgetStatus, Decision, Grades, Outcome, Performance

_NOWHERE = Context()
_BY_ID = "SELECT details FROM routing_decisions WHERE decision_id = ?"
_ANSWERED = """
SELECT model, provider FROM routing_outcomes
WHERE decision_id = ?
  AND (source IN ('execution', 'cache') AND ok = 1 OR source IN ('judge', 'scorer')
    OR source LIKE 'scorer:%')
ORDER BY source <> 'execution' AND note LIKE 'won: %' DESC, source = 'execution' DESC, seq DESC
LIMIT 1
"""
_LATEST = "SELECT details FROM routing_decisions ORDER BY seq DESC LIMIT ?"


class SqliteStore:
    """Records and reports in one file; a context manager that closes it.

    Every method may be called from any thread and from async code: a call takes tens of
    microseconds, longer only while another process holds the write lock. Several calls within
    `with store.database.transaction():` are kept or lost together.
    """

    def __init__(
        self,
        database: Database,
        *,
        timezone: tzinfo = UTC,
        rules: Sequence[BudgetRule] = (),
        keep_days: int = 0,
    ) -> None:
        self.database = database
        self.timezone = timezone
        self._performance = PerformanceReader()
        self._evidence = EvidenceReader()
        self._details = DetailsWriter()
        self.rules = tuple(rules)
        self.ledger = Ledger(database, zone=timezone)
        self._lessons = LessonReader()
        self.trials = Trials(database, zone=timezone)
        self._upkeep = Upkeep(database, keep_days=keep_days)

    @classmethod
    def open(
        cls,
        path: Path | str,
        *,
        timezone: tzinfo = UTC,
        rules: Sequence[BudgetRule] = (),
        keep_days: int = 0,
        on_lost: OnLost = "closed",
    ) -> Self:
        """Open or create the file.

        `timezone` decides where a day, week or month begins; `rules` are the budgets in force;
        single records older than `keep_days` are deleted as new ones come, 0 keeps all of them.
        `on_lost` says whether a server that is out of reach may be opened, and calls go on.

        Raises:
            StorageError: the file cannot be used.
        """
        database = Database.open(path, on_lost=on_lost)
        return cls(database, timezone=timezone, rules=rules, keep_days=keep_days)

    def record_decision(
        self, decision: Decision, *, prompt: str | None = None, context: Context = _NOWHERE
    ) -> None:
        """Keep a decision; the same one again changes nothing. The prompt is kept only if given.

        Raises:
            StorageError: it could not be written.
        """
        details = self._details.write(decision)
        row = rows.decision_row(decision, details=details, prompt=prompt, context=context)
        self._write("record_decision", row)
        self._look_after(to_ms(decision.created_at))

    def record_outcome(self, outcome: Outcome) -> None:
        """Keep what came of a decision; names of project and session default to the decision's.

        Raises:
            StorageError: it could not be written.
        """
        self._write("record_outcome", rows.outcome_row(outcome))

    def record_fallback(self, fallback: Fallback) -> None:
        """Keep that a model was given up for the next.

        Raises:
            StorageError: it could not be written.
        """
        self._write("record_fallback", rows.fallback_row(fallback))

    def record_rate_limit(self, event: RateLimit) -> None:
        """Keep that a call had to wait.

        Raises:
            StorageError: it could not be written.
        """
        self._write("record_rate_limit", rows.rate_limit_row(event))

    def decision(self, decision_id: str | None = None) -> Decision:
        """Return a decision as it was recorded, the latest without an id.

        Raises:
            UnknownDecisionError: it is not in the store.
            StorageError: it could not be read.
        """
        if decision_id is None:
            found = self.recent(limit=1)
            if not found:
                raise UnknownDecisionError("")
            return found[0]
        with self.database.reading() as connection:
            row = connection.execute(_BY_ID, (rows.clean(decision_id),)).fetchone()
        if row is None:
            raise UnknownDecisionError(decision_id)
        return read_decision(row[0], place=self.database.place)

    def recent(self, *, limit: int = 20) -> tuple[Decision, ...]:
        """Return the latest decisions in the order they were recorded, latest first.

        Raises:
            StorageError: they could not be read.
        """
        with self.database.reading() as connection:
            found = connection.execute(_LATEST, (max(0, limit),)).fetchall()
        place = self.database.place
        return tuple(read_decision(stored, place=place) for (stored,) in found)

    def answered_by(self, decision_id: str) -> tuple[str, str] | None:
        """Name the model and the provider whose answer to a decision won, else came last.

        Raises:
            StorageError: it could not be read.
        """
        with self.database.reading() as connection:
            row = connection.execute(_ANSWERED, (rows.clean(decision_id),)).fetchone()
        return None if row is None else (row[0], row[1])

    def performance(self, *, now: datetime) -> Mapping[str, Mapping[str, Performance]]:
        """Return what is known per model, then task type; "" is all task types.

        Counts decay with a half-life of 30 days.

        Raises:
            StorageError: it could not be read.
        """
        with self.database.reading() as connection:
            return self._performance.read(connection, now=now)

    def grades(self, *, now: datetime) -> Mapping[str, tuple[Grades, ...]]:
        """Return how good each model's answers were found, by kind of work and by who judged.

        Counts decay with a half-life of 30 days.

        Raises:
            StorageError: it could not be read.
        """
        with self.database.reading() as connection:
            return self._evidence.read(connection, now=now)

    @property
    def learnt(self) -> Known:
        """What was learnt and has an effect now; nothing where it is switched off.

        Raises:
            StorageError: it could not be read.
        """
        return self._lessons.read(self.database)

    def corrections(self) -> tuple[Correction, ...]:
        """Return the latest corrections of task types, oldest first.

        Raises:
            StorageError: they could not be read.
        """
        return read_corrections(self.database)

    def keep_correction(self, correction: Correction, *, now: datetime) -> None:
        """Keep a correction; one of the same words takes the place of the former.

        Raises:
            StorageError: it could not be kept.
        """
        keep_correction(self.database, correction, now=now)

    def drop_correction(self, *, words: frozenset[int] | None = None) -> Correction | None:
        """Undo the correction of these words, else the latest one; return it.

        Raises:
            StorageError: it could not be removed.
        """
        return drop_correction(self.database, words=words)

    def budget_status(self, *, now: datetime) -> tuple[BudgetStatus, ...]:
        """Return each budget in its running period: limit, spent, reserved, left.

        Raises:
            StorageError: it could not be read.
        """
        return self.ledger.status(self.rules, now=to_ms(now))

    def blocked(self, *, now: datetime) -> Mapping[BreakerKey, Verdict]:
        """Return which breakers let no call pass now, and until when.

        Raises:
            StorageError: it could not be read.
        """
        return Breaker(self.database).blocked(now=to_ms(now))

    def stats(
        self,
        *,
        by: By = "model",
        period: Period | Range = "month",
        now: datetime | None = None,
        timezone: tzinfo | None = None,
    ) -> tuple[StatRow, ...]:
        """Summarise the running day, week or month, all there is, or a range, in groups.

        Days come in order, other groups dearest first, only where there is something to sum. The
        group "" holds what named no project or category. Sums are exact; latencies are estimates.

        Raises:
            InvalidRequestError: no such period, or nothing can be grouped by this.
            StorageError: it could not be read.
        """
        return self._stats(by, period=period, now=now, timezone=timezone)

    def totals(
        self,
        *,
        period: Period | Range = "month",
        now: datetime | None = None,
        timezone: tzinfo | None = None,
    ) -> StatRow:
        """Summarise the same in one row.

        Raises:
            StorageError: it could not be read.
        """
        nothing = StatRow(
            group="",
            decisions=0,
            cost_usd=to_usd(0),
            estimated_cost_usd=to_usd(0),
            baseline_usd=to_usd(0),
        )
        return next(iter(self._stats("all", period=period, now=now, timezone=timezone)), nothing)

    def archive(self, *, before: datetime, to: Path) -> Moved:
        """Move rows older than `before` to another database file; reports keep their sums.

        Raises:
            StorageError: a file cannot be used. Calling again finishes what was begun.
        """
        from mcp_router.storage.archive import archive

        return archive(self.database, before=before, to=to)

    def prune(self, *, before: datetime) -> Moved:
        """Delete rows older than `before`; reports keep their sums.

        Raises:
            StorageError: the file cannot be written.
        """
        from mcp_router.storage.archive import prune

        return prune(self.database, before=before)

    def vacuum(self) -> None:
        """Compress the stored decisions and give free space back to the disk.

        Raises:
            StorageError: the file is in use or the disk is full.
        """
        from mcp_router.storage.archive import vacuum

        vacuum(self.database)

    def integrity(self) -> tuple[str, ...]:
        """Check file, references and sums; one sentence for each problem, none when sound.

        Raises:
            StorageError: the file cannot be read at all.
        """
        from mcp_router.storage.integrity import check

        return check(self.database)

    def close(self) -> None:
        """Close the file; closing twice does nothing."""
        self.database.close()

    def __enter__(self) -> Self:
        """Return the open store."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def together(self) -> AbstractContextManager[object]:
        """Keep or lose as one what is recorded, settled and released within the block.

        Unlike a transaction of the database, it does not wait for one that is far away.

        Raises:
            StorageError: it could not be kept.
        """
        outbox = self.database.outbox
        return self.database.transaction() if outbox is None else outbox.together()

    def _look_after(self, now: int) -> None:
        outbox = self.database.outbox
        if outbox is None:
            self._upkeep.run(now)
        elif self._upkeep.due(now):
            outbox.later(lambda: self._upkeep.run(now))

    def _write(self, name: str, row: rows.Row) -> None:
        outbox = self.database.outbox
        if outbox is None:
            self.database.write(query(name), row)
        else:
            outbox.record(name, row)

    def _stats(
        self, by: By | str, *, period: Period | Range, now: datetime | None, timezone: tzinfo | None
    ) -> tuple[StatRow, ...]:
        # A server that only routes and records needs no reports.
        from mcp_router.storage.reports import read_stats, span_of

        zone = timezone or self.timezone
        span = span_of(period, now=now or datetime.now(UTC), zone=zone)
        with self.database.reading() as connection:
            return read_stats(connection, by=by, span=span, zone=zone)
