"""Marks: what the shape of a prompt shows."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.routing.marks import find_marks
from mcp_router.routing.text import fold

TRACES = {
    "python": 'Traceback (most recent call last):\n  File "a.py", line 3, in f\nValueError: no',
    "javascript": "TypeError: x is not a function\n    at run (/srv/app.js:10:5)",
    "java": 'Exception in thread "main" java.lang.NullPointerException\n\tat com.x.Y.z(Y.java:12)',
    "rust": "thread 'main' panicked at src/main.rs:4:5:\nindex out of bounds",
    "go": "panic: nil map\n\ngoroutine 1 [running]:\nmain.main()",
    "csharp": "System.NullReferenceException\n   at Shop.Cart.Total() in C:\\Cart.cs:line 42",
}


def names(text: str) -> set[str]:
    return set(find_marks(fold(text)).names)


@pytest.mark.parametrize("trace", TRACES.values(), ids=TRACES)
def test_stack_traces_of_many_languages_are_seen(trace: str) -> None:
    assert "stack trace" in names(trace)


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("diff --git a/x b/x\n@@ -1,2 +1,2 @@\n-a\n+b", "diff"),
        ("SELECT name, age FROM people GROUP BY age", "SQL"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "table"),
        ("id,name,age\n1,Ann,30\n2,Bob,31", "table"),
        ("a\tb\tc\n1\t2\t3\n4\t5\t6", "table"),
        ("Show that $x^2 + 1 > 0$", "LaTeX"),
        ("Simplify \\frac{1}{2} + \\sqrt{3}", "LaTeX"),
        ("If f(x) = 2x + 3, find f(4)", "formula"),
        ("Pick one. A) red B) green C) blue", "answer options"),
        ("```py\nprint(1)\n```", "code block"),
        ("def f(x):\n    y = x\n    return y", "code block"),
        ("look at src/app/main.py please", "file name"),
        ("rename get_user to `fetch`", "identifier"),
        ("a 300-page contract", "page count"),
        ("```py\ndef f(x):\n    pass\n```", "unfinished code"),
        ("🎉🎉", "emoji only"),
        ("...", "no words"),
    ],
)
def test_a_shape_leaves_its_mark(text: str, mark: str) -> None:
    assert mark in names(text)


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("It costs $5 today and $10 tomorrow", "LaTeX"),
        ("I use node.js and vue.js", "file name"),
        ("Select the best of these for dinner", "SQL"),
        ("Dear Ann,\nthanks for the flowers,\nyours, Bob", "table"),
        ("I made an error of judgement", "error message"),
        ("We met at noon (by the river)", "stack trace"),
        ("First I slept.\nThen I ate.", "code block"),
    ],
)
def test_everyday_prose_leaves_no_technical_mark(text: str, mark: str) -> None:
    assert mark not in names(text)


def test_words_inside_code_are_not_read_as_the_ask() -> None:
    marks = find_marks("explain this\n```py\n# write a poem\nprint('translate')\n```")
    assert "poem" not in marks.prose
    assert "translate" not in marks.prose
    assert "explain this" in marks.prose


def test_a_quoted_phrase_is_material_unless_it_is_all_there_is() -> None:
    assert "where is" not in find_marks("say in italian: 'where is the station'").prose
    assert "where is" in find_marks("'where is the station'").prose


def test_two_signs_of_chinese_make_about_one_word() -> None:
    assert find_marks("写一首关于月亮的诗").words == 4


@given(st.text(max_size=600))
def test_any_text_has_marks_without_failing(text: str) -> None:
    marks = find_marks(fold(text))
    assert len(set(marks.names)) == len(marks.names)
    assert 0.0 <= marks.code_share <= 1.0


UNITS = [
    "a",
    " ",
    "\n",
    "x\n",
    "```\n",
    "$",
    "a.",
    " at x(",
    'file "',
    '"""',
    "a,b,c\n",
    "a\tb\tc\td\n",
]
UNITS += [
    "'a ",
    "|a|b|",
    "\\frac",
    "a) b) c) ",
    "a_",
    "a=",
    "<a",
    "1 - ",
    "1+",
    "error ",
    "how many ",
]


@pytest.mark.parametrize("unit", UNITS)
def test_no_repetition_makes_reading_slow(unit: str) -> None:
    text = (unit * 6_000)[:6_000]
    find_marks(text)
    started = time.perf_counter()
    find_marks(text)
    # Linear patterns need a few milliseconds; a quadratic one needs seconds.
    assert time.perf_counter() - started < 0.5
