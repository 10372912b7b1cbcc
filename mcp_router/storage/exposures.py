"""Experiments in the store: who met which arm, what came of it, and which arms were stopped."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from mcp_router.experiments.tally import Tally
from mcp_router.money import to_nanos
from mcp_router.storage.periods import to_ms
from mcp_router.storage.rows import clean

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from decimal import Decimal

    from mcp_router.storage.database import Database

_EXPOSE = """
INSERT INTO experiment_exposures (experiment, arm, unit, decision_id, created_ms)
VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
_FINISH = """
UPDATE experiment_exposures SET finished_ms = ?, ok = ?, cost_nanos = ?
WHERE experiment = ? AND decision_id = ? AND ok IS NULL
"""
_TALLY = """
SELECT arm, ifnull(sum(ok), 0), ifnull(sum(NOT ok), 0), count(cost_nanos),
  ifnull(sum(cost_nanos / 1e9), 0.0), ifnull(sum((cost_nanos / 1e9) * (cost_nanos / 1e9)), 0.0)
FROM experiment_exposures WHERE experiment = ? GROUP BY arm ORDER BY arm
"""


class StoredExperiment(NamedTuple):
    """An experiment as it was defined, its state, and the stopped arms with their reasons."""

    name: str
    state: str
    details: Mapping[str, Any]
    stopped: Mapping[str, str]


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
            row = connection.execute(
                "SELECT state, details FROM experiments WHERE name = ?", (clean(name),)
            ).fetchone()
            stopped = connection.execute(
                "SELECT arm, reason FROM experiment_stops WHERE experiment = ? ORDER BY arm",
                (clean(name),),
            ).fetchall()
        return StoredExperiment(name, row[0], json.loads(row[1]), dict(stopped)) if row else None

    def running(self) -> tuple[str, ...]:
        """Name the experiments that run, oldest first."""
        with self._database.reading() as connection:
            found = connection.execute(
                "SELECT name FROM experiments WHERE state = 'running' ORDER BY created_ms, name"
            ).fetchall()
        return tuple(name for (name,) in found)

    def end(self, name: str, *, decided: bool, now: datetime) -> None:
        """End a running experiment, as decided or merely stopped."""
        state = "decided" if decided else "stopped"
        self._database.write(
            "UPDATE experiments SET state = ?, ended_ms = ? WHERE name = ? AND state = 'running'",
            (state, to_ms(now), clean(name)),
        )

    def stop_arm(self, name: str, *, arm: str, reason: str, now: datetime) -> None:
        """Keep that an arm gets no more traffic; the first reason stays."""
        self._database.write(
            "INSERT INTO experiment_stops VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (clean(name), clean(arm), to_ms(now), clean(reason)),
        )

    def expose(self, name: str, *, arm: str, unit: str, decision_id: str, now: datetime) -> None:
        """Keep that a unit meets an arm, before its call is made; a second time changes nothing."""
        names = (clean(name), clean(arm), clean(unit), clean(decision_id))
        self._database.write(_EXPOSE, (*names, to_ms(now)))

    def finish(
        self, name: str, *, decision_id: str, ok: bool, cost_usd: Decimal | None, now: datetime
    ) -> None:
        """Complete an exposure by its result; the first result stays."""
        nanos = None if cost_usd is None else to_nanos(cost_usd)
        row = (to_ms(now), int(ok), nanos, clean(name), clean(decision_id))
        self._database.write(_FINISH, row)

    def tallies(self, name: str) -> tuple[Tally, ...]:
        """Sum up each arm that anybody met, by name; exposures without a result count nowhere."""
        with self._database.reading() as connection:
            found = connection.execute(_TALLY, (clean(name),)).fetchall()
        return tuple(Tally(*row) for row in found)
