"""How long a provider asks to wait, read from its headers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import NamedTuple

MAX_WAIT = 60.0
"""Seconds beyond which nobody waits; a Retry-After of days has frozen clients."""
MAX_ASKED = 7 * 86_400.0
"""Seconds beyond which a cooldown is not believed."""

_NUMBER = re.compile(r"\d+(\.\d*)?|\.\d+", re.ASCII)
_DURATION = re.compile(
    r"(?:(?P<d>\d+)d)?(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m(?!s))?"
    r"(?:(?P<s>\d+(?:\.\d+)?)s)?(?:(?P<ms>\d+(?:\.\d+)?)ms)?",
    re.ASCII,
)
_UNITS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_RESETS = (
    ("x-ratelimit-reset-requests", "x-ratelimit-remaining-requests"),
    ("x-ratelimit-reset-tokens", "x-ratelimit-remaining-tokens"),
    ("anthropic-ratelimit-requests-reset", "anthropic-ratelimit-requests-remaining"),
    ("anthropic-ratelimit-tokens-reset", "anthropic-ratelimit-tokens-remaining"),
    ("anthropic-ratelimit-input-tokens-reset", "anthropic-ratelimit-input-tokens-remaining"),
    ("anthropic-ratelimit-output-tokens-reset", "anthropic-ratelimit-output-tokens-remaining"),
    ("x-ratelimit-reset", "x-ratelimit-remaining"),
)


class RetryAfter(NamedTuple):
    """Seconds to wait before a retry, and seconds that were asked for; None when unsaid."""

    wait: float | None = None
    asked: float | None = None


def retry_after(headers: Mapping[str, str], *, now: datetime, hint: str = "") -> RetryAfter:
    """Read the wait a provider asks for; `hint` is a duration found in the body, such as "34.1s".

    The exact word comes first: milliseconds, then Retry-After (seconds or an HTTP date, RFC 9110
    section 10.2.3), then the body, then the reset time of the limit that is used up.
    """
    asked = _milliseconds(headers.get("retry-after-ms", ""))
    if asked is None:
        asked = _wait(headers.get("retry-after", ""), now=now)
    if asked is None:
        asked = _wait(hint, now=now)
    if asked is None:
        asked = _reset(headers, now=now)
    if asked is None:
        return RetryAfter()
    return RetryAfter(wait=min(asked, MAX_WAIT), asked=min(asked, MAX_ASKED))


def _reset(headers: Mapping[str, str], *, now: datetime) -> float | None:
    used_up: list[float] = []
    others: list[float] = []
    for name, remaining in _RESETS:
        wait = _wait(headers.get(name, ""), now=now)
        if wait is not None:
            (used_up if headers.get(remaining, "").strip() == "0" else others).append(wait)
    if used_up:
        return max(used_up)
    return min(others, default=None)


def _wait(value: str, *, now: datetime) -> float | None:
    value = value.strip()[:64]
    if not value:
        return None
    for read in (_seconds, _duration):
        wait = read(value)
        if wait is not None:
            return _until(wait, now=now)
    moment = _date(value)
    return None if moment is None else max(0.0, (moment - now).total_seconds())


def _until(wait: float, *, now: datetime) -> float:
    # Some gateways send the moment instead of the wait: Unix time in seconds or milliseconds.
    if wait > 1e12:
        wait /= 1000
    return max(0.0, wait - now.timestamp()) if wait > 1e9 else wait


def _milliseconds(value: str) -> float | None:
    number = _seconds(value.strip()[:64])
    return None if number is None else number / 1000


def _seconds(value: str) -> float | None:
    if not _NUMBER.fullmatch(value):
        return None
    number = float(value)
    return number if isfinite(number) else None


def _duration(value: str) -> float | None:
    found = _DURATION.fullmatch(value)
    if found is None:
        return None
    return sum(float(found[unit]) * size for unit, size in _UNITS.items() if found[unit])


def _date(value: str) -> datetime | None:
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            moment = read(value)
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None
