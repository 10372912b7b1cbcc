"""Runs of workflows in the store, so that one goes on after a crash where it stood."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from mcp_router.money import to_nanos
from mcp_router.storage.periods import to_ms
from mcp_router.storage.rows import clean
from mcp_router.types import Completion

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from mcp_router.storage.database import Database

State = Literal["running", "done", "failed"]
_STEP = """
INSERT INTO workflow_steps (run_id, step, finished_ms, ok, decision_id, cost_nanos, result)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (run_id, step) DO UPDATE SET finished_ms = excluded.finished_ms, ok = excluded.ok,
  decision_id = excluded.decision_id, cost_nanos = excluded.cost_nanos, result = excluded.result
WHERE workflow_steps.ok = 0
"""


class WorkflowRun(NamedTuple):
    """A run as it was started, and the results of the steps that it finished."""

    run_id: str
    name: str
    state: State
    definition: Mapping[str, Any]
    results: Mapping[str, Completion]


class WorkflowRuns:
    """Runs of workflows in the store's file; every method may raise `StorageError`."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def start(
        self, run_id: str, *, name: str, definition: Mapping[str, Any], now: datetime
    ) -> bool:
        """Keep a new run; False where there is one of this id, which is then to be resumed."""
        packed = zlib.compress(json.dumps(definition).encode())
        with self.database.transaction() as connection:
            added = connection.execute(
                "INSERT INTO workflow_runs (run_id, name, created_ms, updated_ms, definition) "
                "VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (clean(run_id), clean(name), to_ms(now), to_ms(now), packed),
            )
            return added.rowcount == 1

    def finish_step(
        self, run_id: str, *, step: str, result: Completion, ok: bool, now: datetime
    ) -> None:
        """Keep the result of a step; that of a step that went well is never replaced."""
        cost = None if result.cost_usd is None else to_nanos(result.cost_usd)
        packed = zlib.compress(result.model_dump_json().encode())
        names = (clean(run_id), clean(step))
        row = (*names, to_ms(now), int(ok), clean(result.decision_id), cost, packed)
        with self.database.transaction() as connection:
            connection.execute(_STEP, row)
            connection.execute(
                "UPDATE workflow_runs SET updated_ms = ? WHERE run_id = ?", (to_ms(now), names[0])
            )

    def end(self, run_id: str, *, state: State, now: datetime) -> None:
        """Keep how a run ended, or that it runs again."""
        self.database.write(
            "UPDATE workflow_runs SET state = ?, updated_ms = ? WHERE run_id = ?",
            (state, to_ms(now), clean(run_id)),
        )

    def run(self, run_id: str) -> WorkflowRun | None:
        """Return a run with the results of the steps that went well; None for an unknown id."""
        key = (clean(run_id),)
        with self.database.reading() as connection:
            row = connection.execute(
                "SELECT name, state, definition FROM workflow_runs WHERE run_id = ?", key
            ).fetchone()
            steps = connection.execute(
                "SELECT step, result FROM workflow_steps WHERE run_id = ? AND ok = 1 "
                "ORDER BY finished_ms, step",
                key,
            ).fetchall()
        if row is None:
            return None
        results = {
            step: Completion.model_validate_json(zlib.decompress(packed)) for step, packed in steps
        }
        definition = json.loads(zlib.decompress(row[2]))
        return WorkflowRun(run_id, row[0], row[1], definition, results)

    def runs_of(self, name: str) -> tuple[str, ...]:
        """List the ids of the runs of a name, the one that changed last first."""
        with self.database.reading() as connection:
            found = connection.execute(
                "SELECT run_id FROM workflow_runs WHERE name = ? ORDER BY updated_ms DESC, run_id",
                (clean(name),),
            ).fetchall()
        return tuple(run_id for (run_id,) in found)

    def redefine(
        self, run_id: str, *, definition: Mapping[str, Any], keep: Collection[str], now: datetime
    ) -> None:
        """Give a run another definition, under which only the results of some steps still hold."""
        packed = zlib.compress(json.dumps(definition).encode())
        key = clean(run_id)
        with self.database.transaction() as connection:
            connection.execute(
                "UPDATE workflow_runs SET definition = ?, state = 'running', updated_ms = ? "
                "WHERE run_id = ?",
                (packed, to_ms(now), key),
            )
            connection.execute(
                "DELETE FROM workflow_steps WHERE run_id = ? "
                "AND step NOT IN (SELECT value FROM json_each(?))",
                (key, json.dumps([clean(one) for one in keep])),
            )

    def forget(self, run_id: str) -> None:
        """Delete a run and what its steps answered."""
        self.database.write("DELETE FROM workflow_runs WHERE run_id = ?", (clean(run_id),))
