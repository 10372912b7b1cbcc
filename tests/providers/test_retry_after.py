"""How long to wait: every spelling, and never longer than sense."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.providers.retry_after import MAX_ASKED, MAX_WAIT, RetryAfter, retry_after

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def wait(value: str, *, name: str = "retry-after") -> float | None:
    return retry_after({name: value}, now=NOW).wait


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("2", 2.0),
        (" 2 ", 2.0),
        ("1.5", 1.5),
        (".5", 0.5),
        ("20ms", 0.02),
        ("7.66s", 7.66),
        ("1m0s", 60.0),
        ("0m59.5s", 59.5),
        ("Sat, 21 Nov 2026 12:00:30 GMT", 30.0),
        ("Saturday, 21-Nov-26 12:00:30 GMT", 30.0),
        ("Sat, 21 Nov 2026 11:00:00 GMT", 0.0),
        ("2026-11-21T12:00:10Z", 10.0),
        ("2026-11-21T13:00:10+01:00", 10.0),
        (str(int(NOW.timestamp()) + 5), 5.0),
        (str((int(NOW.timestamp()) + 5) * 1000), 5.0),
    ],
)
def test_reads_seconds_durations_and_moments(value: str, seconds: float) -> None:
    assert wait(value) == pytest.approx(seconds)


@pytest.mark.parametrize("value", ["", "banana", "-1", "nan", "inf", "1e3", "٣", "1,5", "s", "ms"])
def test_garbage_says_nothing(value: str) -> None:
    assert retry_after({"retry-after": value}, now=NOW) == RetryAfter()


@pytest.mark.parametrize(("days", "asked"), [(3.2, 3.2 * 86_400), (4000, MAX_ASKED)])
def test_an_absurd_wait_is_capped_and_still_told(days: float, asked: float) -> None:
    assert retry_after({"retry-after": str(days * 86_400)}, now=NOW) == RetryAfter(MAX_WAIT, asked)


def test_milliseconds_go_before_seconds() -> None:
    headers = {"retry-after-ms": "1500", "retry-after": "9"}

    assert retry_after(headers, now=NOW).wait == 1.5


def test_a_hint_in_the_body_goes_before_reset_headers() -> None:
    headers = {"x-ratelimit-reset-requests": "9s"}

    assert retry_after(headers, now=NOW, hint="34.5s").wait == 34.5


def test_the_reset_of_the_limit_that_is_used_up_counts() -> None:
    headers = {
        "x-ratelimit-reset-requests": "1s",
        "x-ratelimit-remaining-requests": "12",
        "x-ratelimit-reset-tokens": "6m0s",
        "x-ratelimit-remaining-tokens": "0",
    }

    assert retry_after(headers, now=NOW) == RetryAfter(60.0, 360.0)
    headers["x-ratelimit-remaining-tokens"] = "5"
    assert retry_after(headers, now=NOW).wait == 1.0


def test_anthropic_sends_moments() -> None:
    headers = {
        "anthropic-ratelimit-tokens-reset": "2026-11-21T12:00:20Z",
        "anthropic-ratelimit-tokens-remaining": "0",
    }

    assert retry_after(headers, now=NOW).wait == 20.0


@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=80))
def test_any_text_gives_a_wait_within_bounds_or_none(first: str, second: str, hint: str) -> None:
    headers = {"retry-after": first, "retry-after-ms": second, "x-ratelimit-reset-tokens": hint}
    found = retry_after(headers, now=NOW, hint=hint)

    assert (found.wait is None) == (found.asked is None)
    if found.wait is not None and found.asked is not None:
        assert 0 <= found.wait <= MAX_WAIT
        assert found.wait <= found.asked <= MAX_ASKED


@given(st.integers(0, 59))
def test_a_date_and_its_seconds_mean_the_same(seconds: int) -> None:
    date = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)

    assert wait(date) == wait(str(seconds)) == seconds
