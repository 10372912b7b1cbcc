"""Safe patterns match what Python's own do, and never hang."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.quality.patterns import PatternError, safe_pattern

atoms = st.sampled_from(
    [
        "a",
        "b",
        "c",
        ".",
        "[ab]",
        "[^a]",
        r"\d",
        r"\w",
        r"\s",
        r"\.",
        "^",
        "$",
        r"\b",
        r"\B",
        "1",
        "é",
    ]
)
counts = st.sampled_from(
    ["", "*", "+", "?", "{2}", "{1,2}", "{0,}", "{,2}", "*?", "+?", "??", "{2,}?"]
)
pieces = st.builds(str.__add__, atoms.filter(lambda a: a not in {"^", "$", r"\b", r"\B"}), counts)


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    parts = st.lists(inner, min_size=1, max_size=3)
    joined = parts.map("".join)
    grouped = st.builds("({}){}".format, parts.map("|".join), counts)
    quiet = st.builds("(?:{}){}".format, joined, counts)
    return joined | grouped | quiet | parts.map("|".join)


patterns = st.recursive(pieces | atoms, _grown, max_leaves=8)
texts = st.text("abc1. é\n", max_size=12)


@settings(max_examples=250, deadline=None)
@given(patterns, texts, st.sampled_from(["", "(?i)", "(?m)", "(?s)", "(?is)"]))
def test_a_safe_pattern_finds_what_python_finds(pattern: str, text: str, flags: str) -> None:
    pattern = flags + pattern
    try:
        expected = re.search(pattern, text) is not None
    except re.error:
        with pytest.raises(PatternError):
            safe_pattern(pattern)
        return
    assert safe_pattern(pattern).search(text) is expected


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(a+)+$", "a" * 5_000 + "b"),
        ("^(a|a)*$", "a" * 5_000 + "b"),
        ("(a*)*b", "a" * 5_000),
        (r"(\w+\s?)*!", "word " * 2_000),
        ("(x+x+)+y", "x" * 5_000),
        ("^(([a-z])+.)+[A-Z]([a-z])+$", "a" * 5_000),
        ("(.*a){12}", "ab" * 11),
    ],
)
def test_patterns_that_hang_elsewhere_end_quickly(pattern: str, text: str) -> None:
    started = time.perf_counter()
    assert safe_pattern(pattern).search(text) in {False, None}
    assert time.perf_counter() - started < 2.0


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        "a{3,1}",
        "(?=a)",
        "(?<!a)b",
        r"(a)\1",
        "(?P=x)",
        "a*+",
        "(?x) a",
        r"\N{BULLET}",
        "[",
        "*",
    ],
)
def test_what_needs_backtracking_or_is_malformed_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        safe_pattern(pattern)


@pytest.mark.parametrize(
    "pattern", ["((a{100}){100}){100}", "(((){999}){999}){999}", "(" * 80 + ")" * 80]
)
def test_a_pattern_that_would_grow_too_large_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError, match=r"large|deep"):
        safe_pattern(pattern)


def test_a_text_too_long_to_search_is_undecided() -> None:
    assert safe_pattern("a").search("b" * 200_000) is None
    assert safe_pattern("a").search("b" * 50_000 + "a") is True
