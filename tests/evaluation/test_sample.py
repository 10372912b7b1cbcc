from __future__ import annotations

from pathlib import Path

import pytest

import mcp_router.evaluation.sample as room
from mcp_router.evaluation.outcomes import outcomes
from mcp_router.evaluation.sample import SAMPLES, read_sample


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_whole_and_holds_no_text(name: str) -> None:
    sample = read_sample(name)
    assert not any(row.prompt for row in sample.rows)
    found = outcomes(sample.rows, rates=sample.rates)
    assert found.dropped == ()
    assert len(found.requests) == len(sample.rows)
    assert all(cost > 0 for one in found.requests for cost in one.costs.values())
    assert {one.case.group for one in found.requests} >= {row.category for row in sample.rows}


def test_each_sample_names_its_source_licence_and_prices() -> None:
    assert "(MIT)" in read_sample("llmrouter").about
    assert "(Apache-2.0)" in read_sample("mmlu-pro").about


def test_all_samples_together_stay_small() -> None:
    files = list(Path(str(room.__file__)).parent.glob("sample_*.json.gz"))
    assert len(files) == len(SAMPLES)
    assert sum(file.stat().st_size for file in files) < 150_000
