"""Names as long or odd as people and programs make them: pages fit, and nothing of them is lost."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_router.cli.main import run
from mcp_router.cli.page import Bar, Column, Fields, Items, Line, Notes, Page, Table
from mcp_router.cli.plain import plain_text
from mcp_router.cli.session import Session
from mcp_router.cli.terminal import print_page
from mcp_router.cli.text import clean, shortened, shown, width, wrapped
from mcp_router.storage.sqlite import SqliteStore
from mcp_router.storage.store import Context
from tests.builders import NOW
from tests.cli.conftest import Invoke
from tests.storage.conftest import decision, outcome

LONG = "a-name-as-long-as-some-people-make-them-" * 3 + "end"
WIDE = "世界" * 50
NAMES = (LONG, WIDE, "x" * 120)
LINES = (
    ("models",),
    ("models", "--provider", "ollama"),
    ("fallback",),
    ("budget",),
    ("config",),
    ("config", "--changed"),
    ("stats", "--period", "all", "--by", "project"),
    ("stats", "--period", "all", "--by", "category"),
    ("stats", "--period", "all", "--by", "model"),
    ("cost", "--period", "all", "--by", "project"),
    ("explain", "--list"),
    ("explain", "decision-1"),
    ("experiment", "list"),
    ("db", "info"),
    ("token", "list"),
    ("model",),
)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Screen(io.TextIOWrapper):
    """A terminal that keeps what it was sent."""

    def __init__(self) -> None:
        self.sent = io.BytesIO()
        super().__init__(self.sent, encoding="utf-8", write_through=True)

    def isatty(self) -> bool:
        return True


def settings_of(name: str) -> str:
    return f"""
[models."{name}"]
provider = "ollama"
context = 32000
aliases = ["{name}-too"]
[aliases]
"{name}-alias" = "opus"
[chains]
"{name}" = ["{name}", "opus"]
[budget.tags."project={name}"]
total = 5
[experiments.{name.encode("ascii", "replace").decode().replace("?", "x")[:40]}]
arms = {{ usual = {{ models = ["opus"] }}, other = {{ models = ["{name}"] }} }}
"""


def fill(home: Path, name: str) -> None:
    (home / "mcp-router.toml").write_text(settings_of(name), encoding="utf-8")
    with SqliteStore.open(home / "router.db") as store:
        for number in range(2):
            at = NOW - timedelta(hours=number)
            made = decision(
                number, created_at=at, model=name, provider=name, reason=f"{name} {name}"
            )
            store.record_decision(made, context=Context(project=name, category=name))
            store.record_outcome(outcome(number, created_at=at, model=name, provider=name))


def on_screen(*line: str) -> str:
    with Screen() as screen:
        with redirect_stdout(screen):
            assert run(line, session=Session(clock=lambda: NOW)) == 0, line
        return COLOUR.sub("", screen.sent.getvalue().decode())


@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_no_name_makes_a_page_wider_than_the_terminal(line: tuple[str, ...], home: Path) -> None:
    for name in NAMES:
        fill(home, name)
        drawn = on_screen(*line)
        over = [one for one in drawn.splitlines() if width(one) > 80]
        assert over == [], line
        (home / "router.db").unlink()


@pytest.mark.parametrize("name", ["é" * 70, 'a"b', "tab\\tin", "a.b.c", "x" * 90, "\u202ea"])
def test_every_setting_under_an_odd_name_is_shown_with_its_value(
    name: str, home: Path, invoke: Invoke
) -> None:
    quoted = name.replace('"', '\\"').replace("\u202e", "\\u202e")
    (home / "mcp-router.toml").write_text(f'[aliases]\n"{quoted}" = "opus"\n', encoding="utf-8")
    (line,) = [one for one in invoke("config", "--changed").out.splitlines() if "aliases" in one]
    assert line.split()[-2:] == ["opus", "mcp-router.toml"]
    assert line.isprintable()


TEXTS = st.text("ab é世\u0301🙂\x1b\n\r\t\u202e-/", max_size=60)
COLUMNS = st.builds(Column, TEXTS, right=st.booleans(), flexible=st.booleans())


@st.composite
def tables(draw: st.DrawFn) -> Table:
    columns = draw(
        st.lists(COLUMNS.map(lambda c: c._replace(flexible=True)), min_size=1, max_size=3)
    )
    cell = TEXTS | st.builds(Bar, st.floats(-1, 2))
    rows = draw(st.lists(st.tuples(*[cell for _ in columns]), max_size=3))
    return Table(tuple(columns), tuple(rows), title=draw(TEXTS))


BLOCKS = st.one_of(
    tables(),
    st.builds(Line, TEXTS, tone=st.sampled_from(["plain", "title"])),
    st.builds(Items, TEXTS, st.lists(TEXTS, max_size=3).map(tuple)),
    st.builds(Notes, st.sampled_from(["warning", "hint"]), st.lists(TEXTS, max_size=3).map(tuple)),
    st.builds(Fields, st.lists(st.tuples(TEXTS, TEXTS), max_size=3).map(tuple), title=TEXTS),
)
RELAXED = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@RELAXED
@given(st.lists(BLOCKS, max_size=4), st.booleans(), st.integers(60, 120))
def test_any_page_fits_any_terminal_and_steers_none(
    blocks: list[Line], card: bool, columns: int
) -> None:
    file = io.StringIO()
    print_page(Page(tuple(blocks), card="Card" if card else ""), file=file, columns=columns)
    drawn = file.getvalue()
    assert all(width(one) <= min(columns, 100) for one in drawn.split("\n"))
    assert not {"\x1b", "\r", "\t", "\u202e"} & {*drawn}


@RELAXED
@given(st.lists(BLOCKS, max_size=4))
def test_no_word_of_a_page_is_lost_in_a_pipe(blocks: list[Line]) -> None:
    drawn = plain_text(Page(tuple(blocks)), cells=80)
    assert not {"\x1b", "\r", "\t", "\u202e"} & {*drawn}
    squeezed = "".join(drawn.split())
    for block in blocks:
        if isinstance(block, Line):
            assert "".join(clean(block.text).split()) in squeezed


@RELAXED
@given(st.text(max_size=300), st.integers(2, 40))
def test_what_was_cut_off_is_always_marked(text: str, cells: int) -> None:
    line = shortened(text, cells=cells)
    assert width(line) <= cells
    assert line.endswith("…") or line == clean(text.strip())


@pytest.mark.parametrize("blank", ["\n", " ", "\t", "\u2003"])
def test_a_text_behind_many_blanks_is_shown(blank: str) -> None:
    assert shortened(blank * 5000 + "the task", cells=20) == "the task"


def test_marks_without_a_width_do_not_hide_that_something_was_cut() -> None:
    assert shortened("e" + "\u0301" * 500, cells=10).endswith("…")


@RELAXED
@given(st.text(max_size=200), st.integers(2, 60))
def test_lines_keep_the_order_and_number_of_words(text: str, cells: int) -> None:
    line = clean(text)
    lines = wrapped(line, cells=cells)
    assert "".join("".join(lines).split()) == "".join(line.split())
    whole = [word for word in line.split() if width(word) <= cells]
    found = [word for one in lines for word in one.split()]
    assert [word for word in found if word in whole][:1] == whole[:1] or not whole


@RELAXED
@given(st.text(max_size=200))
def test_cleaning_and_showing_twice_is_doing_it_once(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert shown(shown(text)) == shown(text)
