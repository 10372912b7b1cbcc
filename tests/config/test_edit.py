"""A changed setting is the only thing that changes: comments, order and layout stay."""

from __future__ import annotations

import json
import tomllib
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.config.edit import EditProblem, Keys, Setting, edit_json, edit_toml

DAILY: Keys = ("budget", "daily")
MONTHLY: Keys = ("budget", "monthly")
SITE: Keys = ("budget", "tags", "project=site", "total")
FIVE = Decimal(5)

CASES = {
    "empty": ("", "[budget]\ndaily = 5\n"),
    "no line end": ('strategy = "balanced"', 'strategy = "balanced"\n\n[budget]\ndaily = 5\n'),
    "a comment only": ("# mine\n", "# mine\n\n[budget]\ndaily = 5\n"),
    "an empty table": ("[budget]\n[cache]\nttl = 1\n", "[budget]\ndaily = 5\n[cache]\nttl = 1\n"),
    "a header only": ("[budget]", "[budget]\ndaily = 5\n"),
    "changed in place": (
        "[budget] # b\ndaily   = 1.50 # d\nmonthly = 2\n",
        "[budget] # b\ndaily   = 5 # d\nmonthly = 2\n",
    ),
    "behind the last key": (
        "[budget]\nmonthly = 2 # m\n# about the cache\n[cache]\nttl = 1\n",
        "[budget]\nmonthly = 2 # m\ndaily = 5\n# about the cache\n[cache]\nttl = 1\n",
    ),
    "indented": ("[budget]\n  monthly = 2\n", "[budget]\n  monthly = 2\n  daily = 5\n"),
    "above inner tables": (
        "[budget]\nmonthly = 2\n\n[budget.alerts]\ndaily_warning = 50\n",
        "[budget]\nmonthly = 2\ndaily = 5\n\n[budget.alerts]\ndaily_warning = 50\n",
    ),
    "dotted": ("budget.monthly = 2 # m\n", "budget.monthly = 2 # m\nbudget.daily = 5\n"),
    "Windows line ends": (
        "[budget]\r\nmonthly = 2\r\n\r\n[cache]\r\n",
        "[budget]\r\nmonthly = 2\r\ndaily = 5\r\n\r\n[cache]\r\n",
    ),
}


@pytest.mark.parametrize(("before", "after"), CASES.values(), ids=CASES)
def test_a_limit_finds_its_place(before: str, after: str) -> None:
    assert edit_toml(before, changes={DAILY: FIVE}) == after


def test_a_table_comes_behind_the_last_of_its_kind() -> None:
    text = '[budget]\ndaily = 1\n# d\n\n# about chains\n[chains]\na = ["b"]\n'
    changed = edit_toml(text, changes={SITE: FIVE})
    table = '[budget.tags."project=site"]\ntotal = 5\n'
    assert changed == text.replace("# about", f"{table}\n# about")
    assert edit_toml(changed, changes={SITE: None}) == text


@pytest.mark.parametrize(
    "text",
    [
        "budget = { monthly = 2, alerts = { daily_warning = 50 } } # b\n[cache]\nttl = 1\n",
        "[budget]\nmonthly = 2\n[cache]\nttl = 1\n[budget.alerts]\ndaily_warning = 50\n",
        "[budget.alerts]\ndaily_warning = 50\n[cache]\nttl = 1\n",
        'budget.tags."project=site".daily = 1\n[cache]\nttl = 1\n',
        'log_file = """\n[budget]\n"""\n[cache]\nttl = 1\n',
    ],
)
def test_unusual_layouts_are_changed_as_well(text: str) -> None:
    changed = edit_toml(text, changes={DAILY: FIVE, SITE: Decimal("0.25")})
    wanted: dict[str, Any] = tomllib.loads(text)
    budget = wanted.setdefault("budget", {})
    budget["daily"] = 5
    budget.setdefault("tags", {}).setdefault("project=site", {})["total"] = 0.25
    assert tomllib.loads(changed) == wanted
    assert [line for line in text.splitlines() if "#" in line and "{" not in line] == [
        line for line in changed.splitlines() if "#" in line and "{" not in line
    ]


def test_small_amounts_and_words_are_written_as_people_do() -> None:
    changes: dict[Keys, Setting] = {DAILY: Decimal("1E-7"), MONTHLY: "none"}
    assert edit_toml("", changes=changes) == '[budget]\ndaily = 0.0000001\nmonthly = "none"\n'
    assert json.loads(edit_json("", changes=changes)) == {
        "budget": {"daily": "0.0000001", "monthly": "none"}
    }


@pytest.mark.parametrize("text", ["budget = 3\n", "[[budget]]\ndaily = 1\n"])
def test_what_is_no_table_is_not_changed(text: str) -> None:
    with pytest.raises(EditProblem):
        edit_toml(text, changes={DAILY: FIVE})


def test_what_is_no_toml_or_json_is_refused() -> None:
    with pytest.raises(ValueError, match=r"."):
        edit_toml("[budget", changes={DAILY: FIVE})
    with pytest.raises(ValueError, match=r"."):
        edit_json("{", changes={DAILY: FIVE})
    with pytest.raises(EditProblem):
        edit_json("[]", changes={DAILY: FIVE})
    with pytest.raises(EditProblem):
        edit_json('{"budget": 3}', changes={DAILY: FIVE})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"dailyLimit": 1}', '{"dailyLimit": 5}'),
        ('{"dailyBudget": 1, "x": 2}', '{"dailyBudget": 5, "x": 2}'),
        ('{"budget": {"dailyLimit": 1}}', '{"budget": {"dailyLimit": 5}}'),
        ('{"Budget": {"monthly": 1}}', '{"Budget": {"monthly": 1, "daily": 5}}'),
        ('{\n\t"strategy": "balanced"\n}', None),
        ("", '{\n  "budget": {\n    "daily": 5\n  }\n}'),
    ],
)
def test_json_keeps_its_names_and_indent(before: str, after: str | None) -> None:
    after = after or '{\n\t"strategy": "balanced",\n\t"budget": {\n\t\t"daily": 5\n\t}\n}'
    assert edit_json(before, changes={DAILY: FIVE}) == f"{after}\n"


def test_json_tables_that_become_empty_go() -> None:
    text = edit_json("{}", changes={SITE: FIVE, DAILY: FIVE})
    assert json.loads(edit_json(text, changes={SITE: None})) == {"budget": {"daily": 5}}


COMMENTS = st.sampled_from(["", "# one\n", "\n", "\n# two [x] = 3\n\n"])
PATHS = st.sampled_from(
    [
        DAILY,
        MONTHLY,
        ("budget", "per_request"),
        SITE,
        ("budget", "tags", "session=a b", "daily"),
        ("budget", "tags", 'project="q"', "monthly"),
    ]
)
AMOUNTS = st.decimals(min_value=0, max_value=10**9, places=9).map(Decimal.normalize)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Settings files with some of the tables, in any order, and comments between them."""
    parts = [
        "[budget]\n" + draw(st.sampled_from(["", "daily = 1 # d\n", "# c\nmonthly = 2\n"])),
        '[budget.tags."project=site"]\ntotal = 3 # t\n',
        "[budget.alerts]\ndaily_warning = 50\n",
        '[chains]\nmine = [\n  "a", # first\n]\n',
        "[cache]\nttl = 1\n",
    ]
    chosen = draw(st.permutations(parts).flatmap(lambda p: st.integers(0, 5).map(lambda n: p[:n])))
    top = draw(st.sampled_from(["", 'strategy = "balanced" # s\n']))
    return top + "".join(draw(COMMENTS) + part for part in chosen) + draw(COMMENTS)


def comments(text: str) -> list[str]:
    return sorted(part.split("#", 1)[1] for part in text.splitlines() if "#" in part)


def put(data: dict[str, Any], path: Keys, value: object) -> dict[str, Any]:
    table = data
    for name in path[:-1]:
        table = table.setdefault(name, {})
    table[path[-1]] = value
    return data


@given(texts(), st.dictionaries(PATHS, AMOUNTS, min_size=1, max_size=3))
@settings(deadline=None)
def test_any_file_gets_the_values_and_loses_nothing(
    text: str, changes: dict[Keys, Decimal]
) -> None:
    changed = edit_toml(text, changes=changes)
    wanted = tomllib.loads(text)
    for path, amount in changes.items():
        written = float(amount) if amount % 1 else int(amount)
        wanted = put(wanted, path, written)
    assert tomllib.loads(changed) == wanted
    assert comments(changed) == comments(text)
    assert edit_toml(changed, changes=changes) == changed


@given(texts(), st.dictionaries(PATHS, AMOUNTS, min_size=1, max_size=3))
@settings(deadline=None)
def test_taking_out_what_was_put_in_leaves_the_rest(
    text: str, changes: dict[Keys, Decimal]
) -> None:
    before = tomllib.loads(text)
    new = {path: amount for path, amount in changes.items() if value_at(before, path) is None}
    back = edit_toml(edit_toml(text, changes=new), changes=dict.fromkeys(new))
    assert without_empty(tomllib.loads(back)) == without_empty(before)
    assert comments(back) == comments(text)


def value_at(data: Any, path: Keys) -> object:
    for name in path:
        data = data.get(name, {}) if isinstance(data, dict) else {}
    return None if data == {} else data


def without_empty(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: without_empty(each) for name, each in value.items()}
    return {name: each for name, each in inner.items() if each != {}}
