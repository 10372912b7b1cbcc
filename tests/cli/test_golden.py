"""Every page looks as it was last approved, piped and on a terminal of 80 columns.

To approve a change: `UPDATE_GOLDEN=1 python -m pytest tests/cli/test_golden.py`, then read the
differences in tests/cli/golden.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from mcp_router.cli.group import ENTRIES
from mcp_router.cli.page import Notes
from mcp_router.cli.plain import plain_text
from mcp_router.cli.terminal import print_page
from mcp_router.cli.text import width
from tests.cli.conftest import Invoke
from tests.cli.pages import PAGES

GOLDEN = Path(__file__).parent / "golden"
# serve shows nothing, run the answer as it is, reset one line; the others what they find on the
# machine at hand.
WITHOUT_A_PAGE = {"serve", "run", "reset", "install", "doctor", "report", "dashboard", "export"}


def piped(name: str) -> str:
    """What goes to stdout and, under a line of dashes, to stderr."""
    page = PAGES[name]()
    notes = [f"{b.kind}: {line}" for b in page.blocks if isinstance(b, Notes) for line in b.lines]
    return "\n".join([plain_text(page, cells=80) + "-" * 8, *notes, ""])


def on_terminal(name: str) -> str:
    file = io.StringIO()
    print_page(PAGES[name](), file=file, columns=80)
    return file.getvalue()


def approve(text: str, *, file: Path) -> None:
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_looks_as_approved_when_piped(name: str) -> None:
    approve(piped(name), file=GOLDEN / f"{name}.txt")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_looks_as_approved_on_a_terminal(name: str) -> None:
    drawn = on_terminal(name)
    assert max(map(width, drawn.splitlines())) <= 80
    approve(drawn, file=GOLDEN / f"{name}.terminal.txt")


def test_the_help_looks_as_approved(invoke: Invoke) -> None:
    approve(invoke("--help").out, file=GOLDEN / "help.txt")


def test_every_command_has_a_page_here() -> None:
    shown = {name.split("_")[0] for name in PAGES}
    assert shown | WITHOUT_A_PAGE == set(ENTRIES)


def test_no_approved_file_is_left_over() -> None:
    wanted = {"help.txt", *(f"{n}{end}" for n in PAGES for end in (".txt", ".terminal.txt"))}
    assert {file.name for file in GOLDEN.iterdir()} == wanted
