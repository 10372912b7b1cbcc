"""Public results say who is better at what; the general level stays as it was."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.catalog import weighing
from mcp_router.catalog.evidence import FILE
from mcp_router.catalog.weighing import COUNTS, Part, compiled, weigh
from mcp_router.types import Complexity, ModelInfo
from tests.builders import model, quality

CASES = 400


def part(title: str, task: str, **scores: float) -> Part:
    results = {name: (score * CASES, CASES) for name, score in scores.items()}
    return Part(title, "2026", Complexity.COMPLEX, {task: 1.0}, results)


def rows() -> list[ModelInfo]:
    levels = {"low": 0.5, "middle": 0.7, "high": 0.85}
    return [model(name, quality=quality(value)) for name, value in levels.items()]


EVEN = {"low": 0.3, "middle": 0.5, "high": 0.7}


def test_the_file_is_what_the_results_give() -> None:
    assert compiled() == FILE.read_text(encoding="utf-8")


def test_a_stale_file_is_found() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mcp_router.catalog.weighing", "--check"], check=False
    )
    assert done.returncode == 0


def test_counts_are_of_scores_within_their_cases() -> None:
    for parts in json.loads(COUNTS.read_bytes()).values():
        for results in parts.values():
            assert all(0 <= score <= cases for score, cases in results.values())


def test_who_does_better_in_one_part_than_in_the_others_moves_up_there() -> None:
    parts = [
        part("prose", "creative", **EVEN),
        part("sums", "math_logic", **EVEN),
        part("code", "code_generation", **(EVEN | {"low": 0.55})),
    ]
    found = weigh(rows(), parts, names={name: [name] for name in EVEN}, kin={})
    here = {name: cells["code_generation", Complexity.COMPLEX] for name, cells in found.items()}
    assert here["low"].logits > 0.1 > here["middle"].logits
    assert here["low"].weight == pytest.approx(40 * CASES / (CASES + 100))
    assert here["low"].basis == "code 0.55 on 400 cases (2026)"
    assert found["low"]["math_logic", Complexity.COMPLEX].logits < here["low"].logits


def test_work_of_another_complexity_counts_less() -> None:
    parts = [part("code", "code_generation", **EVEN)]
    found = weigh(rows(), parts, names={name: [name] for name in EVEN}, kin={})["low"]
    weights = [found["code_generation", level].weight for level in Complexity]
    assert weights[2] > weights[1] == weights[3] > weights[0] > 0


def test_the_next_of_a_line_inherits_half_and_nothing_of_the_weight() -> None:
    old, new = (
        model(name, quality=quality(0.5), line="small", released=day)
        for name, day in (("low", "2025-01-01"), ("lower", "2026-01-01"))
    )
    parts = [part("a", "creative", **EVEN), part("b", "testing", **(EVEN | {"low": 0.6}))]
    both = [old, new, *rows()[1:]]
    found = weigh(both, parts, names={name: [name] for name in EVEN}, kin={})
    there, here = (found[name]["testing", Complexity.COMPLEX] for name in ("low", "lower"))
    assert here.logits == pytest.approx(there.logits / 2)
    assert here.weight == 0
    assert here.basis == f"lineage prior from low: {there.basis}"


def test_kin_hand_down_their_profile_not_their_level() -> None:
    parts = [
        part("a", "creative", kin=0.1, **EVEN),
        part("b", "testing", kin=0.4, **EVEN),
    ]
    heir = model("heir", quality=quality(0.8))
    found = weigh(
        [*rows(), heir], parts, names={name: [name] for name in EVEN}, kin={"heir": ["kin"]}
    )["heir"]
    assert found["testing", Complexity.COMPLEX].logits > 0
    assert found["creative", Complexity.COMPLEX].logits < 0
    assert found["testing", Complexity.COMPLEX].basis.startswith("lineage prior from kin: b 0.40")


@pytest.mark.parametrize(
    ("names", "missing"), [({"nobody": ["low"]}, "no row"), ({"low": ["unheard"]}, "in no result")]
)
def test_a_name_that_leads_nowhere_is_refused(names: dict[str, list[str]], missing: str) -> None:
    with pytest.raises(LookupError, match=missing):
        weigh(rows(), [part("a", "creative", **EVEN)], names=names, kin={})


@settings(max_examples=60)
@given(st.lists(st.floats(0.02, 0.98), min_size=6, max_size=6))
def test_no_result_moves_a_model_beyond_bounds(scores: list[float]) -> None:
    names = list(EVEN)
    parts = [
        part("a", "creative", **dict(zip(names, scores[:3], strict=True))),
        part("b", "testing", **dict(zip(names, scores[3:], strict=True))),
    ]
    for cells in weigh(rows(), parts, names={name: [name] for name in EVEN}, kin={}).values():
        for cell in cells.values():
            assert math.isfinite(cell.logits)
            assert abs(cell.logits) <= weighing.MOST_LOGITS
