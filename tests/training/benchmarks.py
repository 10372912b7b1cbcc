"""Counts what public outcome data say of each model, for the evidence table of the catalogue.

    python -m tests.training.benchmarks DATA             writes mcp_router/catalog/benchmarks.json
    python -m tests.training.benchmarks DATA --check     1 if the counts differ from those kept

DATA is a folder of gzipped JSON lines, one row per question with the score of every model;
`mcp_router/catalog/benchmarks.toml` names each set with its licence. Only figures are written: for
each part of a benchmark and each model the sum of its scores and the number of its cases.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[2] / "mcp_router" / "catalog" / "benchmarks.json"
SETS = {
    "mmlu_pro": "mmlu_pro",
    "livecodebench": "livecodebench_codegen",
    "zeroeval_crux": "zeroeval_crux",
    "zeroeval_math": "zeroeval_math_l5",
    "arena": "arena_bench_v1",
    "llmrouter": "llmrouter_uiuc",
}
LEAST_CASES = 50


def counted(data: Path) -> str:
    """Write the counts of all sets as JSON, one part of a benchmark a line."""
    lines = [
        f'"{name}":{{\n' + ",\n".join(_parts(data / f"{stem}.jsonl.gz")) + "\n}"
        for name, stem in SETS.items()
    ]
    return "{" + ",\n".join(lines) + "}\n"


def main(arguments: list[str] | None = None) -> int:
    """Write or check; 1 if a check failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.training.benchmarks")
    parser.add_argument("data", type=Path)
    parser.add_argument("--check", action="store_true")
    asked = parser.parse_args(arguments)
    made = counted(asked.data)
    if not asked.check:
        FILE.write_text(made, encoding="utf-8")
        return 0
    same = made == FILE.read_text(encoding="utf-8")
    print("the counts are what the data give" if same else "the counts are out of date")
    return int(not same)


def _parts(path: Path) -> Iterator[str]:
    sums: dict[str, dict[str, list[float]]] = defaultdict(dict)
    for row in _rows(path):
        part = sums[row.get("difficulty") or row["category"]]
        for model, score in row["scores"].items():
            held = part.setdefault(model, [0.0, 0])
            held[0] += score
            held[1] += 1
    for part, models in sorted(sums.items()):
        kept = {
            model: [round(score, 1), cases]
            for model, (score, cases) in sorted(models.items())
            if cases >= LEAST_CASES
        }
        if kept:
            yield f"{json.dumps(part)}:{json.dumps(kept, separators=(',', ':'))}"


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


if __name__ == "__main__":
    sys.exit(main())
