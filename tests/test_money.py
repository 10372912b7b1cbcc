"""Money: exact inside, plain decimal outside, and nothing that is not an amount gets in."""

from __future__ import annotations

import doctest
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from mcp_router import money
from mcp_router.money import MAX_USD, Usd, format_usd, short_usd, to_nanos, to_usd

NANOS = st.integers(min_value=-(10**18), max_value=10**18)
USD: TypeAdapter[Decimal] = TypeAdapter(Usd)


@given(NANOS)
def test_nanos_survive_a_round_trip_through_dollars(nanos: int) -> None:
    assert to_nanos(to_usd(nanos)) == nanos


@given(NANOS)
def test_written_amounts_read_back_exactly_and_are_plain(nanos: int) -> None:
    text = format_usd(nanos)
    assert to_nanos(text) == nanos
    assert "e" not in text.lower()
    assert not ("." in text and text.endswith(("0", ".")))


@given(NANOS)
def test_short_amounts_are_within_half_a_percent(nanos: int) -> None:
    assert abs(to_nanos(short_usd(nanos)) - nanos) <= abs(nanos) / 200


def test_a_float_means_what_a_person_wrote() -> None:
    assert to_nanos(0.1) == 100_000_000
    assert to_nanos(0.1 + 0.2) == 300_000_000


@pytest.mark.parametrize(("amount", "nanos"), [("0.0000000005", 1), ("0.00000000049", 0)])
def test_half_a_nano_dollar_rounds_up(amount: str, nanos: int) -> None:
    assert to_nanos(amount) == nanos


FINE = st.decimals(0, 1_000_000, places=12)


@given(FINE)
def test_a_field_of_dollars_rounds_as_everything_else_does(amount: Decimal) -> None:
    assert to_usd(to_nanos(amount)) == USD.validate_python(amount)


@given(FINE, FINE)
def test_a_larger_amount_is_never_rounded_below_a_smaller_one(one: Decimal, other: Decimal) -> None:
    low, high = sorted([one, other])
    assert to_nanos(low) <= to_nanos(high)
    assert abs(to_usd(to_nanos(one)) - one) <= Decimal("0.0000000005")


@given(st.integers(1, 40))
def test_a_hair_below_half_a_nano_dollar_is_rounded_down(digits: int) -> None:
    assert to_nanos(f"0.00000000049{'9' * digits}") == 0
    assert to_nanos(f"0.0000000005{'0' * digits}1") == 1


@pytest.mark.parametrize("nothing", ["-0", "0e9", "-0.000", 0, -0.0, "0.0000000001"])
def test_nothing_is_written_as_nothing(nothing: object) -> None:
    assert USD.dump_json(USD.validate_python(nothing)).decode() == '"0"'


@given(st.lists(NANOS, max_size=30))
def test_sums_of_dollars_are_those_of_nano_dollars(amounts: list[int]) -> None:
    assert sum(map(to_usd, amounts), Decimal()) == to_usd(sum(amounts))


@pytest.mark.parametrize("bad", ["nan", "inf", "-inf", "ten", "", "1e12", True])
def test_what_is_no_amount_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="amount"):
        to_nanos(bad)


@pytest.mark.parametrize("bad", [-1, "-0.01", "nan", MAX_USD + 1, True, "abc", [1]])
def test_a_field_of_dollars_refuses_negative_and_odd_values(bad: object) -> None:
    with pytest.raises(ValidationError):
        USD.validate_python(bad)


@given(st.integers(min_value=0, max_value=10**18))
def test_a_field_of_dollars_is_a_plain_string_in_json(nanos: int) -> None:
    amount = to_usd(nanos)
    assert USD.dump_json(amount).decode() == f'"{format_usd(nanos)}"'
    assert USD.validate_json(USD.dump_json(amount)) == amount


def test_the_examples_in_the_docstrings_hold() -> None:
    failed, tried = doctest.testmod(money)
    assert tried >= 2
    assert failed == 0
