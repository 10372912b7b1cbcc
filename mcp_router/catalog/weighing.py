"""Weighs public results into evidence.json; run at build time only.

Every part of a benchmark is put on the scale of general levels first. What remains is how far a
model is better or worse at such tasks than it is in general, and that is what is kept.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mcp_router.catalog.document import read
from mcp_router.catalog.equating import Results, equated, logit
from mcp_router.catalog.evidence import FILE, Said, Source, Topic
from mcp_router.types import Complexity, ModelInfo

COMMAND = "python -m mcp_router.catalog.weighing"
SOURCE = Path(__file__).with_name("benchmarks.toml")
COUNTS = Path(__file__).with_name("benchmarks.json")

_STEP_DOWN = 0.5


class Part(NamedTuple):
    """A part of a benchmark: what it is like, and (sum of scores, cases) by name of model."""

    title: str
    date: str
    complexity: Complexity
    tasks: Mapping[str, float]
    results: Results

    def topic(self, sharpness: float) -> Topic:
        """Say what the part is about: one that hardly tells models apart counts for less."""
        tasks = {task: round(share * sharpness, 3) for task, share in self.tasks.items()}
        return Topic(self.title, self.date, self.complexity, tasks)


Sources = list[Source]


def compiled() -> str:
    """Build the text of evidence.json: one model a line, in the order of the catalogue.

    Raises:
        FileNotFoundError: the catalogue has to be compiled first.
        LookupError: a name in benchmarks.toml is no row or in no result.
    """
    tables = tomllib.loads(SOURCE.read_text(encoding="utf-8"))
    names, kin, hosts = (tables.pop(key) for key in ("names", "kin", "hosts"))
    models = read().document.models
    parts = list(_parts(tables, counts=json.loads(COUNTS.read_text(encoding="utf-8"))))
    return _text(weigh(models, parts, names=names, kin=kin, hosts=hosts))


def weigh(
    models: Sequence[ModelInfo],
    parts: Sequence[Part],
    *,
    names: Mapping[str, Sequence[str]],
    kin: Mapping[str, Sequence[str]],
    hosts: Mapping[str, str],
) -> dict[str, Sources]:
    """Find every model that results, of its own or of its line, say something of, and what.

    `names` maps a model to what results call it, `kin` to results of predecessors without a row,
    `hosts` to the row that is the same model elsewhere.

    Raises:
        LookupError: a name is no row of `models`, or in no result.
    """
    _check(parts, names=(names, kin), hosts=hosts, models=models)
    direct = _direct(models, parts, names=names, kin=kin)
    found = _inherited(models, direct=direct)
    told = {one.name: found[hosts.get(one.name, one.name)] for one in models}
    return {name: sources for name, sources in told.items() if sources}


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
    names: Sequence[Mapping[str, Sequence[str]]],
    hosts: Mapping[str, str],
    models: Sequence[ModelInfo],
) -> None:
    rows, told = {one.name for one in models}, {one for part in parts for one in part.results}
    strange = ({*hosts, *hosts.values()} | {row for one in names for row in one}) - rows
    if strange:
        raise LookupError(f"{min(strange)} is no row of the catalogue")
    missing = {alias for one in names for ours in one.values() for alias in ours} - told
    if missing:
        raise LookupError(f"{min(missing)} is in no result")


def _direct(
    models: Sequence[ModelInfo],
    parts: Sequence[Part],
    *,
    names: Mapping[str, Sequence[str]],
    kin: Mapping[str, Sequence[str]],
) -> dict[str, Sources]:
    """Find what results of a model's own say of it, then those of predecessors without a row."""
    levels = {one.name: logit(one.quality.value) for one in models if one.name in names}
    groups = {alias: name for name, ours in names.items() for alias in ours}
    merged = [part._replace(results=_merged(part.results, groups=groups)) for part in parts]
    known, scales = equated([part.results for part in merged], levels=levels)
    said: dict[str, list[Said]] = defaultdict(list)
    for part, scale in zip(merged, scales, strict=True):
        topic = part.topic(scale.sharpness)
        for name, (score, cases) in part.results.items():
            logits = round(scale.level((score, cases)) - known[name], 3)
            said[name].append(Said(topic, logits, round(score / cases, 3), cases))
    found: dict[str, Sources] = {}
    for name in (one.name for one in models):
        earlier = kin.get(name, ())
        of_kin = [one for alias in earlier for one in said[alias]]
        own = said[name] if name in names else []
        found[name] = _useful([Source("", 1.0, own), Source(_listed(earlier), 1.0, of_kin)])
    return found


def _merged(results: Results, *, groups: Mapping[str, str]) -> dict[str, tuple[float, int]]:
    found: dict[str, tuple[float, int]] = {}
    for alias, (score, cases) in results.items():
        name = groups.get(alias, alias)
        before = found.get(name, (0.0, 0))
        found[name] = (before[0] + score, before[1] + cases)
    return found


def _inherited(models: Sequence[ModelInfo], *, direct: Mapping[str, Sources]) -> dict[str, Sources]:
    """Hand down each line of models what is said, halved at every step."""
    found: dict[str, Sources] = {}
    for model in models:
        handed = [
            one._replace(of=f"{ancestor.name}: {one.of}" if one.of else ancestor.name, left=left)
            for steps, ancestor in enumerate(_ancestors(model, models=models), 1)
            for left in [_STEP_DOWN**steps]
            for one in direct[ancestor.name]
        ]
        found[model.name] = _useful([*direct[model.name], *handed])
    return found


def _useful(sources: Sequence[Source]) -> Sources:
    """Keep the sources that know of a task no earlier one knows of."""
    told, kept = set[str](), Sources()
    for source in sources:
        tasks = {task for one in source.said for task in one.topic.tasks}
        if tasks - told:
            kept.append(source)
        told |= tasks
    return kept


def _ancestors(model: ModelInfo, *, models: Sequence[ModelInfo]) -> list[ModelInfo]:
    """List the earlier models of the same line, latest first."""
    line = [
        one
        for one in models
        if one.line == model.line and one.released and model.released
        if one.released < model.released
    ]
    return sorted(line, key=lambda one: str(one.released), reverse=True)


def _text(found: Mapping[str, Sources]) -> str:
    every = [source for sources in found.values() for source in sources]
    topics = list({id(one.topic): one.topic for source in every for one in source.said}.values())
    places = {id(topic): at for at, topic in enumerate(topics)}
    said: dict[int, tuple[str, Sequence[Said]]] = {}
    models: dict[str, list[list[object]]] = {}
    for name, sources in found.items():
        for source in sources:
            key = said.setdefault(id(source.said), (f"{len(said)}", source.said))[0]
            models.setdefault(name, []).append([key, source.of, source.left])
    results = {
        key: [[places[id(topic)], *rest] for topic, *rest in ours] for key, ours in said.values()
    }
    parts = (("topics", topics), ("said", results), ("models", models))
    return "{" + ",\n".join(f'"{key}":{_lines(value)}' for key, value in parts) + "}\n"


def _lines(value: Sequence[object] | Mapping[str, object]) -> str:
    """Write one entry a line."""
    if isinstance(value, Mapping):
        rows = [f"{json.dumps(key)}:{_json(one)}" for key, one in value.items()]
        return "{\n" + ",\n".join(rows) + "\n}"
    return "[\n" + ",\n".join(map(_json, value)) + "\n]"


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _listed(names: Sequence[str]) -> str:
    return f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else "".join(names)


if __name__ == "__main__":
    sys.exit(main())
