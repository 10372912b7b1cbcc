"""The charts that compare models leave nothing out unsaid and draw only what is known."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.dashboard.charts import Size
from mcp_router.dashboard.model_charts import (
    LEAST_CALLS,
    MOST_MODELS,
    MOST_ROWS,
    cost_bars,
    latencies,
    quality_and_cost,
    reliability,
    shown,
)
from mcp_router.reporting.values import NOTHING, Rate
from mcp_router.types import StatRow
from tests.dashboard.test_performance import KNOWN, record

SIZES = [Size(528, 420), Size(318, 300, narrow=True)]


def row(name: str, *, cost: str, expected: str = "0") -> StatRow:
    amounts = {"cost_usd": Decimal(cost), "estimated_cost_usd": Decimal(expected)}
    return NOTHING.model_copy(update={"group": name, "calls": 1, "decisions": 2, **amounts})


def values(spec: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = spec["data"]["values"]
    return found


COSTS = st.lists(st.decimals(0, 1000, places=3), max_size=20)


@given(COSTS)
def test_bars_are_few_and_their_sum_is_the_whole(costs: list[Decimal]) -> None:
    bars = cost_bars([row(f"m{n}", cost=str(c)) for n, c in enumerate(costs)], advice_only=False)
    assert len(bars) <= MOST_ROWS
    assert sum(bar.value for bar in bars) == pytest.approx(float(sum(costs)))
    spent = [cost for cost in costs if cost]
    own = bars[:-1] if len(spent) > MOST_ROWS else bars
    lengths = [bar.value for bar in own]
    assert lengths == sorted(lengths, reverse=True)
    assert all(bar.value > 0 for bar in bars)


def test_advice_is_drawn_at_what_it_was_expected_to_cost() -> None:
    (bar,) = cost_bars([row("code_review", cost="0", expected="1.5")], advice_only=True)
    assert (bar.name, bar.value, bar.label) == ("code review", 1.5, "$1.50")
    assert bar.tip == "code review: $1.50, 1 call"


@given(st.lists(st.integers(1, 100), min_size=1, max_size=25))
def test_models_of_few_calls_are_shown_only_where_there_are_no_others(calls: list[int]) -> None:
    records = [record(model=f"m{n}", calls=count) for n, count in enumerate(calls)]
    counts = [one.calls for one in shown(records)]
    assert 0 < len(counts) <= MOST_MODELS
    assert counts == sorted(counts, reverse=True)
    assert max(counts) == max(calls)
    if max(calls) >= LEAST_CALLS:
        assert min(counts) >= LEAST_CALLS


@pytest.mark.parametrize("size", SIZES, ids=["wide", "narrow"])
def test_the_quickest_come_first_and_the_unmeasured_not_at_all(size: Size) -> None:
    records = [
        record(model="slow", latency_p50_ms=9_000),
        record(model="new", latency_p50_ms=None, latency_p95_ms=None),
        record(model="quick", latency_p50_ms=0, latency_p95_ms=10),
    ]
    drawn = values(latencies(records, size=size))
    assert [one["name"] for one in drawn] == ["quick", "slow"]
    # A scale of logarithms has no zero.
    assert drawn[0]["p50"] == 1
    assert drawn[1]["tip"] == "slow: half within 9.0 s, 95 of 100 within 1 min 5 s"


def test_the_most_reliable_come_first() -> None:
    worse = KNOWN.model_copy(update={"value": 0.5})
    left = record(model="given up by every caller", success=Rate())
    records = [left, record(model="worse", success=worse), record(model="better")]
    drawn = values(reliability(records, size=SIZES[0]))
    assert [one["name"] for one in drawn] == ["better", "worse"]
    assert all(one["low"] <= one["high"] for one in drawn)


@pytest.mark.parametrize(
    ("more", "known", "value"),
    [
        ({}, True, 0.9),
        ({"quality": Rate(value=1.0, low=0.7, high=1.0, of=9)}, False, 0.7),
        ({"quality": Rate()}, False, 0.7),
    ],
)
def test_what_few_judged_is_drawn_as_expected_only(
    more: dict[str, Any], known: bool, value: float
) -> None:
    (one,) = values(quality_and_cost([record(**more)], size=SIZES[0]))
    assert (one["known"], one["value"]) == (known, value)
    assert ("expected" in one["tip"]) is not known
    if not known:
        assert one["low"] == one["high"] == value


@pytest.mark.parametrize(
    "more",
    [
        {"cost_per_call_usd": None},
        {"cost_per_call_usd": Decimal(0)},
        {"quality": Rate(), "prior_quality": None},
    ],
)
def test_what_is_unknown_or_free_has_no_place_on_the_scale(more: dict[str, Any]) -> None:
    assert values(quality_and_cost([record(**more)], size=SIZES[0])) == []


@pytest.mark.parametrize("size", SIZES, ids=["wide", "narrow"])
def test_the_most_called_get_their_names_first(size: Size) -> None:
    crowd = [record(model=f"model-{n}", calls=100 + n) for n in range(12)]
    drawn = values(quality_and_cost(crowd, size=size))
    assert [one["calls"] for one in drawn] == sorted((c.calls for c in crowd), reverse=True)
    sides = [one["side"] for one in drawn]
    assert sides[0]
    # All are at one place: not every name has room.
    assert "" in sides
