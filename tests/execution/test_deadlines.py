"""How the time of a request is divided among its attempts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.config.settings import FallbackSettings
from mcp_router.execution.deadlines import Allowance, Expected, allowance, first_token_limit, plain
from mcp_router.types import Performance
from tests.builders import model

DEFAULTS = FallbackSettings()
SHORT = Expected(outputs=500, seconds=5.0)


def allowed(
    *, expected: Expected = SHORT, left: float = 60.0, others: bool = True, **changes: Any
) -> Allowance:
    return allowance(
        model("m"),
        settings=DEFAULTS.model_copy(update=changes),
        expected=expected,
        seen=None,
        left=left,
        others=others,
    )


def first_token(thinking: float = 0.0, seen: Performance | None = None) -> float:
    row = model("m", thinking_factor=thinking)
    return first_token_limit(row, settings=DEFAULTS, expected=SHORT, seen=seen)


def test_the_settings_are_the_deadlines_while_there_is_time() -> None:
    assert allowed() == Allowance((5.0, 12.0, 15.0, 60.0), fair=True)


def test_late_attempts_leave_half_of_the_rest_to_others() -> None:
    deadlines, fair = allowed(left=4.0)
    assert deadlines == (2.0, 2.0, 4.0, 4.0)
    assert not fair, "a route that had too little time is not to blame"


def test_the_last_attempt_has_all_the_time_there_is() -> None:
    assert allowed(left=4.0, others=False).deadlines == (4.0, 4.0, 4.0, 4.0)


def test_a_model_that_thinks_first_may_be_silent_for_longer() -> None:
    # Of 500 tokens half are hidden at a factor of 1: 2.5 s at 100 tokens a second, and half more.
    assert first_token(thinking=1.0) == pytest.approx(12.0 + 1.5 * 2.5)


def test_a_model_known_to_start_late_gets_its_time_once_enough_was_seen() -> None:
    late = Performance(calls=100, first_token_p95_ms=20_000)
    assert first_token(seen=late) == pytest.approx(30.0)
    assert first_token(seen=late.model_copy(update={"calls": 5})) == 12.0
    assert first_token(seen=late.model_copy(update={"first_token_p95_ms": 300})) == 12.0


def plain_total(left: float, seconds: float, **changes: Any) -> float:
    expected = SHORT._replace(seconds=seconds)
    total = plain(allowed(expected=expected, left=left, **changes), expected=expected)
    assert total.deadlines.total is not None
    return total.deadlines.total


def test_a_plain_call_gets_the_first_tokens_time_and_twice_what_it_should_take() -> None:
    assert plain_total(left=60.0, seconds=5.0) == 22.0


def test_a_long_plain_call_may_take_what_it_should_if_that_fits() -> None:
    assert plain_total(left=60.0, seconds=36.0) == 54.0


def test_a_plain_call_that_cannot_be_expected_to_fit_leaves_half_to_others() -> None:
    assert plain_total(left=3.0, seconds=10.0) == 1.5


@given(
    left=st.floats(0.001, 3600),
    seconds=st.floats(0.001, 3600),
    others=st.booleans(),
    connect=st.integers(1, 100_000),
    first=st.integers(1, 100_000),
    idle=st.integers(1, 100_000),
)
def test_no_deadline_is_beyond_the_total_and_none_is_past(
    left: float, seconds: float, others: bool, connect: int, first: int, idle: int
) -> None:
    expected = SHORT._replace(seconds=seconds)
    changes = {"connect_ms": connect, "first_token_ms": first, "idle_ms": idle}
    given = allowed(expected=expected, left=left, others=others, **changes)
    for deadlines in (given.deadlines, plain(given, expected=expected).deadlines):
        assert all(limit is not None and 0 < limit <= left for limit in deadlines)
