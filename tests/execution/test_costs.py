"""What an attempt may cost at most, against what it can cost."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from mcp_router.execution.costs import (
    Ceiling,
    affordable,
    assumed_usage,
    at_least,
    bill,
    ceiling,
    worst_case,
)
from mcp_router.types import ModelInfo, Price, PriceTier, Rates, Usage
from tests.builders import model, price

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
FREE = model("free", prices=(price(0.0, 0.0),))
UNPRICED = model("unpriced", prices=())
TIERED = model(
    "tiered",
    prices=(
        Price(
            tiers=(
                PriceTier(rates=Rates(input=10**9, output=4 * 10**9, cache_write=2 * 10**9)),
                PriceTier(above=1_000, rates=Rates(input=3 * 10**9, output=8 * 10**9)),
            )
        ),
    ),
)
counts = st.integers(0, 200_000)


def test_the_longest_answer_is_the_models_own_unless_a_lower_one_is_asked_for() -> None:
    row = model("m", max_output=1_000)
    assert ceiling(row, inputs=100, max_tokens=None) == Ceiling(162, 1_000)
    assert ceiling(row, inputs=100, max_tokens=50) == Ceiling(162, 50)
    assert ceiling(row, inputs=100, max_tokens=9_999).outputs == 1_000


def test_free_and_local_models_cost_nothing_and_unknown_prices_are_unknown() -> None:
    most = Ceiling(1_000, 1_000)
    assert worst_case(FREE, most, now=NOW) == 0
    assert worst_case(UNPRICED, most, now=NOW) is None
    assert worst_case(model("mine", prices=(), local=True), most, now=NOW) == 0
    assert bill(UNPRICED, Usage(input_tokens=5), now=NOW).nanos is None


@given(
    row=st.sampled_from([model("plain"), TIERED, FREE]),
    most=st.builds(Ceiling, counts, counts),
    shares=st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)),
)
def test_no_usage_within_the_ceiling_costs_more_than_the_worst_case(
    row: ModelInfo, most: Ceiling, shares: tuple[float, float, float, float]
) -> None:
    inputs, answer = round(most.inputs * shares[0]), round(most.outputs * shares[1])
    read, thought = round(inputs * shares[2]), round(answer * shares[3])
    written = (inputs - read) // 2
    usage = Usage(
        input_tokens=inputs - read - written,
        cache_read_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=thought,
        output_tokens=answer - thought,
    )
    actual, worst = bill(row, usage, now=NOW).nanos, worst_case(row, most, now=NOW)
    assert actual is not None
    assert worst is not None
    assert actual <= worst


@given(
    row=st.sampled_from([model("plain"), TIERED]),
    most=st.builds(Ceiling, counts, st.integers(1, 200_000)),
    nanos=st.integers(-(10**6), 10**10),
)
def test_an_answer_that_is_affordable_is_paid_for(
    row: ModelInfo, most: Ceiling, nanos: int
) -> None:
    outputs = affordable(row, most, nanos=nanos, now=NOW)
    if outputs > 0:
        worst = worst_case(row, most._replace(outputs=min(outputs, most.outputs)), now=NOW)
        assert worst is not None
        assert worst <= nanos


def test_a_free_answer_is_always_affordable() -> None:
    assert affordable(FREE, Ceiling(10, 700), nanos=0, now=NOW) == 700


def test_an_unreported_usage_is_assumed_on_the_dear_side() -> None:
    usage = assumed_usage(model("m"), inputs=1_000, texts=("word " * 1_000,))
    assert usage.input_tokens == 1_300
    assert 1_000 <= usage.output_tokens <= 2_000
    assert assumed_usage(model("m"), inputs=10, texts=()).output_tokens == 0


def test_a_usage_reported_before_the_end_is_raised_to_what_was_heard() -> None:
    early = Usage(input_tokens=50, output_tokens=1)
    assert at_least(early, outputs=40).output_tokens == 40
    thought = Usage(input_tokens=50, reasoning_tokens=30, output_tokens=20)
    assert at_least(thought, outputs=40) == thought
