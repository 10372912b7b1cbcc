"""Public results say who is better at what; the general level stays as it was."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.catalog.evidence import FILE, MOST_LOGITS, Move, Source, move
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


def at(sources: list[Source], task: str, complexity: Complexity = Complexity.COMPLEX) -> Move:
    found = move(sources, task=task, complexity=complexity)
    assert found
    return found


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
    found = weigh(rows(), parts, names={name: [name] for name in EVEN}, kin={}, hosts={})
    here = {name: at(sources, "code_generation") for name, sources in found.items()}
    assert here["low"].logits > 0.1 > here["middle"].logits
    assert here["low"].basis == "code 0.55 on 400 cases (2026)"
    sums = at(found["low"], "math_logic")
    assert sums.logits < here["low"].logits
    assert sums.weight == pytest.approx(40 * CASES / (CASES + 100))


def test_a_part_that_hardly_tells_models_apart_counts_less() -> None:
    flat = {"low": 0.49, "middle": 0.5, "high": 0.51}
    parts = [part("prose", "creative", **EVEN), part("code", "code_generation", **flat)]
    found = weigh(rows(), parts, names={name: [name] for name in EVEN}, kin={}, hosts={})
    for sources in found.values():
        assert at(sources, "code_generation").weight < at(sources, "creative").weight / 4
        assert abs(at(sources, "code_generation").logits) < 0.2


def test_work_of_another_complexity_counts_less() -> None:
    parts = [part("code", "code_generation", **EVEN)]
    found = weigh(rows(), parts, names={name: [name] for name in EVEN}, kin={}, hosts={})["low"]
    weights = [at(found, "code_generation", level).weight for level in Complexity]
    assert weights[2] > weights[1] == weights[3] > weights[0] > 0


def test_the_next_of_a_line_inherits_half_and_nothing_of_the_weight() -> None:
    old, new = (
        model(name, quality=quality(0.5), line="small", released=day)
        for name, day in (("low", "2025-01-01"), ("lower", "2026-01-01"))
    )
    parts = [part("a", "creative", **EVEN), part("b", "testing", **(EVEN | {"low": 0.6}))]
    both = [old, new, *rows()[1:]]
    found = weigh(both, parts, names={name: [name] for name in EVEN}, kin={}, hosts={})
    there, here = (at(found[name], "testing") for name in ("low", "lower"))
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
        [*rows(), heir],
        parts,
        names={name: [name] for name in EVEN},
        kin={"heir": ["kin"]},
        hosts={},
    )["heir"]
    assert at(found, "testing").logits > 0 > at(found, "creative").logits
    assert at(found, "testing").basis.startswith("lineage prior from kin: b 0.40")


def test_a_line_fills_in_the_tasks_that_results_of_the_model_leave_open() -> None:
    old, new = (
        model(name, quality=quality(0.5), line="small", released=day)
        for name, day in (("low", "2025-01-01"), ("lower", "2026-01-01"))
    )
    parts = [
        part("a", "creative", lower=0.4, **EVEN),
        part("b", "testing", **(EVEN | {"low": 0.6})),
    ]
    names = {name: [name] for name in (*EVEN, "lower")}
    found = weigh([old, new, *rows()[1:]], parts, names=names, kin={}, hosts={})["lower"]
    assert at(found, "creative").basis == "a 0.40 on 400 cases (2026)"
    assert at(found, "testing").basis.startswith("lineage prior from low: b 0.60")
    assert at(found, "testing").weight == 0


def test_a_model_is_the_same_at_another_host() -> None:
    elsewhere = model("low-elsewhere", quality=quality(0.5))
    parts = [part("a", "creative", **EVEN)]
    names, hosts = {name: [name] for name in EVEN}, {"low-elsewhere": "low"}
    found = weigh([*rows(), elsewhere], parts, names=names, kin={}, hosts=hosts)
    assert found["low-elsewhere"] == found["low"]
    with pytest.raises(LookupError, match="no row"):
        weigh(rows(), parts, names=names, kin={}, hosts=hosts)


@pytest.mark.parametrize(
    ("names", "missing"), [({"nobody": ["low"]}, "no row"), ({"low": ["unheard"]}, "in no result")]
)
def test_a_name_that_leads_nowhere_is_refused(names: dict[str, list[str]], missing: str) -> None:
    with pytest.raises(LookupError, match=missing):
        weigh(rows(), [part("a", "creative", **EVEN)], names=names, kin={}, hosts={})


@settings(max_examples=60)
@given(st.lists(st.floats(0.02, 0.98), min_size=6, max_size=6))
def test_no_result_moves_a_model_beyond_bounds(scores: list[float]) -> None:
    names = list(EVEN)
    parts = [
        part("a", "creative", **dict(zip(names, scores[:3], strict=True))),
        part("b", "testing", **dict(zip(names, scores[3:], strict=True))),
    ]
    found = weigh(rows(), parts, names={name: [name] for name in EVEN}, kin={}, hosts={})
    for sources in found.values():
        for task in ("creative", "testing"):
            logits = at(sources, task).logits
            assert math.isfinite(logits)
            assert abs(logits) <= MOST_LOGITS
