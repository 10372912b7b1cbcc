"""Prices: exact integers, tiers at their boundary, dated prices and daily windows."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.catalog.catalog import Catalog
from mcp_router.catalog.pricing import Buckets, Cost, cost_of, rates_at, total_of
from mcp_router.types import ModelInfo, Price, PriceTier, Rates, Usage

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CATALOG = Catalog.load(on=NOW.date())
PRICED = [model for model in CATALOG.models if model.prices]

tokens = st.integers(min_value=0, max_value=2_000_000)
usages = st.builds(
    Usage,
    input_tokens=tokens,
    cache_read_tokens=tokens,
    cache_write_tokens=tokens,
    reasoning_tokens=tokens,
    output_tokens=tokens,
)
rows = st.sampled_from(PRICED)
seconds = st.integers(min_value=1_672_531_200, max_value=1_830_297_600)  # 2023 to 2027
moments = seconds.map(lambda second: datetime.fromtimestamp(second, UTC))
BUCKETS = ("input", "cache_read", "cache_write", "reasoning", "output")


def priced(*prices: Price) -> ModelInfo:
    return CATALOG.models[0].model_copy(update={"prices": prices})


def flat(rate: int, **more: object) -> Price:
    return Price.model_validate({"tiers": [{"rates": {"input": rate, "output": rate}}], **more})


def cost(model: ModelInfo, usage: Usage, *, now: datetime = NOW) -> Cost:
    found = cost_of(model, usage, now=now)
    assert found is not None
    return found


def test_a_known_call_costs_what_the_price_list_says() -> None:
    usage = Usage(
        input_tokens=1_000_000,
        cache_read_tokens=2_000_000,
        cache_write_tokens=100_000,
        reasoning_tokens=50_000,
        output_tokens=150_000,
    )
    assert cost(CATALOG.resolve("claude-opus-5-5"), usage) == Cost(
        input=4_000_000_000,
        cache_read=400_000_000,
        cache_write=500_000_000,
        reasoning=1_000_000_000,
        output=3_000_000_000,
    )


@pytest.mark.parametrize(
    ("name", "boundary", "below", "above"),
    [
        ("gemini-2.5-pro", 200_000, 1_250_000_000, 2_500_000_000),
        ("gemini-3.1-pro", 200_000, 2_000_000_000, 4_000_000_000),
        ("gpt-6.1-sol", 272_000, 2_000_000_000, 4_000_000_000),
        ("gpt-5.5", 272_000, 5_000_000_000, 10_000_000_000),
        ("claude-haiku-5-5", 100_000, 100_000_000, 500_000_000),
        ("grok-4.7", 199_999, 2_000_000_000, 4_000_000_000),
    ],
)
def test_a_tier_begins_with_the_first_token_past_its_boundary(
    name: str, boundary: int, below: int, above: int
) -> None:
    model = CATALOG.resolve(name)
    for prompt, rate in ((0, below), (boundary, below), (boundary + 1, above)):
        rates = rates_at(model, now=NOW, prompt_tokens=prompt)
        assert rates is not None
        assert rates.input == rate


def test_past_the_boundary_every_token_costs_the_higher_rate() -> None:
    model = CATALOG.resolve("gpt-6.1-sol")
    low = cost(model, Usage(input_tokens=272_000, output_tokens=1_000_000))
    high = cost(model, Usage(input_tokens=272_001, output_tokens=1_000_000))
    assert (low.input, low.output) == (544_000_000, 10_000_000_000)
    assert (high.input, high.output) == (1_088_004_000, 15_000_000_000)


@pytest.mark.parametrize("bucket", ["cache_read_tokens", "cache_write_tokens"])
def test_cached_tokens_count_towards_the_tier(bucket: str) -> None:
    model = CATALOG.resolve("gpt-6.1-sol")
    usage = Usage.model_validate({"input_tokens": 1_000_000 - 728_000, bucket: 1})
    assert cost(model, usage).input == 1_088_000_000


def test_output_never_chooses_the_tier() -> None:
    model = CATALOG.resolve("gpt-6.1-sol")
    usage = Usage(input_tokens=10, reasoning_tokens=500_000, output_tokens=500_000)
    assert cost(model, usage).output == 5_000_000_000


def test_off_peak_and_peak_hours_follow_the_clock_in_utc() -> None:
    model = CATALOG.resolve("deepseek-flash")

    def rate(hour: int, minute: int) -> int:
        rates = rates_at(model, now=NOW.replace(hour=hour, minute=minute), prompt_tokens=1)
        assert rates is not None
        return rates.input

    peak, off_peak = 300_000_000, 150_000_000
    assert [rate(0, 59), rate(1, 0), rate(3, 59), rate(4, 0)] == [off_peak, peak, peak, off_peak]
    assert [rate(5, 59), rate(6, 0), rate(9, 59), rate(10, 0)] == [off_peak, peak, peak, off_peak]


def test_the_same_instant_costs_the_same_in_every_time_zone() -> None:
    model = CATALOG.resolve("deepseek-flash")
    moment = datetime(2026, 11, 21, 2, 30, tzinfo=UTC)
    for hours in (-11, -5, 5, 14):
        there = moment.astimezone(timezone(timedelta(hours=hours)))
        assert rates_at(model, now=there, prompt_tokens=1) == rates_at(
            model, now=moment, prompt_tokens=1
        )


def test_an_announced_price_comes_into_force_at_midnight_utc() -> None:
    model = CATALOG.resolve("gemini-4-argon")
    midnight = datetime(2026, 12, 1, tzinfo=UTC)
    before = rates_at(model, now=midnight - timedelta(seconds=1), prompt_tokens=1)
    after = rates_at(model, now=midnight, prompt_tokens=1)
    assert before is not None
    assert after is not None
    assert (before.input, after.input) == (2_000_000_000, 4_000_000_000)


def test_a_window_over_midnight_holds_on_both_sides_of_it() -> None:
    model = priced(flat(1), flat(2, window=(23 * 60, 60)))
    hours = {
        hour: rates_at(model, now=NOW.replace(hour=hour), prompt_tokens=0) for hour in range(24)
    }
    assert {hour for hour, rates in hours.items() if rates and rates.input == 2} == {23, 0}


def test_before_the_first_price_came_into_force_the_first_one_holds() -> None:
    model = priced(flat(1, since=NOW), flat(2, since=NOW + timedelta(days=1)))
    rates = rates_at(model, now=NOW - timedelta(days=900), prompt_tokens=0)
    assert rates is not None
    assert rates.input == 1


def test_an_unknown_price_is_none_and_not_zero() -> None:
    assert rates_at(priced(), now=NOW, prompt_tokens=1) is None
    assert cost_of(priced(), Usage(input_tokens=5), now=NOW) is None
    assert cost_of(CATALOG.resolve("gemini-2.0-pro"), Usage(), now=NOW) is None


def test_a_local_model_costs_nothing_which_is_not_unknown() -> None:
    usage = Usage(input_tokens=10**6, output_tokens=10**6)
    assert cost(CATALOG.resolve("local"), usage) == Cost(0, 0, 0, 0, 0)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        rates_at(PRICED[0], now=NOW.replace(tzinfo=None), prompt_tokens=1)


def test_cached_tokens_without_a_rate_cost_what_fresh_ones_cost() -> None:
    model = priced(flat(7_000_000))
    usage = Usage(input_tokens=10, cache_read_tokens=10, cache_write_tokens=10)
    assert cost(model, usage)[:3] == (70, 70, 70)


def test_a_cache_rate_of_zero_is_a_rate() -> None:
    rates = Rates(input=5_000_000, output=1, cache_read=0)
    model = priced(Price(tiers=(PriceTier(rates=rates),)))
    assert cost(model, Usage(cache_read_tokens=1_000_000)).cache_read == 0


@pytest.mark.parametrize(("rate", "nanos"), [(499_999, 0), (500_000, 1), (1_499_999, 1), (0, 0)])
def test_a_bucket_is_rounded_half_up_to_whole_nano_dollars(rate: int, nanos: int) -> None:
    assert cost(priced(flat(rate)), Usage(input_tokens=1)).input == nanos


@given(model=rows, usage=usages, now=moments)
def test_every_part_is_a_whole_number_and_the_parts_add_up(
    model: ModelInfo, usage: Usage, now: datetime
) -> None:
    parts = cost(model, usage, now=now)
    assert all(type(part) is int and part >= 0 for part in parts)
    assert type(sum(parts)) is int
    prompt = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
    rates = rates_at(model, now=now, prompt_tokens=prompt)
    assert rates is not None
    exact = rates.input * usage.input_tokens + rates.output * (
        usage.output_tokens + usage.reasoning_tokens
    )
    exact += usage.cache_read_tokens * (
        rates.input if rates.cache_read is None else rates.cache_read
    )
    exact += usage.cache_write_tokens * (
        rates.input if rates.cache_write is None else rates.cache_write
    )
    # Five buckets, each off by half a nano-dollar at the most.
    assert abs(2 * (sum(parts) * 1_000_000 - exact)) <= 5 * 1_000_000


@given(model=rows, usage=usages, bucket=st.sampled_from(BUCKETS), more=tokens, now=moments)
def test_more_tokens_never_cost_less(
    model: ModelInfo, usage: Usage, bucket: str, more: int, now: datetime
) -> None:
    field = f"{bucket}_tokens"
    larger = usage.model_copy(update={field: getattr(usage, field) + more})
    pairs = zip(cost(model, usage, now=now), cost(model, larger, now=now), strict=True)
    assert all(fewer <= many for fewer, many in pairs)


@given(model=rows, prompt=tokens, now=moments)
def test_a_cached_token_is_never_dearer_than_a_fresh_one(
    model: ModelInfo, prompt: int, now: datetime
) -> None:
    rates = rates_at(model, now=now, prompt_tokens=prompt)
    assert rates is not None
    if rates.cache_read is not None:
        assert rates.cache_read <= rates.input


@given(model=rows, prompt=tokens, now=moments)
def test_thinking_costs_what_answering_costs(model: ModelInfo, prompt: int, now: datetime) -> None:
    usage = Usage(input_tokens=prompt, reasoning_tokens=12_345, output_tokens=12_345)
    parts = cost(model, usage, now=now)
    assert parts.reasoning == parts.output


@given(model=rows, usage=usages, now=moments)
def test_an_estimate_in_plain_buckets_costs_what_a_usage_costs(
    model: ModelInfo, usage: Usage, now: datetime
) -> None:
    buckets = Buckets(**usage.model_dump())
    assert cost_of(model, buckets, now=now) == cost(model, usage, now=now)
    assert total_of(model, buckets, now=now) == sum(cost(model, usage, now=now))


def test_a_local_model_without_a_price_is_free_and_another_one_unknown() -> None:
    row = CATALOG.resolve("local").model_copy(update={"prices": (), "local": True})
    usage = Usage(input_tokens=5, output_tokens=7)
    assert cost(row, usage) == Cost(0, 0, 0, 0, 0)
    paid = row.model_copy(update={"local": False})
    assert cost_of(paid, usage, now=NOW) is None
    expected = Buckets(5, 0, 0, 0, 7)
    assert (total_of(row, expected, now=NOW), total_of(paid, expected, now=NOW)) == (0, None)
