"""A benchmark is summed up per model and task, and nobody efficient is beaten by another."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from mcp_router.evaluation.benchmark import standings, wilson
from mcp_router.workflows.benchmark import Sample

MODELS = ("small", "middle", "big")


def sample(
    model: str, score: float | None = 1.0, cost: str | None = "0.01", *, kind: str = "chat"
) -> Sample:
    price = None if cost is None else Decimal(cost)
    return Sample("line-1", model, kind, score, price, 100)


def test_models_stand_by_quality_and_then_by_cost() -> None:
    rows = [sample("small", 0.5), sample("big", 1.0, "0.05"), sample("middle", 1.0, "0.02")]
    found = standings(rows, models=MODELS)
    assert [one.model for one in found] == ["middle", "big", "small"]
    assert [one.model for one in found if one.efficient] == ["middle", "small"]


def test_each_kind_of_task_has_its_own_lines_where_there_are_several() -> None:
    rows = [sample("small"), sample("small", 0.0, kind="math_logic"), sample("big")]
    found = standings(rows, models=MODELS)
    assert [(one.kind, one.model, one.answers) for one in found] == [
        ("", "big", 1),
        ("", "small", 2),
        ("chat", "big", 1),
        ("chat", "small", 1),
        ("math_logic", "small", 1),
    ]


def test_an_unknown_price_or_mark_is_not_zero() -> None:
    rows = [sample("small", 1.0, None), sample("big", None)]
    small, big = sorted(standings(rows, models=MODELS), key=lambda one: one.model, reverse=True)
    assert (small.cost_usd, small.efficient) == (None, False)
    assert (big.quality, big.efficient) == (None, False)


def test_failed_calls_are_counted_apart() -> None:
    found = standings([sample("small")], models=MODELS, failed=["big", "big", "small"])
    assert {one.model: (one.answers, one.failed) for one in found} == {
        "small": (1, 1),
        "big": (0, 2),
    }


@given(st.integers(1, 500), st.floats(0, 1))
def test_the_interval_holds_the_mean_and_narrows(size: int, score: float) -> None:
    found, more = wilson(score, size=size), wilson(score, size=size * 4)
    assert 0 <= found.low <= score <= found.high <= 1
    assert more.high - more.low <= found.high - found.low + 1e-9


@given(
    st.lists(
        st.builds(
            sample,
            st.sampled_from(MODELS),
            st.one_of(st.none(), st.floats(0, 1)),
            st.one_of(st.none(), st.integers(0, 9).map(str)),
        )
    )
)
def test_no_efficient_model_is_beaten(rows: list[Sample]) -> None:
    found = [one for one in standings(rows, models=MODELS) if not one.kind]
    for one in found:
        for other in found:
            if not one.efficient or other.quality is None or other.cost_usd is None:
                continue
            assert one.quality is not None
            assert one.cost_usd is not None
            better = other.quality.value > one.quality.value and other.cost_usd <= one.cost_usd
            cheaper = other.quality.value >= one.quality.value and other.cost_usd < one.cost_usd
            assert not better
            assert not cheaper
