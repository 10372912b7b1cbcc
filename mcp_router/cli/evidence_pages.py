"""Pages and JSON of what is believed of one model: chances by kind of work, and their basis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_router.belief.beta import deviation, mean
from mcp_router.cli.page import Column, Items, Table
from mcp_router.routing.posterior import Posterior, posterior
from mcp_router.types import Complexity, TaskType

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcp_router.types import Grades, ModelInfo

Cells = dict[str, dict[Complexity, Posterior]]


def beliefs(model: ModelInfo, grades: Sequence[Grades]) -> Cells:
    """Work out what is believed for every task type, and for those of the user's own grades."""
    kinds = dict.fromkeys([*(kind.value for kind in TaskType), *(one.task_type for one in grades)])
    return {
        kind: {
            level: posterior(model, task=kind, complexity=level, grades=grades)
            for level in Complexity
        }
        for kind in kinds
    }


def evidence_blocks(cells: Cells) -> tuple[Table, Items]:
    """Build the table of chances, and a list of where they come from."""
    columns = (
        Column("Task", flexible=True),
        *(Column(level.value, right=True) for level in Complexity),
        Column("Yours", right=True),
    )
    rows = tuple(
        (kind, *(_chance(one) for one in levels.values()), f"{own:,}" if own else "")
        for kind, levels in cells.items()
        for own in [sum(one.cases for one in levels.values())]
    )
    title = "Expected share of good answers (± one standard deviation)"
    return Table(columns, rows, title=title), Items("Where it comes from", tuple(_bases(cells)))


def evidence_json(cells: Cells) -> list[dict[str, Any]]:
    """Build the JSON of all cells."""
    return [
        {
            "task_type": kind,
            "complexity": level.value,
            "quality": round(mean(one.belief), 4),
            "deviation": round(deviation(one.belief), 4),
            "prior": round(one.prior.mean, 4),
            "prior_weight": round(one.prior.weight, 1),
            "basis": one.prior.basis,
            "own_cases": one.cases,
        }
        for kind, levels in cells.items()
        for level, one in levels.items()
    ]


def _chance(one: Posterior) -> str:
    return f"{mean(one.belief):.2f} ±{deviation(one.belief):.2f}"


def _bases(cells: Cells) -> Iterator[str]:
    """Name each basis once, with the tasks that it is the strongest one for."""
    told: dict[str, list[str]] = {}
    for kind, levels in cells.items():
        best = max(levels.values(), key=lambda one: one.prior.weight)
        told.setdefault(best.prior.basis, []).append(kind)
    most = max(told, key=lambda basis: len(told[basis]))
    rest = "others" if len(told) > 1 else "all"
    for basis, kinds in told.items():
        yield f"{rest if basis == most else ', '.join(kinds)}: {basis}"
