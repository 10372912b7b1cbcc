"""The evidence table: how well each model is expected to do each kind of task, and why.

A cell is a chance of success with the number of observations it is worth and its basis. The chance
is that of the model's general level (`quality` of its row) at this task and complexity, moved by
what public benchmarks of such tasks say of the model or of its line. `evidence.json` holds those
moves; `python -m mcp_router.catalog.weighing` makes it.
"""

from __future__ import annotations

import json
import math
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mcp_router.catalog.demands import ABILITIES, ANY_TASK, EASE, GENERAL, HARDER, RATING_LOGITS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_router.types import Capability, Complexity, ModelInfo

FILE = Path(__file__).with_name("evidence.json")

MOST_WEIGHT = 40.0
"""Public cases count as at most this many observations: a benchmark is not the user's own work."""

FIGURE_WEIGHT = 16.0
"""What a public figure for the model's general level is worth, in observations of one task."""

LINEAGE_WEIGHT = 8.0
"""What the place of a model in its line is worth: little, so its range is wide."""

LINEAGE = "lineage prior"
"""The basis of a model that is placed by its neighbours in the line and by its price."""

GIVEN = "set in the settings"
"""The basis of what the user states of a model."""

ASSUMED = "assumed, as the settings state none"
"""The basis of what is guessed of a model of the user's own."""


class Prior(NamedTuple):
    """A chance of success, how many observations it is worth, and where it comes from."""

    mean: float
    weight: float
    basis: str


class Move(NamedTuple):
    """What benchmarks say of a model on a task: logits off its general level, weight and basis."""

    logits: float
    weight: float
    basis: str


def evidence(model: ModelInfo, *, task: str, complexity: Complexity, ease: float = 0.0) -> Prior:
    """Say how well `model` is expected to do a task of this type and complexity.

    `task` may be a type of the user's own, of which only the general level is known. A level that
    the settings state is taken as it is, since public figures are about another model then. `ease`
    is how much easier than usual for such work a request looks, in logits.
    """
    basis = model.quality.basis
    weight = general_weight(basis)
    logits = expected_logits(model, task=task, complexity=complexity) + ease
    move = _moves(task, complexity).get(model.name) if basis != GIVEN else None
    if move is None:
        return Prior(1 / (1 + math.exp(-logits)), weight, basis)
    mean = 1 / (1 + math.exp(-logits - move.logits))
    return Prior(mean, min(MOST_WEIGHT, weight + move.weight), move.basis)


def expected_logits(model: ModelInfo, *, task: str, complexity: Complexity) -> float:
    """Return the log odds of success that a model's general level and ratings promise."""
    shares, ease = _asked(task, complexity)
    ratings, ability = model.capabilities, 0.0
    for capability, share in shares:
        ability += share * ratings[capability]
    level = min(max(model.quality.value, 0.01), 0.99)
    return math.log(level / (1 - level)) + RATING_LOGITS * ability + ease


def general_weight(basis: str) -> float:
    """Return how many observations a model's general level is worth for a single task."""
    if basis == GIVEN:
        return MOST_WEIGHT
    return LINEAGE_WEIGHT if basis in (LINEAGE, ASSUMED) else FIGURE_WEIGHT


@lru_cache(maxsize=512)
def _asked(task: str, complexity: Complexity) -> tuple[tuple[tuple[Capability, float], ...], float]:
    """Return what each rating weighs, the model's general level taken off, and how easy it is."""
    shares = dict(ABILITIES.get(task, ANY_TASK))
    for one in GENERAL:
        shares[one] = shares.get(one, 0.0) - 1 / len(GENERAL)
    return tuple(shares.items()), EASE[complexity] - HARDER.get(task, 0.0)


@lru_cache(maxsize=512)
def _moves(task: str, complexity: Complexity) -> dict[str, Move]:
    """Look up what benchmarks say of each model on such work."""
    table, found = _table(), dict[str, Move]()
    for name, tasks in table["models"].items():
        cell = tasks.get(task, {}).get(complexity)
        if cell is not None:
            found[name] = Move(cell[0], cell[1], table["basis"][cell[2]])
    return found


@cache
def _table() -> Mapping[str, Any]:
    table: Mapping[str, Any] = json.loads(FILE.read_bytes())
    return table
