"""Figures are written as people read them, and never say more than is known."""

from __future__ import annotations

from decimal import Decimal

import pytest

from mcp_router.reporting.text import counted, duration, interval, percent, tokens, usd
from mcp_router.reporting.values import Rate, plain_usd


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        ("0", "$0"),
        ("1234.5", "$1,234.50"),
        ("0.5", "$0.50"),
        ("0.0123456", "$0.0123"),
        ("0.000000012", "$0.000000012"),
        ("-3.2", "-$3.20"),
        ("-0.0123", "-$0.0123"),
    ],
)
def test_amounts(amount: str, written: str) -> None:
    assert usd(Decimal(amount)) == written


@pytest.mark.parametrize(
    ("share", "written"),
    [(1.0, "100.0 %"), (0.9999, "99.9 %"), (0.5, "50.0 %"), (None, "unknown")],
)
def test_a_share_short_of_all_is_not_rounded_up_to_it(share: float | None, written: str) -> None:
    assert percent(share) == written


def test_a_rate_of_nothing_is_not_judged() -> None:
    assert interval(Rate()) == "not judged"
    assert interval(Rate(value=0.9, low=0.8, high=0.95, of=40)) == "90.0 % (80.0 to 95.0)"


@pytest.mark.parametrize(
    ("milliseconds", "written"),
    [(None, "unknown"), (590, "590 ms"), (5_240, "5.2 s"), (125_000, "2 min 5 s")],
)
def test_times(milliseconds: int | None, written: str) -> None:
    assert duration(milliseconds) == written


def test_counts() -> None:
    assert [tokens(one) for one in (512, 128_400, 1_050_000)] == ["512", "128k", "1.05M"]
    assert [counted(one, "call") for one in (0, 1, 1_204)] == ["0 calls", "1 call", "1,204 calls"]


@pytest.mark.parametrize("amount", ["0", "1E-9", "-1.50", "120", "1E+3"])
def test_plain_amounts_are_exact_and_without_exponent(amount: str) -> None:
    written = plain_usd(Decimal(amount))
    assert Decimal(written) == Decimal(amount)
    assert "E" not in written
