"""Edits of TOML: comments, order and line ends stay, wherever the tables stand."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.hosts.jsonc import SyntaxProblem
from mcp_router.hosts.toml_edit import drop, put

OURS = {"command": "/bin/router", "args": ["serve"]}
BLOCKS = (
    'model = "gpt-5"  # top\n',
    "# only a comment\n",
    "\n",
    '[mcp_servers.a]\ncommand = "x"  # mine\n',
    '[mcp_servers.a.env]\nKEY = "1"\n',
    '[mcp_servers.b]\nargs = [\n  "one", # first\n]\n',
    '[tui]\nnotes = """\n[mcp_servers.no]\n"""\n',
    '[[list]]\nname = "é"\n',
    "[mcp_servers]\n",
)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Draw a TOML text from blocks; keys of the root have to stand first."""
    chosen = draw(st.lists(st.sampled_from(range(1, len(BLOCKS))), max_size=6, unique=True))
    head = BLOCKS[0] if draw(st.booleans()) else ""
    text = head + "".join(BLOCKS[index] for index in chosen)
    if draw(st.booleans()):
        text = text.removesuffix("\n")
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


def readable(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


def put_ours(text: str) -> str:
    return put(text, table="mcp_servers", name="ours", entry=OURS)


@given(texts().filter(readable))
def test_a_new_table_comes_last_and_all_before_it_stays(text: str) -> None:
    after = put_ours(text)
    assert after.startswith(text.removesuffix("\n"))
    data = tomllib.loads(text)
    servers = {**data.get("mcp_servers", {}), "ours": OURS}
    assert tomllib.loads(after) == {**data, "mcp_servers": servers}


@given(texts().filter(readable))
def test_dropping_it_again_leaves_the_text_but_for_blank_lines(text: str) -> None:
    after = drop(put_ours(text), table="mcp_servers", name="ours")
    if "[mcp_servers]" not in text:
        assert after.rstrip() == text.rstrip()
    assert says(after) == says(text)


@given(texts().filter(readable))
def test_each_table_can_be_dropped_alone_and_the_rest_keeps_its_order(text: str) -> None:
    for name in ("a", "b"):
        after = drop(text, table="mcp_servers", name=name)
        wanted = says(text)
        wanted.get("mcp_servers", {}).pop(name, None)
        assert says(after) == {k: v for k, v in wanted.items() if k != "mcp_servers" or v}
        if "[mcp_servers]" not in text:
            lines = iter(text.splitlines())
            assert all(line in lines for line in after.splitlines())


@given(texts().filter(readable))
def test_a_table_is_updated_without_moving_anything(text: str) -> None:
    for name in tomllib.loads(text).get("mcp_servers", {}):
        entry = {"command": "new", "args": ["serve"]}
        after = put(text, table="mcp_servers", name=name, entry=entry)
        kept = iter(after.splitlines())
        ours = ("command =", "args =", '  "one"', "]")
        assert all(line in kept for line in text.splitlines() if not line.startswith(ours))


def says(text: str) -> dict[str, Any]:
    """Return what a text says, without a list of servers that is empty."""
    data = tomllib.loads(text)
    return {key: value for key, value in data.items() if key != "mcp_servers" or value}


@given(texts().filter(readable))
def test_line_ends_stay_of_one_kind(text: str) -> None:
    if text.count("\r\n") == text.count("\n") > 0:
        after = put_ours(text)
        assert after.count("\r\n") == after.count("\n")


def test_an_inline_table_gets_its_entry_inside() -> None:
    text = 'mcp_servers = { a = { command = "x" } } # all\n[tui]\nx = 1\n'
    after = put_ours(text)
    assert tomllib.loads(after)["mcp_servers"] == {"a": {"command": "x"}, "ours": OURS}
    assert "# all\n[tui]\nx = 1\n" in after


def test_an_entry_is_updated_where_it_stands() -> None:
    text = '[mcp_servers.ours] # here\ncommand = "old" # why\nargs = ["serve"]\n[z]\n'
    assert put_ours(text) == text.replace("old", "/bin/router")


def test_a_text_without_the_entry_stays_as_it_is() -> None:
    text = '[mcp_servers.a]\r\ncommand = "x"\n'
    assert drop(text, table="mcp_servers", name="ours") == text


@pytest.mark.parametrize("text", ["= 1", "[a\n", "a = 1\na = 2", "mcp_servers = 1", "\x00"])
def test_what_is_no_toml_is_refused(text: str) -> None:
    with pytest.raises(SyntaxProblem):
        put_ours(text)
