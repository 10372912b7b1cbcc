"""Counts for the evidence table are figures only, and the same for the same data."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from mcp_router.catalog.catalog import Catalog
from tests.training import benchmarks
from tests.training.benchmarks import LEAST_CASES, SETS, counted, main
from tests.training.coldstart import DAY, STRONG, WEAK, need


def write(folder: Path, *, cases: int) -> None:
    for stem in SETS.values():
        rows = [
            {
                "prompt": f"A secret question {number}",
                "category": "part",
                "difficulty": "hard" if stem.startswith("livecode") else "",
                "scores": {"one": number % 2, "two": 0.5} | ({"rare": 1} if number < 3 else {}),
            }
            for number in range(cases)
        ]
        with gzip.open(folder / f"{stem}.jsonl.gz", "wt", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)


def test_scores_are_summed_by_part_and_model(tmp_path: Path) -> None:
    write(tmp_path, cases=60)
    found = json.loads(counted(tmp_path))
    assert set(found) == set(SETS)
    assert found["mmlu_pro"] == {"part": {"one": [30.0, 60], "two": [30.0, 60]}}
    assert set(found["livecodebench"]) == {"hard"}
    assert "secret" not in counted(tmp_path)


def test_too_few_cases_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, cases=LEAST_CASES - 1)
    assert json.loads(counted(tmp_path))["arena"] == {}


def test_a_check_tells_whether_the_counts_are_those_of_the_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, cases=60)
    monkeypatch.setattr(benchmarks, "FILE", tmp_path / "counts.json")
    assert main([str(tmp_path)]) == 0
    assert main([str(tmp_path), "--check"]) == 0
    write(tmp_path, cases=61)
    assert main([str(tmp_path), "--check"]) == 1
    assert "out of date" in capsys.readouterr().out


def test_a_longer_and_a_harder_question_needs_the_strong_model_more() -> None:
    catalog = Catalog.load(on=DAY)
    pair = catalog.resolve(WEAK), catalog.resolve(STRONG)
    easy = need("What is the capital of Australia?", pair=pair)
    hard = need("Prove that every finite group of order p^2 q is solvable.", pair=pair)
    assert 0 < easy < hard
    story = "Tom has 4 apples and buys more each day. How many has he after a week? "
    assert need(story, pair=pair) < need(story * 6, pair=pair)
