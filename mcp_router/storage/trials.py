"""Trying models within an allowance, and the switches that follow: kept, decided on and undone.

Every step is one transaction, so that processes share one allowance exactly and a task type is
switched once.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.errors import LostDatabaseError
from mcp_router.learning.switching import (
    MARGIN,
    SHARE,
    Change,
    Trial,
    part_of,
    room_left,
    value_gap,
)
from mcp_router.money import to_nanos, to_usd
from mcp_router.storage.periods import from_ms, period_bounds, to_ms
from mcp_router.storage.tried import spent_since
from mcp_router.types import Trying

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, tzinfo
    from decimal import Decimal

    from mcp_router.storage.database import Connection, Database
    from mcp_router.types import Decision, LearntChoice

EVENTS = 20
"""How many changes a report tells, the latest ones."""

_UNJUDGED = 50
"""After how many trials that nobody judged no more are made."""

_WINDOW = timedelta(days=30)
_CHECK = timedelta(minutes=1)
_MOST_TRIALS = 2_000
_JUDGED = """
SELECT tried.kind, tried.task_type, tried.model, tried.propensity, tried.quality,
  tried.usual_quality, (
  SELECT coalesce(score, ok) FROM routing_outcomes AS judged
  WHERE judged.decision_id = tried.decision_id AND judged.model = tried.model
    AND judged.source NOT IN ('execution', 'cache') ORDER BY seq DESC LIMIT 1) AS score
FROM learning_trials AS tried
WHERE created_ms >= ? AND usual <> '' AND (? = '' OR task_type = ?)
ORDER BY created_ms DESC LIMIT ?
"""
_PARTS = """
SELECT task_type, count(*) FROM (
  SELECT task_type FROM routing_decisions ORDER BY seq DESC LIMIT ?
) AS latest GROUP BY task_type
"""
_ADD = """
INSERT INTO learning_trials VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (decision_id) DO NOTHING
"""
_SWITCHED = "SELECT model, undone FROM learned_switches WHERE task_type = ?"
_SWITCH = """
INSERT INTO learned_switches VALUES (?, ?, ?, ?, ?, 0)
ON CONFLICT (task_type) DO UPDATE SET usual = excluded.usual, model = excluded.model,
  since_ms = excluded.since_ms, chance = excluded.chance, undone = 0
"""
_BACK = "DELETE FROM learned_switches WHERE task_type = ? AND undone = 0"
_UNDO = """
UPDATE learned_switches SET undone = 1 WHERE undone = 0 AND (?1 = '' OR task_type = ?1)
RETURNING task_type, usual
"""
_RESTORE = """
DELETE FROM learned_switches WHERE undone = 1 AND (?1 = '' OR task_type = ?1)
RETURNING task_type, usual
"""
_EVENT = "INSERT INTO learning_events (created_ms, task_type, kind, told) VALUES (?, ?, ?, ?)"
_CHANGED = "UPDATE learning_state SET revision = revision + 1"
_ALL_SWITCHES = """
SELECT task_type, usual, model, since_ms, chance, undone FROM learned_switches ORDER BY task_type
"""
_SUMS = """
SELECT kind, count(*), coalesce(sum(cost_nanos), 0), coalesce(sum(usual_nanos), 0)
FROM learning_trials WHERE usual <> '' GROUP BY kind
"""
_EVENTS = "SELECT created_ms, task_type, kind, told FROM learning_events ORDER BY seq DESC LIMIT ?"


class Switched(NamedTuple):
    """A task type that was switched; `undone` by a person, it stays with the usual model."""

    task_type: str
    usual: str
    model: str
    since: datetime
    chance: float
    undone: bool


class Event(NamedTuple):
    """One change that learning, or a person about it, made."""

    at: datetime
    task_type: str
    kind: str
    told: str


class Account(NamedTuple):
    """What learning changed; what trying cost, and what was saved beside the usual models."""

    switches: tuple[Switched, ...]
    events: tuple[Event, ...]
    spent_today_usd: Decimal
    tried: int
    tried_usd: Decimal
    switched: int
    saved_usd: Decimal


class _Look(NamedTuple):
    """What `Trials.room` and `Trials.parts` tell for a minute."""

    room: float | None
    parts: Mapping[str, float]


class Trials:
    """The trials and switches in one database, with days of one time zone."""

    def __init__(self, database: Database, *, zone: tzinfo) -> None:
        self._database = database
        self._zone = zone
        self._looked: tuple[datetime, _Look] | None = None

    def leave(self, *, now: datetime, allowance: Decimal, revision: int) -> Trying | None:
        """Say how much may still be tried today; None without an allowance.

        Raises:
            StorageError: the file cannot be read.
        """
        if allowance <= 0:
            return None
        day = self._day(now)
        with self._database.reading() as connection:
            left = to_nanos(allowance) - spent_since(connection, day)
        return Trying(share=SHARE, left_usd=to_usd(max(0, left)), seed=f"{day} {revision}")

    def room(self, *, now: datetime) -> float | None:
        """Tell what is left of the quality that may be lost, None where trying and switches rest.

        Looks at the judged decisions of the last 30 days, once a minute.

        Raises:
            StorageError: the file cannot be read.
        """
        return self._look(now).room

    def parts(self, *, now: datetime) -> Mapping[str, float]:
        """Tell what part of the latest decisions each task type is, and "" one not seen yet.

        Looks once a minute.

        Raises:
            StorageError: the file cannot be read.
        """
        return self._look(now).parts

    def admit(self, decision: Decision, *, allowance: Decimal, now: datetime) -> bool:
        """Keep what learning did to a decision; False where the allowance does not pay for it.

        Switches, or switches back, the task type where the decision says that it is time.

        Raises:
            StorageError: the file cannot be written.
        """
        choice = decision.learnt
        if choice is None:
            return True
        try:
            return self._admit(decision, choice, allowance=allowance, now=now)
        except LostDatabaseError:
            if self._database.on_lost == "closed":
                raise
            # Calls go on without a record of this; what nobody counts is not tried.
            return choice.kind != "explored"

    def _admit(
        self, decision: Decision, choice: LearntChoice, *, allowance: Decimal, now: datetime
    ) -> bool:
        cost = to_nanos(decision.estimated.cost_usd or 0)
        with self._database.transaction() as connection:
            if choice.kind == "explored":
                spent = spent_since(connection, self._day(now))
                if spent + cost > to_nanos(allowance):
                    return False
            connection.execute(_ADD, _row(decision, choice, cost=cost, now=now))
            _review(connection, decision, choice, now=now)
        return True

    def undo(self, *, task: str, now: datetime) -> tuple[str, ...]:
        """Send a task type, or with "" all of them, back to the usual model for good.

        Raises:
            StorageError: the file cannot be written.
        """
        return self._change(_UNDO, "undone", task=task, now=now)

    def restore(self, *, task: str, now: datetime) -> tuple[str, ...]:
        """Allow what was undone to be learnt again, for a task type or with "" for all.

        Raises:
            StorageError: the file cannot be written.
        """
        return self._change(_RESTORE, "restored", task=task, now=now)

    def note(self, kind: str, told: str, *, now: datetime) -> None:
        """Note a change that a person made.

        Raises:
            StorageError: the file cannot be written.
        """
        self._database.write(_EVENT, (to_ms(now), "", kind, told))

    def account(self, *, now: datetime) -> Account:
        """Sum up what was switched, tried, spent and saved.

        Raises:
            StorageError: the file cannot be read.
        """
        with self._database.reading() as connection:
            spent = spent_since(connection, self._day(now))
            sums = {kind: tuple(rest) for kind, *rest in connection.execute(_SUMS)}
            switches = tuple(
                Switched(task, usual, model, from_ms(since), chance, bool(undone))
                for task, usual, model, since, chance, undone in connection.execute(_ALL_SWITCHES)
            )
            events = tuple(
                Event(from_ms(at), task, kind, told)
                for at, task, kind, told in connection.execute(_EVENTS, (EVENTS,))
            )
        tried, switched = sums.get("explored", (0, 0, 0)), sums.get("switched", (0, 0, 0))
        saved = tried[2] - tried[1] + switched[2] - switched[1]
        return Account(
            switches, events, to_usd(spent), tried[0], to_usd(tried[1]), switched[0], to_usd(saved)
        )

    def _change(self, statement: str, kind: str, *, task: str, now: datetime) -> tuple[str, ...]:
        with self._database.transaction() as connection:
            rows = connection.execute(statement, (task,)).fetchall()
            for one, usual in rows:
                told = f"back to {usual}" if kind == "undone" else "may be learnt again"
                connection.execute(_EVENT, (to_ms(now), one, kind, told))
            connection.execute(_CHANGED)
        return tuple(one for one, _ in rows)

    def _look(self, now: datetime) -> _Look:
        if self._looked is None or not timedelta() <= now - self._looked[0] < _CHECK:
            with self._database.reading() as connection:
                found = _Look(_room(connection, now=now), _parts(connection))
            self._looked = now, found
        return self._looked[1]

    def _day(self, now: datetime) -> int:
        return period_bounds("day", at=to_ms(now), zone=self._zone).start


def _parts(connection: Connection) -> Mapping[str, float]:
    counts = dict(connection.execute(_PARTS, (_MOST_TRIALS,)).fetchall())
    whole = sum(counts.values())
    found = {task: part_of(count, whole=whole) for task, count in counts.items()}
    return {"": part_of(0, whole=whole), **found}


def _room(connection: Connection, *, now: datetime) -> float | None:
    """Tell what is left of the quality that may be lost; None, too, where nobody judges trials."""
    since = to_ms(now - _WINDOW)
    rows = connection.execute(_JUDGED, (since, "", "", _MOST_TRIALS)).fetchall()
    judged = [row for row in rows if row[-1] is not None]
    changes = [
        Change(task, usual - quality, usual - score)
        for kind, task, _, _, quality, usual, score in judged
        if kind != "usual"
    ]
    tried = sum(kind == "explored" for kind, *_ in rows)
    if tried >= _UNJUDGED and not any(kind == "explored" for kind, *_ in judged):
        return None
    return room_left(changes, decided=len(judged))


def _review(
    connection: Connection, decision: Decision, choice: LearntChoice, *, now: datetime
) -> None:
    task = decision.task_type
    if choice.failed and connection.execute(_BACK, (task,)).rowcount:
        told = f"back to {choice.usual}, as it is not sure enough any more to be no worse"
        connection.execute(_EVENT, (to_ms(now), task, "back", told))
        connection.execute(_CHANGED)
    if choice.ready and choice.ready_quality is not None:
        model, undone = connection.execute(_SWITCHED, (task,)).fetchone() or ("", 0)
        if model != choice.ready and not undone:
            _switch(connection, task, choice, now=now)


def _switch(connection: Connection, task: str, choice: LearntChoice, *, now: datetime) -> None:
    """Switch a task type, unless what was logged says that the usual model is better."""
    since = to_ms(now - 3 * _WINDOW)
    rows = connection.execute(_JUDGED, (since, task, task, _MOST_TRIALS)).fetchall()
    trials = [
        Trial(model, chance, score)
        for _, _, model, chance, _, _, score in rows
        if score is not None
    ]
    starts = choice.ready_quality or 0.0, choice.usual_quality
    gap = value_gap(trials, model=choice.ready, usual=choice.usual, starts=starts)
    if gap < -MARGIN:
        return
    connection.execute(_SWITCH, (task, choice.usual, choice.ready, to_ms(now), choice.ready_chance))
    told = f"from {choice.usual} to {choice.ready}: logged trials say {gap:+.2f} in quality"
    connection.execute(_EVENT, (to_ms(now), task, "switched", told))
    connection.execute(_CHANGED)


def _row(
    decision: Decision, choice: LearntChoice, *, cost: int, now: datetime
) -> tuple[object, ...]:
    return (
        decision.decision_id,
        to_ms(now),
        decision.task_type,
        choice.kind,
        decision.model,
        choice.usual,
        choice.propensity,
        choice.quality,
        choice.usual_quality,
        cost,
        to_nanos(choice.usual_cost_usd),
    )
