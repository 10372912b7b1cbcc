"""JSON with comments and trailing commas: what is read, and how a mistake is named."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.hosts.jsonc import Dialect, SyntaxProblem, descend, parse, root
from tests.hosts.documents import LENIENT, STRICT, documents, few


@few
@given(documents(table="servers", lenient=True))
def test_what_is_written_with_comments_and_commas_is_read(
    drawn: tuple[str, dict[str, object]],
) -> None:
    text, said = drawn
    document = parse(text, dialect=LENIENT)
    assert document.value == said
    assert len(document.strict) == len(document.uncommented) == len(document.text)


@few
@given(documents(table="servers", lenient=True))
def test_every_member_is_found_where_it_stands(drawn: tuple[str, dict[str, object]]) -> None:
    text, said = drawn
    document = parse(text, dialect=LENIENT)
    table = root(document)
    assert document.text[table.start] == "{"
    assert document.text[table.end - 1] == "}"
    for member in table.members:
        value = document.strict[member.value_start : member.end]
        assert json.loads(value) == said[member.key]


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    for dialect in (STRICT, LENIENT):
        with suppress(SyntaxProblem):
            assert parse(text, dialect=dialect).text == (text if text.strip() else "{}")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"a": 1', "(at line 1, column 8)"),
        ('{\n  "a": 1,\n  b: 2\n}', "(at line 3, column 3)"),
        ("[1]", "not a JSON object"),
        ("null", "not a JSON object"),
        ('{"a": NaN}', "NaN"),
        ('{"a": 1} x', "Extra data"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": ' + "9" * 5000 + "}", "not JSON"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(SyntaxProblem) as caught:
        parse(text, dialect=LENIENT)
    assert problem in str(caught.value)


def test_a_mistake_below_a_long_comment_has_the_line_of_the_text() -> None:
    with pytest.raises(SyntaxProblem, match=r"line 4, column 3"):
        parse("{ /* one\ntwo\nthree */\n  x }", dialect=LENIENT)


@pytest.mark.parametrize("text", ["{,}", '{"a": 1,,}', "{ /* c */ , }", '{"a": [,]}', '{"a":,}'])
def test_a_comma_after_nothing_is_a_mistake(text: str) -> None:
    with pytest.raises(SyntaxProblem):
        parse(text, dialect=LENIENT)


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ('{"a": 1 /* c */}', STRICT),
        ('{"a": 1,}', STRICT),
        ('{"a": 1,}', Dialect(comments=True)),
        ('{"a": 1, // c\n}', Dialect(comments=True)),
    ],
)
def test_what_a_host_cannot_read_is_refused(text: str, dialect: Dialect) -> None:
    with pytest.raises(SyntaxProblem):
        parse(text, dialect=dialect)
    assert parse(text, dialect=LENIENT).value == {"a": 1}


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_a_blank_file_is_an_empty_object(text: str) -> None:
    assert parse(text, dialect=STRICT).value == {}


def test_of_two_members_of_one_name_the_last_one_counts() -> None:
    document = parse('{"a": {"x": 1}, "a": {"y": 2}}', dialect=STRICT)
    table, depth = descend(document, path=("a",))
    assert depth == 1
    assert [member.key for member in table.members] == ["y"]


def test_a_path_ends_where_its_keys_do() -> None:
    document = parse('{"a": {"b": {}}}', dialect=STRICT)
    assert descend(document, path=("a", "c", "d"))[1] == 1
    with pytest.raises(SyntaxProblem, match="'a' is not an object"):
        descend(parse('{"a": 1}', dialect=STRICT), path=("a", "b"))
