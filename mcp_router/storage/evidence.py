"""What was judged of each model by kind of work and by who judged; decayed as performance is."""

from __future__ import annotations

from operator import add
from typing import TYPE_CHECKING

from mcp_router.storage.performance import weight
from mcp_router.storage.queries import query
from mcp_router.types import Grades

if TYPE_CHECKING:
    from datetime import datetime

    from mcp_router.storage.database import Connection

_Sums = dict[tuple[str, ...], tuple[float, ...]]
_PLACE = 4


class EvidenceReader:
    """Reads what was judged, and keeps what was summed up long ago."""

    def __init__(self) -> None:
        self._folds = -1
        self._old: _Sums = {}

    def read(self, connection: Connection, *, now: datetime) -> dict[str, tuple[Grades, ...]]:
        """Return what was judged of each model, in a fixed order."""
        (folds,) = connection.execute("SELECT folds FROM summary_state").fetchone()
        if folds != self._folds:
            self._old = _read(connection, name="evidence")
            self._folds = folds
        sums = dict(self._old)
        for place, fresh in _read(connection, name="evidence_fresh").items():
            sums[place] = tuple(map(add, sums.get(place, (0, 0.0, 0.0)), fresh))
        present = weight(now)
        known: dict[str, list[Grades]] = {}
        for (model, task, complexity, source), (cases, good, bad) in sorted(sums.items()):
            # All of them may have been taken back, and leave a rounding error below zero.
            if cases <= 0:
                continue
            one = {
                "task_type": task,
                "complexity": complexity,
                "source": source,
                "cases": int(cases),
                "good": max(0.0, good / present),
                "bad": max(0.0, bad / present),
            }
            known.setdefault(model, []).append(Grades.model_validate(one))
        return {model: tuple(cells) for model, cells in known.items()}


def _read(connection: Connection, *, name: str) -> _Sums:
    rows = connection.execute(query(name))
    return {tuple(row[:_PLACE]): tuple(row[_PLACE:]) for row in rows}
