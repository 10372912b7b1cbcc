"""Experiments in the store: who met which arm, what came of it, and which arms were stopped."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from mcp_router.experiments.tally import Tally
from mcp_router.money import to_nanos
from mcp_router.storage.periods import from_ms, to_ms
from mcp_router.storage.rows import clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

    from mcp_router.storage.database import Database

_EXPOSE = """
INSERT INTO experiment_exposures (experiment, arm, unit, decision_id, created_ms)
VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
# What was judged already stays, unless there is no answer at all.
_FINISH = """
UPDATE experiment_exposures SET finished_ms = :now, cost_nanos = :cost, latency_ms = :latency,
  ok = CASE WHEN :answered = 1 AND judged <> '' THEN ok ELSE :ok END,
  score = CASE WHEN :answered = 1 AND judged <> '' THEN score ELSE :score END
WHERE experiment = :name AND decision_id = :decision AND finished_ms IS NULL
"""
_TALLY = """
SELECT arm, successes, failures, priced, cost_nanos / 1e9, cost_squares / 1e18, scored, score,
  score_squares
FROM experiment_tallies WHERE experiment = ? ORDER BY arm
"""
_ONE = """
SELECT name, state, details, created_ms, ended_ms,
  (SELECT json_group_object(arm, reason) FROM experiment_stops WHERE experiment = name)
FROM experiments
"""
_LATENCY = """
SELECT latency_ms FROM experiment_exposures
WHERE experiment = :name AND arm = :arm AND latency_ms IS NOT NULL ORDER BY latency_ms
LIMIT 1 OFFSET (SELECT count(latency_ms) / 2 FROM experiment_exposures
  WHERE experiment = :name AND arm = :arm)
"""
_FORGET = "DELETE FROM {} WHERE experiment = ?"
_RELATED = ("experiment_exposures", "experiment_tallies", "experiment_stops")


class Result(NamedTuple):
    """What came of a call: whether it was answered, and well; `score` is from 0 to 1."""

    answered: bool
    ok: bool
    score: float | None = None
    cost_usd: Decimal | None = None
    latency_ms: int | None = None


class StoredExperiment(NamedTuple):
    """An experiment as it was defined, its state, and the stopped arms with their reasons."""

    name: str
    state: str
    details: Mapping[str, Any]
    stopped: Mapping[str, str]
    started: datetime
    ended: datetime | None = None


class Exposures:
    """The log of experiments in the store's file; every method may raise `StorageError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def define(self, name: str, *, details: Mapping[str, Any], now: datetime) -> bool:
        """Keep a new experiment; False where the name is taken, since logs must not mix."""
        row = (clean(name), to_ms(now), clean(json.dumps(details)))
        with self._database.transaction() as connection:
            added = connection.execute(
                "INSERT INTO experiments (name, created_ms, details) VALUES (?, ?, ?) "
                "ON CONFLICT DO NOTHING",
                row,
            )
            return added.rowcount == 1

    def experiment(self, name: str) -> StoredExperiment | None:
        """Return an experiment; None where there is none of this name."""
        with self._database.reading() as connection:
            row = connection.execute(f"{_ONE} WHERE name = ?", (clean(name),)).fetchone()
        return _stored(row) if row else None

    def all(self) -> tuple[StoredExperiment, ...]:
        """Return every experiment that was ever started and not forgotten, oldest first."""
        return self._read("ORDER BY created_ms, name")

    def live(self) -> tuple[StoredExperiment, ...]:
        """Return the experiments that run, oldest first."""
        return self._read("WHERE state = 'running' ORDER BY created_ms, name")

    def running(self) -> tuple[str, ...]:
        """Name the experiments that run, oldest first."""
        with self._database.reading() as connection:
            found = connection.execute(
                "SELECT name FROM experiments WHERE state = 'running' ORDER BY created_ms, name"
            ).fetchall()
        return tuple(name for (name,) in found)

    def end(self, name: str, *, decided: bool, now: datetime) -> bool:
        """End a running experiment, as decided or merely stopped; False if it did not run."""
        state = "decided" if decided else "stopped"
        with self._database.transaction() as connection:
            ended = connection.execute(
                "UPDATE experiments SET state = ?, ended_ms = ? "
                "WHERE name = ? AND state = 'running'",
                (state, to_ms(now), clean(name)),
            )
            return ended.rowcount == 1

    def stop_arm(self, name: str, *, arm: str, reason: str, now: datetime) -> bool:
        """Keep that an arm gets no more traffic; False if it was stopped, its reason stays."""
        with self._database.transaction() as connection:
            stopped = connection.execute(
                "INSERT INTO experiment_stops VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (clean(name), clean(arm), to_ms(now), clean(reason)),
            )
            return stopped.rowcount == 1

    def forget(self, name: str) -> int:
        """Delete an experiment with its log; return how many exposures it had."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM experiments WHERE name = ?", (clean(name),))
            gone = [connection.execute(_FORGET.format(table), (clean(name),)) for table in _RELATED]
        return gone[0].rowcount

    def expose(self, name: str, *, arm: str, unit: str, decision_id: str, now: datetime) -> None:
        """Keep that a unit meets an arm, before its call is made; a second time changes nothing."""
        names = (clean(name), clean(arm), clean(unit), clean(decision_id))
        self._database.write(_EXPOSE, (*names, to_ms(now)))

    def finish(self, name: str, *, decision_id: str, result: Result, now: datetime) -> None:
        """Complete an exposure by its result; the first result stays.

        What a judge or a person says of the answer, before or after, takes its place in `ok` and
        `score`: a trigger on the outcomes sees to that.
        """
        cost = None if result.cost_usd is None else to_nanos(result.cost_usd)
        row = {
            "name": clean(name),
            "decision": clean(decision_id),
            "now": to_ms(now),
            "cost": cost,
            "latency": result.latency_ms,
            "answered": result.answered,
            "ok": result.ok,
            "score": float(result.ok) if result.score is None else result.score,
        }
        with self._database.transaction() as connection:
            connection.execute(_FINISH, row)

    def tallies(self, name: str) -> tuple[Tally, ...]:
        """Sum up each arm that anybody met, by name; exposures without a result count nowhere."""
        with self._database.reading() as connection:
            found = connection.execute(_TALLY, (clean(name),)).fetchall()
        return tuple(Tally(*row) for row in found)

    def latencies(self, name: str, *, arms: Sequence[str]) -> dict[str, int | None]:
        """Return the median latency of each arm in milliseconds; None where there is none."""
        with self._database.reading() as connection:
            rows = {
                arm: connection.execute(
                    _LATENCY, {"name": clean(name), "arm": clean(arm)}
                ).fetchone()
                for arm in arms
            }
        return {arm: row[0] if row else None for arm, row in rows.items()}

    def _read(self, which: str) -> tuple[StoredExperiment, ...]:
        with self._database.reading() as connection:
            return tuple(map(_stored, connection.execute(f"{_ONE} {which}").fetchall()))


def _stored(row: tuple[Any, ...]) -> StoredExperiment:
    name, state, details, started, ended, stopped = row
    return StoredExperiment(
        name,
        state,
        json.loads(details),
        json.loads(stopped),
        from_ms(started),
        None if ended is None else from_ms(ended),
    )
