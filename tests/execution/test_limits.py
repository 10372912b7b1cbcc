"""Limits of one call: they take the place of the settings' own, and lift nothing else."""

from __future__ import annotations

import math
from decimal import Decimal

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.errors import BudgetExceededError, FallbackExhaustedError, InvalidRequestError
from mcp_router.execution.limits import AS_SET, CallLimits, call_limits, rate_limits, with_limit
from mcp_router.storage.budgets import BudgetRule
from mcp_router.storage.limiter import RateLimits
from mcp_router.testing.behaviours import Fault
from tests.execution.kitchen import Kitchen, assert_whole

DAY = BudgetRule("day", "day", 5)
REQUEST = BudgetRule("request", "request", 7)
DEAR = {"input": "1000", "output": "1000"}


def test_nothing_asked_is_what_the_settings_say() -> None:
    assert call_limits(timeout_s=None, request_limit_usd=None) == AS_SET


def test_dollars_may_be_written_in_any_way() -> None:
    for usd in ("0.5", 0.5, Decimal("0.5")):
        assert call_limits(timeout_s=2, request_limit_usd=usd) == (2, 500_000_000)


@pytest.mark.parametrize("seconds", [0, -1, math.nan, math.inf, 86_401])
def test_a_deadline_is_above_nothing_and_a_day_at_most(seconds: float) -> None:
    with pytest.raises(InvalidRequestError, match="timeout_s"):
        call_limits(timeout_s=seconds, request_limit_usd=None)


@pytest.mark.parametrize("usd", ["much", -1, "nan", True, "1e99"])
def test_a_limit_is_an_amount_of_money(usd: str) -> None:
    with pytest.raises(InvalidRequestError, match="request_limit_usd"):
        call_limits(timeout_s=None, request_limit_usd=usd)


@given(
    rules=st.lists(st.sampled_from([DAY, REQUEST]), unique=True),
    nanos=st.none() | st.integers(0, 10**12),
)
def test_it_takes_the_place_of_the_limit_per_request_alone(
    rules: list[BudgetRule], nanos: int | None
) -> None:
    found = list(with_limit(rules, nanos=nanos))
    assert [one for one in found if one.period == "day"] == [one for one in rules if one is DAY]
    per_request = [one.limit_nanos for one in found if one.period == "request"]
    if nanos is None:
        assert found == rules
    else:
        assert per_request == [nanos]


async def test_a_call_ends_at_its_own_deadline(kitchen: Kitchen) -> None:
    kitchen.fallback |= {"timeout_ms": 60_000, "first_token_ms": 60_000, "max_retries": 0}
    kitchen.serve("still", Fault.silence())
    request = kitchen.request()
    with anyio.fail_after(10), pytest.raises(FallbackExhaustedError):
        await kitchen.executor.execute(
            request, decision=kitchen.decide(request), limits=CallLimits(seconds=0.2)
        )


async def test_a_stream_ends_at_its_own_deadline(kitchen: Kitchen) -> None:
    kitchen.fallback |= {"timeout_ms": 60_000, "idle_ms": 60_000, "max_retries": 0}
    kitchen.serve("stuck", Fault.stall())
    request = kitchen.request()
    stream = kitchen.executor.stream(
        request, decision=kitchen.decide(request), limits=CallLimits(seconds=0.2)
    )
    with anyio.fail_after(10), pytest.raises(FallbackExhaustedError):
        async for _ in stream:
            pass


async def test_a_call_may_cost_more_than_the_limit_per_request_if_it_is_said(
    kitchen: Kitchen,
) -> None:
    kitchen.budget = {"per_request": "0.001"}
    kitchen.serve("dear", price=DEAR)
    request = kitchen.request()
    with pytest.raises(BudgetExceededError):
        await kitchen.executor.execute(request, decision=kitchen.decide(request))
    done = await kitchen.executor.execute(
        request, decision=kitchen.decide(request), limits=CallLimits(nanos=10**10)
    )
    assert_whole(done)


async def test_another_budget_holds_all_the_same(kitchen: Kitchen) -> None:
    kitchen.budget = {"daily": "0.001"}
    kitchen.serve("dear", price=DEAR)
    request = kitchen.request()
    with pytest.raises(BudgetExceededError) as caught:
        await kitchen.executor.execute(
            request, decision=kitchen.decide(request), limits=CallLimits(nanos=10**10)
        )
    assert caught.value.budget == "day"


async def test_a_call_may_be_held_to_less_where_no_limit_is_set(kitchen: Kitchen) -> None:
    kitchen.serve("dear", price=DEAR)
    request = kitchen.request()
    with pytest.raises(BudgetExceededError) as caught:
        await kitchen.executor.execute(
            request, decision=kitchen.decide(request), limits=CallLimits(nanos=1)
        )
    assert caught.value.budget == "request"


async def test_limits_per_minute_are_found_under_any_name_of_a_model(kitchen: Kitchen) -> None:
    kitchen.serve("one", requests_per_minute=3, aliases=["uno"])
    kitchen.serve("two")
    found = rate_limits(kitchen.settings, catalog=kitchen.catalog)
    assert found == {"one": RateLimits(3, None)}
