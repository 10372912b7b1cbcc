"""Options take what people write, and refuse the rest with a sentence that says what is right."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.cli.values import (
    FILE,
    LIMIT,
    MILLISECONDS,
    NAMES,
    PATH,
    SCOPE,
    SECONDS,
    SHARE,
    TAG,
    TOKENS,
    USD,
    WORDS,
    names_among,
    rating_of,
)

RATING = rating_of(("coding", "speed"))
CHOICE = names_among(("tools", "long_context"))


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (USD, "0.05", Decimal("0.05")),
        (USD, "$2", Decimal(2)),
        (USD, "1e-3", Decimal("0.001")),
        (LIMIT, "20", Decimal(20)),
        (LIMIT, " None ", "none"),
        (SCOPE, "site", ("site", None)),
        (SCOPE, "site=2.50", ("site", Decimal("2.50"))),
        (SCOPE, "a=b=none", ("a=b", "none")),
        (TAG, "project=site", ("project", "site")),
        (TAG, " note = a = b ", ("note", "a = b")),
        (SHARE, "0.9", 0.9),
        (SHARE, "1", 1.0),
        (TOKENS, "5000", 5000),
        (TOKENS, "128k", 128_000),
        (TOKENS, "1.05M", 1_050_000),
        (TOKENS, "200_000", 200_000),
        (TOKENS, "1,000", 1000),
        (MILLISECONDS, "2000", 2000),
        (SECONDS, "30", 30.0),
        (SECONDS, " 1.5s ", 1.5),
        (NAMES, " a, b ,", ("a", "b")),
        (CHOICE, "Tools,long-context", ("tools", "long_context")),
        (RATING, "Coding=8", ("coding", 8)),
        (WORDS, "x\udcff", "x\ufffd"),
    ],
)
def test_values_are_read(kind: click.ParamType, text: str, value: object) -> None:
    assert kind.convert(text, None, None) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (USD, "nan"),
        (USD, "-1"),
        (USD, "inf"),
        (USD, "ten"),
        (USD, "2000000000"),
        (SHARE, "nan"),
        (SHARE, "1.1"),
        (SHARE, "-0.1"),
        (TOKENS, "-5"),
        (TOKENS, "1.5"),
        (TOKENS, "nan"),
        (TOKENS, "1e9"),
        (TOKENS, "9999999M"),
        (MILLISECONDS, "0"),
        (MILLISECONDS, "1.5"),
        (SECONDS, "0"),
        (SECONDS, "-1"),
        (SECONDS, "nan"),
        (SECONDS, "86401"),
        (SECONDS, "1m"),
        (NAMES, " , "),
        (CHOICE, "tools,flying"),
        (RATING, "coding=11"),
        (RATING, "coding"),
        (RATING, "cooking=5"),
        (RATING, "coding=nine"),
    ],
)
def test_anything_else_is_bad_usage(kind: click.ParamType, text: str) -> None:
    with pytest.raises(click.BadParameter, match=r"is not .+"):
        kind.convert(text, None, None)


@pytest.mark.parametrize("kind", [FILE, PATH])
@pytest.mark.parametrize("name", ["\0", "a\0b", "\ud800"])
def test_what_no_file_can_be_called_is_bad_usage(kind: click.ParamType, name: str) -> None:
    with pytest.raises(click.BadParameter, match="cannot be the name of a file"):
        kind.convert(name, None, None)


@given(
    st.sampled_from([USD, SHARE, TOKENS, MILLISECONDS, SECONDS, NAMES, CHOICE, RATING]), st.text()
)
def test_no_text_makes_a_value_crash(kind: click.ParamType, text: str) -> None:
    # Anything but a value or a complaint fails the test.
    with suppress(click.BadParameter):
        kind.convert(text, None, None)


def test_a_complaint_repeats_nothing_a_terminal_obeys() -> None:
    with pytest.raises(click.BadParameter) as refused:
        USD.convert("\x1b[2J" + "9" * 500, None, None)
    assert refused.value.message.isprintable()
    assert len(refused.value.message) < 200


@given(st.integers(0, 10**12))
def test_whole_token_counts_survive(count: int) -> None:
    assert TOKENS.convert(str(count), None, None) == count
    assert TOKENS.convert(f"{count:,}", None, None) == count
