"""Money as integer nano-dollars: exact inside, decimal at the edge."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, PlainSerializer

NANOS_PER_USD = 1_000_000_000
MAX_USD = Decimal(1_000_000_000)
_NANO = Decimal("0.000000001")

Amount = int | float | str | Decimal
"""What a caller may write for US dollars."""


def to_nanos(usd: Amount) -> int:
    """Convert US dollars to integer nano-dollars, rounding half up at the tenth decimal.

    Raises:
        ValueError: not a finite number, or beyond one billion dollars either way.
    """
    amount = _decimal(usd)
    if abs(amount) > MAX_USD:
        raise ValueError("an amount may not be beyond one billion dollars")
    return int(_whole_nanos(amount).scaleb(9))


def to_usd(nanos: int) -> Decimal:
    """Convert integer nano-dollars to exact decimal US dollars."""
    return nanos * _NANO


def format_usd(nanos: int) -> str:
    """Write nano-dollars as plain decimal dollars without exponent or trailing zeros.

    >>> format_usd(1_500_000_000), format_usd(150), format_usd(0)
    ('1.5', '0.00000015', '0')
    """
    return _plain(to_usd(nanos))


def short_usd(nanos: int) -> str:
    """Write an amount for people, with three significant digits.

    >>> short_usd(123_456_789), short_usd(12)
    ('0.123', '0.000000012')
    """
    surplus = len(str(abs(nanos))) - 3
    return format_usd(round(nanos, -surplus) if surplus > 0 else nanos)


def _decimal(value: object) -> Decimal:
    if isinstance(value, bool):
        raise ValueError("an amount of US dollars is a number, not true or false")
    try:
        # str() first, so that the float 0.1 means 0.1 and not its binary neighbour.
        amount = value if isinstance(value, Decimal) else Decimal(str(value))
    except InvalidOperation as error:
        raise ValueError(f"{str(value)[:40]!r} is not an amount of US dollars") from error
    if not amount.is_finite():
        raise ValueError("an amount of US dollars must be finite")
    return amount


def _whole_nanos(amount: Decimal) -> Decimal:
    return amount.quantize(_NANO, "ROUND_HALF_UP")


def _plain(amount: Decimal) -> str:
    # str() takes a third of the time, but writes tiny amounts with an exponent.
    text = str(amount)
    if "E" in text:
        text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _not_negative(amount: Decimal) -> Decimal:
    if amount < 0:
        raise ValueError("an amount of US dollars may not be negative")
    if amount > MAX_USD:
        raise ValueError("an amount may not be beyond one billion dollars")
    # Finer than a nano-dollar is noise, and 1e-999999 would be written as a million zeros.
    return abs(_whole_nanos(amount))


_Plain = PlainSerializer(_plain, return_type=str, when_used="json")

Usd = Annotated[Decimal, BeforeValidator(_decimal), AfterValidator(_not_negative), _Plain]
"""A non-negative, finite amount of US dollars; a plain decimal string in JSON."""

UsdSum = Annotated[Decimal, _Plain]
"""A sum of such amounts, which may be more than one amount may be; the same in JSON."""
