"""Figures as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_router.money import format_usd, short_usd, to_nanos

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from mcp_router.reporting.values import Rate

UNKNOWN = "unknown"
NAMELESS = "(none named)"


def usd(amount: Decimal | None) -> str:
    """Write an amount in cents, below 10 cents with three significant digits.

    >>> from decimal import Decimal
    >>> usd(Decimal("1234.5")), usd(Decimal("-0.0123456")), usd(None)
    ('$1,234.50', '-$0.0123', 'unknown')
    """
    if amount is None:
        return UNKNOWN
    sign, size = ("-" if amount < 0 else ""), abs(amount)
    if size == 0:
        return "$0"
    if size >= 1 or len(format_usd(to_nanos(size))) <= len("0.00"):
        return f"{sign}${size:,.2f}"
    return f"{sign}${short_usd(to_nanos(size))}"


def percent(share: float | None, *, digits: int = 1) -> str:
    """Write a share as a percentage; less than all is never rounded up to 100."""
    if share is None:
        return UNKNOWN
    shown = f"{100 * share:.{digits}f}"
    if share < 1 and float(shown) == 100:
        shown = f"{100 - 10**-digits:.{digits}f}"
    return f"{shown} %"


def interval(rate: Rate) -> str:
    """Write a rate with its interval: "94.4 % (83.9 to 97.7)"."""
    if rate.value is None or rate.low is None or rate.high is None:
        return "not judged"
    return f"{percent(rate.value)} ({100 * rate.low:.1f} to {100 * rate.high:.1f})"


def duration(milliseconds: int | None) -> str:
    """Write a time: "590 ms", "5.2 s" or "2 min 5 s"."""
    if milliseconds is None:
        return UNKNOWN
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.1f} s"
    minutes, rest = divmod(milliseconds // 1000, 60)
    return f"{minutes:,} min {rest} s"


def tokens(count: int) -> str:
    """Write a token count briefly: "512", "128k", "1.05M"."""
    if count < 1000:
        return str(count)
    if count < 1_000_000:
        return f"{count // 1000}k"
    return f"{count / 1_000_000:.2f}".rstrip("0").rstrip(".") + "M"


def day(one: date) -> str:
    """Write a date: "Sat 21 Nov"."""
    return f"{one:%a} {one.day} {one:%b}"


def spoken(name: str) -> str:
    """Write an identifier in words; what named nothing is said so."""
    return name.replace("_", " ") or NAMELESS


def counted(count: int, noun: str) -> str:
    """Write a count with its noun: "1 call", "1,204 calls"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
