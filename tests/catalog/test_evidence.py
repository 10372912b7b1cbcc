"""The evidence table: a chance, a weight and a basis for every model and kind of work."""

from __future__ import annotations

import json
from datetime import date
from itertools import pairwise

import pytest

from mcp_router.catalog.catalog import Catalog
from mcp_router.catalog.evidence import (
    FIGURE_WEIGHT,
    FILE,
    GIVEN,
    LINEAGE,
    LINEAGE_WEIGHT,
    MOST_WEIGHT,
    evidence,
    expected_logits,
)
from mcp_router.types import Complexity, ModelInfo, QualityPrior, TaskType
from tests.builders import model

CATALOG = Catalog.load(on=date(2026, 11, 21))


@pytest.mark.parametrize("one", CATALOG.models, ids=lambda one: one.name)
def test_every_cell_has_a_chance_a_weight_and_a_basis(one: ModelInfo) -> None:
    for task in TaskType:
        cells = [evidence(one, task=task, complexity=level) for level in Complexity]
        assert all(0 < cell.mean < 1 for cell in cells)
        assert all(LINEAGE_WEIGHT <= cell.weight <= MOST_WEIGHT for cell in cells)
        assert all(cell.basis for cell in cells)
        assert all(easy.mean > hard.mean for easy, hard in pairwise(cells)), task


def test_a_basis_with_cases_names_benchmark_number_and_year() -> None:
    cell = evidence(CATALOG.resolve("gpt-4o"), task="code_generation", complexity=Complexity.MEDIUM)
    assert cell.basis == "LiveCodeBench easy 0.85 on 528 cases (2025) and 4 more"
    assert cell.weight == MOST_WEIGHT


def test_a_model_without_figures_says_so_and_is_wide() -> None:
    cell = evidence(CATALOG.resolve("gpt-6-luna"), task="translation", complexity=Complexity.SIMPLE)
    assert cell.basis == LINEAGE
    assert cell.weight == LINEAGE_WEIGHT


def test_a_newer_model_inherits_from_its_line_without_becoming_surer() -> None:
    cell = evidence(CATALOG.resolve("gpt-6.1-terra"), task="factual", complexity=Complexity.COMPLEX)
    assert cell.basis.startswith("lineage prior from gpt-5.6-terra: AA-Omniscience accuracy 0.47")
    assert cell.weight == FIGURE_WEIGHT


def test_what_a_model_is_good_at_is_expected_to_go_better() -> None:
    coder = CATALOG.resolve("o4-mini")
    for level in Complexity:
        plain = expected_logits(coder, task="code_generation", complexity=level)
        told = evidence(coder, task="code_generation", complexity=level).mean
        assert told / (1 - told) > 2.718**plain


def test_what_the_user_states_of_a_model_is_taken_as_it_is() -> None:
    known = CATALOG.resolve("gpt-4o")
    own = known.model_copy(update={"quality": QualityPrior(value=0.9, basis=GIVEN)})
    cell = evidence(own, task="code_generation", complexity=Complexity.COMPLEX)
    assert (cell.weight, cell.basis) == (MOST_WEIGHT, GIVEN)
    assert cell.mean > evidence(known, task="code_generation", complexity=Complexity.COMPLEX).mean


def test_a_task_of_the_users_own_is_known_by_the_general_level() -> None:
    cell = evidence(model("m"), task="solidity_codegen", complexity=Complexity.COMPLEX)
    assert cell.mean == pytest.approx(0.8)
    assert cell.basis == "test"


def test_easier_work_is_expected_to_go_better() -> None:
    one = model("m")
    cells = [
        evidence(one, task="chat", complexity=Complexity.MEDIUM, ease=ease).mean
        for ease in (-0.4, 0.0, 0.4)
    ]
    assert cells == sorted(cells)


def test_the_table_holds_figures_and_names_only() -> None:
    table = json.loads(FILE.read_bytes())
    assert max(len(title) for title, *_ in table["topics"]) < 60
    assert set(table["models"]) <= {one.name for one in CATALOG.models}
    assert FILE.stat().st_size < 60_000
