"""Edits of JSON: the data changes as asked, and no other character does."""

from __future__ import annotations

import re

import pytest
from hypothesis import given

from mcp_router.hosts.json_edit import drop, put
from mcp_router.hosts.jsonc import Dialect, SyntaxProblem, parse
from tests.hosts.documents import LENIENT, STRICT, documents, few

OURS = {"command": "/bin/router", "args": ["serve"]}
PATH = ("servers", "ours")
Drawn = tuple[str, dict[str, object]]


def added(text: str, *, dialect: Dialect = LENIENT) -> str:
    return put(parse(text, dialect=dialect), path=PATH, value=OURS)


def check_put(drawn: Drawn, *, dialect: Dialect) -> None:
    text, said = drawn
    servers = said.get("servers", {})
    assert isinstance(servers, dict)
    after = parse(added(text, dialect=dialect), dialect=dialect)
    assert after.value == {**said, "servers": {**servers, "ours": OURS}}


@few
@given(documents(table="servers", lenient=True))
def test_putting_changes_the_data_as_asked(drawn: Drawn) -> None:
    check_put(drawn, dialect=LENIENT)


@few
@given(documents(table="servers", lenient=False))
def test_strict_json_stays_strict(drawn: Drawn) -> None:
    check_put(drawn, dialect=STRICT)


def comments(text: str) -> list[str]:
    parts = re.findall(r'"(?:[^"\\]|\\.)*"|//[^\r\n]*|/\*.*?\*/', text, re.DOTALL)
    return sorted(part.rstrip() for part in parts if not part.startswith('"'))


@few
@given(documents(table="servers", lenient=True))
def test_putting_only_ever_adds_characters(drawn: Drawn) -> None:
    text, _ = drawn
    after = iter(added(text))
    # Blanks inside of an empty object may make room for the new line.
    assert all(char in after for char in text if not char.isspace())
    assert comments(text) == comments(added(text))


@few
@given(documents(table="servers", lenient=True, filled=True))
def test_dropping_what_was_put_gives_the_text_back_but_for_blanks(drawn: Drawn) -> None:
    text, _ = drawn
    assert packed(drop(parse(added(text), dialect=LENIENT), path=PATH)) == packed(text)


def packed(text: str) -> str:
    return re.sub(r"\s", "", text)


@few
@given(documents(table="servers", lenient=True))
def test_any_member_can_be_dropped_alone(drawn: Drawn) -> None:
    text, said = drawn
    for name in said:
        after = drop(parse(text, dialect=LENIENT), path=(name,))
        rest = {key: value for key, value in said.items() if key != name}
        assert parse(after, dialect=LENIENT).value == rest
        assert set(comments(after)) <= set(comments(text))


@few
@given(documents(table="servers", lenient=True))
def test_putting_twice_is_putting_once(drawn: Drawn) -> None:
    once = added(drawn[0])
    assert parse(added(once), dialect=LENIENT).value == parse(once, dialect=LENIENT).value


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("{}", '{\n  "k": 1\n}'),
        ("{ }", '{\n  "k": 1\n}'),
        ("{\n}\n", '{\n  "k": 1\n}\n'),
        ('{"a":1}', '{"a":1,"k":1}'),
        ('{"a": 1}', '{"a": 1, "k": 1}'),
        ('{"a": 1,}', '{"a": 1, "k": 1,}'),
        ('{\n\t"a": 1\n}', '{\n\t"a": 1,\n\t"k": 1\n}'),
        ('{\n    "a": 1,\n}', '{\n    "a": 1,\n    "k": 1,\n}'),
        ('{\n  "a": 1 // one\n}', '{\n  "a": 1, // one\n  "k": 1\n}'),
        ('{\n  "a": 1, // one\n  // end\n}', '{\n  "a": 1, // one\n  "k": 1,\n  // end\n}'),
        ("{ // c\n}", '{ // c\n  "k": 1\n}'),
        ('{\r\n  "a": 1\r\n}\r\n', '{\r\n  "a": 1,\r\n  "k": 1\r\n}\r\n'),
        ('{"a": 1\n}', '{"a": 1, "k": 1\n}'),
        ("", '{\n  "k": 1\n}'),
    ],
)
def test_a_new_member_takes_on_the_layout_of_its_object(text: str, after: str) -> None:
    assert put(parse(text, dialect=LENIENT), path=("k",), value=1) == after


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ('{"k": 1}', "{}"),
        ('{\n  "k": 1\n}', "{}"),
        ('{\n  "k": 1 // mine\n}', "{\n  // mine\n}"),
        ('{"k": 1, "a": 2}', '{"a": 2}'),
        ('{"a": 2, "k": 1}', '{"a": 2}'),
        ('{\n  "a": 2,\n  "k": 1\n}', '{\n  "a": 2\n}'),
        ('{\n  "k": 1,\n  "a": 2\n}', '{\n  "a": 2\n}'),
        ('{\n  "a": 2, // two\n  "k": 1 }', '{\n  "a": 2 // two\n}'),
        ('{\n  "a": 2,\n  "k": 1,\n}', '{\n  "a": 2,\n}'),
        ('{\n  "k": 1, // mine\n  "a": 2\n}', '{\n  // mine\n  "a": 2\n}'),
        ('{"a": 2}', '{"a": 2}'),
    ],
)
def test_a_dropped_member_takes_its_line_and_comma_along(text: str, after: str) -> None:
    assert drop(parse(text, dialect=LENIENT), path=("k",)) == after


def test_a_value_is_replaced_where_it_stands() -> None:
    text = '{\n  "k": "old", // why\n  "l": [\n    1\n  ]\n}'
    once = put(parse(text, dialect=LENIENT), path=("k",), value="new")
    twice = put(parse(once, dialect=LENIENT), path=("l",), value=[2])
    assert twice == '{\n  "k": "new", // why\n  "l": [\n    2\n  ]\n}'


def test_a_scalar_on_the_way_is_not_overwritten() -> None:
    with pytest.raises(SyntaxProblem, match="'servers' is not an object"):
        added('{"servers": null}')
