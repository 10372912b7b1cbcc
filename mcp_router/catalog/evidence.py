"""The evidence table: how well each model is expected to do each kind of task, and why.

A cell is a chance of success with the number of observations it is worth and its basis. The chance
is that of the model's general level (`quality` of its row) at this task and complexity, moved by
what public benchmarks of such tasks say of the model or of its line. `evidence.json` holds what
they say; `python -m mcp_router.catalog.weighing` makes it.
"""

from __future__ import annotations

import json
import math
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mcp_router.catalog.demands import ABILITIES, ANY_TASK, EASE, GENERAL, HARDER, RATING_LOGITS
from mcp_router.types import Complexity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcp_router.types import Capability, ModelInfo

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


MOST_LOGITS = 1.2
"""How far benchmarks may move a model off its general level."""

_LIKE_CASES = 100.0
_DOUBT = 10.0
_NEXT_LEVEL = (1.0, 0.5, 0.2, 0.1)
_LEAST_LOGITS = 0.05
_LEVELS = tuple(Complexity)


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


class Topic(NamedTuple):
    """A part of a benchmark: which work it is like, and what a case counts for each task."""

    title: str
    date: str
    complexity: Complexity
    tasks: Mapping[str, float]


class Said(NamedTuple):
    """What one part says of one model: logits off its general level, from so many cases."""

    topic: Topic
    logits: float
    score: float
    cases: int


class Source(NamedTuple):
    """What is said of a model itself or `of` one before it, and how much of that is left."""

    of: str
    left: float
    said: Sequence[Said]


def evidence(model: ModelInfo, *, task: str, complexity: Complexity, ease: float = 0.0) -> Prior:
    """Say how well `model` is expected to do a task of this type and complexity.

    `task` may be a type of the user's own, of which only the general level is known. A level that
    the settings state is taken as it is, since public figures are about another model then. `ease`
    is how much easier than usual for such work a request looks, in logits.
    """
    basis = model.quality.basis
    weight = general_weight(basis)
    logits = expected_logits(model, task=task, complexity=complexity) + ease
    told = _moves(task, complexity).get(model.name) if basis != GIVEN else None
    if told is None:
        return Prior(1 / (1 + math.exp(-logits)), weight, basis)
    mean = 1 / (1 + math.exp(-logits - told.logits))
    return Prior(mean, min(MOST_WEIGHT, weight + told.weight), told.basis)


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


def move(sources: Sequence[Source], *, task: str, complexity: Complexity) -> Move | None:
    """Weigh what the first source that knows of such tasks says; a line adds no weight."""
    for source in sources:
        about = [one for one in source.said if task in one.topic.tasks]
        if about:
            return _weighed(source, about, task=task, complexity=complexity)
    return None


def _weighed(
    source: Source, about: Sequence[Said], *, task: str, complexity: Complexity
) -> Move | None:
    weights = [_weight(one, task=task, complexity=complexity) for one in about]
    whole = sum(weights)
    logits = sum(w * one.logits for w, one in zip(weights, about, strict=True)) / (whole + _DOUBT)
    kept = source.left * max(-MOST_LOGITS, min(MOST_LOGITS, logits))
    told = _told(about[weights.index(max(weights))], more=len(about) - 1)
    if not source.of:
        return Move(kept, min(whole, MOST_WEIGHT), told)
    if abs(kept) < _LEAST_LOGITS:
        return None
    return Move(kept, 0.0, f"{LINEAGE} from {source.of}: {told}")


def _weight(one: Said, *, task: str, complexity: Complexity) -> float:
    """Weigh a result: more for many cases, for a task alike and for work as hard."""
    distance = abs(_LEVELS.index(complexity) - _LEVELS.index(one.topic.complexity))
    cases = MOST_WEIGHT * one.cases / (one.cases + _LIKE_CASES)
    return cases * one.topic.tasks[task] * _NEXT_LEVEL[distance]


def _told(one: Said, *, more: int) -> str:
    told = f"{one.topic.title} {one.score:.2f} on {one.cases:,} cases ({one.topic.date})"
    return f"{told} and {more} more" if more else told


@lru_cache(maxsize=512)
def _moves(task: str, complexity: Complexity) -> dict[str, Move]:
    """Find what benchmarks say of each model on such work."""
    found = {
        name: move(sources, task=task, complexity=complexity) for name, sources in _table().items()
    }
    return {name: one for name, one in found.items() if one}


@cache
def _table() -> Mapping[str, Sequence[Source]]:
    table: Mapping[str, Any] = json.loads(FILE.read_bytes())
    topics = [
        Topic(title, day, Complexity(level), tasks) for title, day, level, tasks in table["topics"]
    ]
    said = {
        name: [Said(topics[at], *figures) for at, *figures in results]
        for name, results in table["said"].items()
    }
    return {
        name: [Source(of, left, said[by]) for by, of, left in sources]
        for name, sources in table["models"].items()
    }
