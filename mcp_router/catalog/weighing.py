"""Weighs public results into evidence.json; run at build time only.

A benchmark says who is better, not how good a model is at other work: its level is set so that the
models of the catalogue keep their general level on average ("equating": Kolen and Brennan, 2014,
"Test Equating, Scaling, and Linking"). What remains is how far a model is better or worse at such
tasks than it is in general, and that is what a cell keeps.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mcp_router.catalog.document import read
from mcp_router.catalog.evidence import FILE, LINEAGE, MOST_WEIGHT
from mcp_router.types import Complexity, ModelInfo

COMMAND = "python -m mcp_router.catalog.weighing"
SOURCE = Path(__file__).with_name("benchmarks.toml")
COUNTS = Path(__file__).with_name("benchmarks.json")

MOST_LOGITS = 1.2
"""How far a benchmark may move a model off its general level."""

_LIKE_CASES = 100.0
_DOUBT = 10.0
_NEXT_LEVEL = (1.0, 0.5, 0.2, 0.1)
_STEP_DOWN = 0.5
_LEAST_LOGITS = 0.05
_ROUNDS = 200
# Without a spread of levels to tell it by: what all parts together showed.
_USUAL_SLOPE = 2.5
_LEVELS = tuple(Complexity)


class Part(NamedTuple):
    """A part of a benchmark: what it is like, and (sum of scores, cases) by name of model."""

    title: str
    date: str
    complexity: Complexity
    tasks: Mapping[str, float]
    results: Mapping[str, tuple[float, int]]


class Cell(NamedTuple):
    """What is known of a model on a task at a complexity."""

    logits: float
    weight: float
    basis: str


Cells = dict[tuple[str, Complexity], Cell]


class Said(NamedTuple):
    """What one part says of one model: logits off its general level, from so many cases."""

    part: Part
    logits: float
    score: float
    cases: int


def compiled() -> str:
    """Build the text of evidence.json: one model a line, in the order of the catalogue.

    Raises:
        FileNotFoundError: the catalogue has to be compiled first.
        LookupError: a name in benchmarks.toml is no row or in no result.
    """
    tables = tomllib.loads(SOURCE.read_text(encoding="utf-8"))
    names, kin = tables.pop("names"), tables.pop("kin")
    models = read().document.models
    parts = list(_parts(tables, counts=json.loads(COUNTS.read_text(encoding="utf-8"))))
    return _text(weigh(models, parts, names=names, kin=kin))


def weigh(
    models: Sequence[ModelInfo],
    parts: Sequence[Part],
    *,
    names: Mapping[str, Sequence[str]],
    kin: Mapping[str, Sequence[str]],
) -> dict[str, Cells]:
    """Find the cells of every model that results, of its own or of its line, say something of.

    `names` maps a model to what results call it, `kin` to results of predecessors without a row.

    Raises:
        LookupError: a name is no row of `models`, or in no result.
    """
    _check(parts, names=names, kin=kin, models=models)
    return _inherited(models, direct=_direct(models, parts, names=names, kin=kin))


def main(arguments: Sequence[str] | None = None) -> int:
    """Write evidence.json, or with --check only tell whether it is what would be written."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit 1 if the file is stale")
    options = parser.parse_args(arguments)
    text = compiled()
    if not options.check:
        FILE.write_text(text, encoding="utf-8")
        return 0
    if FILE.is_file() and FILE.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(f"{FILE.name} is stale. Run: {COMMAND}\n")
    return 1


def _parts(tables: Mapping[str, Any], *, counts: Mapping[str, Any]) -> Iterator[Part]:
    for key, table in tables.items():
        found = {**counts.get(key, {}), **table.get("published", {})}
        for name, part in table["parts"].items():
            results = {model: (score, cases) for model, (score, cases) in found[name].items()}
            plain = name.replace("_", " ") if len(table["parts"]) > 1 else ""
            title = f"{table['title']} {plain}".strip()
            level = Complexity(part["complexity"])
            yield Part(title, table["date"], level, part["tasks"], results)


def _check(
    parts: Sequence[Part],
    *,
    names: Mapping[str, Sequence[str]],
    kin: Mapping[str, Sequence[str]],
    models: Sequence[ModelInfo],
) -> None:
    rows, told = {one.name for one in models}, {one for part in parts for one in part.results}
    for name, ours in (*names.items(), *kin.items()):
        if name not in rows:
            raise LookupError(f"{name} is no row of the catalogue")
        missing = [one for one in ours if one not in told]
        if missing:
            raise LookupError(f"{missing[0]} is in no result")


def _direct(
    models: Sequence[ModelInfo],
    parts: Sequence[Part],
    *,
    names: Mapping[str, Sequence[str]],
    kin: Mapping[str, Sequence[str]],
) -> dict[str, Cells]:
    """Find the cells of models with results of their own, else of their predecessors."""
    levels = {one.name: _logit(one.quality.value) for one in models if one.name in names}
    groups = {alias: name for name, ours in names.items() for alias in ours}
    merged = [part._replace(results=_merged(part.results, groups=groups)) for part in parts]
    known, shifts, slope = _equated(merged, levels=levels)
    found: dict[str, Cells] = {}
    for model in models:
        own = names.get(model.name)
        of = [model.name] if own else list(kin.get(model.name, ()))
        said = [
            Said(part, (_log_odds(score, cases) - shift) / slope - known[one], score, cases)
            for part, shift in zip(merged, shifts, strict=True)
            for one in of
            if one in part.results
            for score, cases in [part.results[one]]
        ]
        found[model.name] = _cells(said, of="" if own else _listed(of))
    return found


def _merged(
    results: Mapping[str, tuple[float, int]], *, groups: Mapping[str, str]
) -> dict[str, tuple[float, int]]:
    found: dict[str, tuple[float, int]] = {}
    for alias, (score, cases) in results.items():
        name = groups.get(alias, alias)
        before = found.get(name, (0.0, 0))
        found[name] = (before[0] + score, before[1] + cases)
    return found


def _equated(
    parts: Sequence[Part], *, levels: Mapping[str, float]
) -> tuple[dict[str, float], list[float], float]:
    """Fit log odds = shift of the part + slope * level of the model, by alternating means.

    `levels` are held fixed; every other model gets the level that fits its results best.
    """
    odds = [{name: _log_odds(*one) for name, one in part.results.items()} for part in parts]
    slope = _slope(odds, levels=levels)
    known = {name: levels.get(name, 0.0) for part in odds for name in part}
    shifts = [0.0] * len(parts)
    for _ in range(_ROUNDS):
        shifts = [_mean([y - slope * known[name] for name, y in part.items()]) for part in odds]
        told: dict[str, list[float]] = defaultdict(list)
        for part, shift in zip(odds, shifts, strict=True):
            for name, y in part.items():
                told[name].append((y - shift) / slope)
        known |= {name: _mean(values) for name, values in told.items() if name not in levels}
    return known, shifts, slope


def _slope(odds: Sequence[Mapping[str, float]], *, levels: Mapping[str, float]) -> float:
    """Find how many logits of a benchmark one logit of general level is, over all parts."""
    over = under = 0.0
    for part in odds:
        both = [(levels[name], y) for name, y in part.items() if name in levels]
        if len(both) < 2:
            continue
        x_mean, y_mean = _mean([x for x, _ in both]), _mean([y for _, y in both])
        over += sum((x - x_mean) * (y - y_mean) for x, y in both)
        under += sum((x - x_mean) ** 2 for x, _ in both)
    return over / under if over > 0 else _USUAL_SLOPE


def _cells(said: Sequence[Said], *, of: str) -> Cells:
    found: Cells = {}
    for task in sorted({task for one in said for task in one.part.tasks}):
        about = [one for one in said if task in one.part.tasks]
        for level in _LEVELS:
            weights = [_weight(one, task=task, level=level) for one in about]
            whole = sum(weights)
            logits = sum(w * one.logits for w, one in zip(weights, about, strict=True))
            kept = max(-MOST_LOGITS, min(MOST_LOGITS, logits / (whole + _DOUBT)))
            first = max(range(len(about)), key=lambda at: weights[at])
            basis = _basis(about[first], more=len(about) - 1, of=of)
            found[task, level] = Cell(kept, 0.0 if of else min(whole, MOST_WEIGHT), basis)
    return found


def _weight(one: Said, *, task: str, level: Complexity) -> float:
    """Weigh a result: more for many cases, for a task alike and for work as hard."""
    distance = abs(_LEVELS.index(level) - _LEVELS.index(one.part.complexity))
    cases = MOST_WEIGHT * one.cases / (one.cases + _LIKE_CASES)
    return cases * one.part.tasks[task] * _NEXT_LEVEL[distance]


def _basis(one: Said, *, more: int, of: str) -> str:
    told = f"{one.part.title} {one.score / one.cases:.2f} on {one.cases:,} cases ({one.part.date})"
    told += f" and {more} more" if more else ""
    return f"{LINEAGE} from {of}: {told}" if of else told


def _inherited(models: Sequence[ModelInfo], *, direct: Mapping[str, Cells]) -> dict[str, Cells]:
    """Hand cells down each line of models, halved at every step and worth no observation."""
    found: dict[str, Cells] = {}
    for model in models:
        cells = direct[model.name]
        for steps, ancestor in enumerate(_ancestors(model, models=models), 1):
            if cells:
                break
            cells = _faded(direct[ancestor.name], steps=steps, of=ancestor.name)
        if cells:
            found[model.name] = cells
    return found


def _ancestors(model: ModelInfo, *, models: Sequence[ModelInfo]) -> list[ModelInfo]:
    """List the earlier models of the same line, latest first."""
    line = [
        one
        for one in models
        if one.line == model.line and one.released and model.released
        if one.released < model.released
    ]
    return sorted(line, key=lambda one: str(one.released), reverse=True)


def _faded(cells: Cells, *, steps: int, of: str) -> Cells:
    left = _STEP_DOWN**steps
    return {
        place: Cell(cell.logits * left, 0.0, _handed_down(cell.basis, of=of))
        for place, cell in cells.items()
        if abs(cell.logits * left) >= _LEAST_LOGITS
    }


def _handed_down(basis: str, *, of: str) -> str:
    return f"{LINEAGE} from {of}: {basis.removeprefix(LINEAGE + ' from ')}"


def _text(found: Mapping[str, Cells]) -> str:
    bases = list(dict.fromkeys(cell.basis for cells in found.values() for cell in cells.values()))
    place = {basis: at for at, basis in enumerate(bases)}
    rows: list[str] = []
    for name, cells in found.items():
        tasks: dict[str, dict[str, list[float]]] = defaultdict(dict)
        for (task, level), cell in cells.items():
            tasks[task][level] = [round(cell.logits, 3), round(cell.weight, 1), place[cell.basis]]
        rows.append(f"{json.dumps(name)}:{json.dumps(tasks, separators=(',', ':'))}")
    told = ",\n".join(map(json.dumps, bases))
    return f'{{"basis":[\n{told}\n],\n"models":{{\n' + ",\n".join(rows) + "\n}}\n"


def _log_odds(score: float, cases: int) -> float:
    return math.log((score + 0.5) / (cases - score + 0.5))


def _logit(chance: float) -> float:
    return math.log(chance / (1 - chance))


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _listed(names: Sequence[str]) -> str:
    return f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else "".join(names)


if __name__ == "__main__":
    sys.exit(main())
