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


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("1d", 86_400.0),
        ("2h", 7_200.0),
        ("3m", 180.0),
        ("4s", 4.0),
        ("5ms", 0.005),
        ("1h2m3s4ms", 3_723.004),
        ("1d1h", 90_000.0),
        ("1.5s", 1.5),
        ("2.", 2.0),
    ],
)
def test_every_unit_of_a_duration_counts(value: str, seconds: float) -> None:
    assert retry_after({"retry-after": value}, now=NOW).asked == pytest.approx(seconds)


@pytest.mark.parametrize("value", ["1.5h", "1s2m", "2w", "1m ms", "s5", "1e9", "--1", "0x10"])
def test_a_duration_in_another_order_or_unit_says_nothing(value: str) -> None:
    assert wait(value) is None


def test_a_date_without_a_zone_is_utc() -> None:
    assert wait("2026-11-21T12:00:10") == 10.0


@pytest.mark.parametrize(("value", "asked"), [("999999999", MAX_ASKED), ("1000000000", MAX_ASKED)])
def test_a_billion_seconds_are_still_seconds(value: str, asked: float) -> None:
    assert retry_after({"retry-after": value}, now=NOW) == RetryAfter(MAX_WAIT, asked)


@pytest.mark.parametrize("value", [str(10**9 + 1), str(10**12 + 1), "1"])
def test_a_moment_long_past_asks_for_no_wait(value: str) -> None:
    found = retry_after({"retry-after": value}, now=NOW)

    assert found.wait == (1.0 if value == "1" else 0.0)


def test_blanks_around_milliseconds_do_not_matter() -> None:
    assert wait(" 250 ", name="retry-after-ms") == 0.25
    assert wait("-250", name="retry-after-ms") is None
    assert wait("250ms", name="retry-after-ms") is None


def test_a_broken_header_leaves_the_word_to_the_next() -> None:
    headers = {"retry-after-ms": "soon", "retry-after": "later", "x-ratelimit-reset": "4s"}

    assert retry_after(headers, now=NOW).wait == 4.0
    assert retry_after(headers, now=NOW, hint="3s").wait == 3.0
    headers["retry-after"] = "2"
    assert retry_after(headers, now=NOW, hint="3s").wait == 2.0


RESETS = [
    ("x-ratelimit-reset-requests", "x-ratelimit-remaining-requests"),
    ("x-ratelimit-reset-tokens", "x-ratelimit-remaining-tokens"),
    ("anthropic-ratelimit-requests-reset", "anthropic-ratelimit-requests-remaining"),
    ("anthropic-ratelimit-tokens-reset", "anthropic-ratelimit-tokens-remaining"),
    ("anthropic-ratelimit-input-tokens-reset", "anthropic-ratelimit-input-tokens-remaining"),
    ("anthropic-ratelimit-output-tokens-reset", "anthropic-ratelimit-output-tokens-remaining"),
    ("x-ratelimit-reset", "x-ratelimit-remaining"),
]


@pytest.mark.parametrize(("reset", "remaining"), RESETS)
@pytest.mark.parametrize("left", ["0", " 0 ", "7", ""])
def test_a_limit_that_is_used_up_goes_before_the_others(
    reset: str, remaining: str, left: str
) -> None:
    other, other_left = RESETS[0] if reset != RESETS[0][0] else RESETS[1]
    headers = {reset: "9s", remaining: left, other: "2s", other_left: "5"}

    assert retry_after(headers, now=NOW).wait == (9.0 if left.strip() == "0" else 2.0)


def test_of_several_used_up_limits_the_last_to_return_counts() -> None:
    headers = dict.fromkeys((remaining for _, remaining in RESETS), "0")
    headers |= {reset: f"{at + 1}s" for at, (reset, _) in enumerate(RESETS)}

    assert retry_after(headers, now=NOW).wait == len(RESETS)


def test_without_any_word_nothing_is_known() -> None:
    assert retry_after({"content-type": "text/html"}, now=NOW) == RetryAfter()
