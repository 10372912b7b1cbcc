"""Every verb of the grammar does the same in a terminal, behind `/model` and as an MCP prompt."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import anyio
import pytest
from mcp import Client, MCPError
from mcp.types import TextContent

from mcp_router.cli.line import VERBS, arguments
from mcp_router.cli.main import run
from mcp_router.cli.served import ServedLines
from mcp_router.cli.session import Session
from mcp_router.server.app import build_server
from mcp_router.storage.sqlite import SqliteStore
from tests.builders import NOW
from tests.storage.conftest import decision, outcome

COMMAND = Path(__file__).parents[1] / "slash_commands/commands/model.md"
SETTINGS = "# Mine.\n[budget]\ndaily = 5  # enough\n[chains]\nmine = ['sonnet', 'gpt']\n"

READS = (
    "",
    'route "Fix the login bug"',
    "route --strategy cost_first -- Fix the login bug",
    "Fix the login bug",
    "classify Prove that the square root of 2 is irrational.",
    "explain",
    "explain dec_0000000000000001",
    "stats",
    "stats --by day",
    *(f"cost --period {period}" for period in ("day", "week", "month", "all")),
    *(f"cost --by {by}" for by in ("model", "task", "day", "project", "category")),
    "budget",
    "cache",
    "suggest",
    "config",
    "config --changed",
    "fallback",
    "fallback --chain mine",
    "compare",
    "compare opus gpt",
    "models",
    "models sonnet",
)
CHANGES = (
    "budget --set-daily 9 --set-monthly 90 --set-per-request 0.5",
    "config --set-weight cost 0.4",
    "config --set strategy cost_first",
    "cache clear",
    "reset cache",
    "reset stats",
)
SPENDS = ('run "Say something nice"',)
TERMINAL = (
    "workflow essay.toml",
    "batch tasks.jsonl --resume",
    "export --format json",
    "export --format csv",
    "export --format sqlite --output rows.db",
    "feedback --good",
    "learn",
    "experiment list",
    "benchmark prompts.jsonl --models haiku",
    "report --html report.html",
    "dashboard",
    "install codex",
    "doctor",
    "db info",
    "token list",
    "demo",
    "eval",
)
VARYING = re.compile(r"dec_[0-9a-f]{16}")


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setenv("COLUMNS", "80")
    return made(tmp_path)


def made(folder: Path) -> Session:
    folder.mkdir(exist_ok=True)
    (folder / "settings.toml").write_text(SETTINGS, encoding="utf-8")
    with SqliteStore.open(folder / "router.db") as store:
        for number in (1, 2):
            known = {"decision_id": f"dec_{number:016x}", "created_at": NOW}
            store.record_decision(decision(number, **known))
            store.record_outcome(outcome(number, **known))
    environ = {"ROUTING_DB": str(folder / "router.db"), "OPENAI_API_KEY": "sk-test", "TZ": "UTC"}
    return Session(config=folder / "settings.toml", environ=environ, clock=lambda: NOW)


def shown(args: list[str], session: Session, capsys: pytest.CaptureFixture[str]) -> str:
    """What a terminal shows: the page, and warnings, but no hints, which name terminals' steps."""
    capsys.readouterr()
    assert run(args, session=session.anew()) == 0
    out, err = capsys.readouterr()
    warnings = [line for line in err.splitlines() if line.startswith("warning: ")]
    return VARYING.sub("dec_", "\n".join([out.rstrip(), *warnings]))


def prompted(line: str, session: Session) -> str:
    """What the prompt says, or why it refuses."""

    async def ask() -> str:
        server = build_server(session.router, lines=ServedLines(session))
        async with Client(server) as client:
            try:
                content = (await client.get_prompt("model", {"line": line})).messages[0].content
            except MCPError as refused:
                return f"refused: {refused}"
        assert isinstance(content, TextContent)
        return content.text

    return anyio.run(ask)


def block(text: str) -> str:
    found = re.search(r"^(`{3,})text\n(?P<inside>.*?)\n\1$", text, re.DOTALL | re.MULTILINE)
    assert found is not None, text
    return VARYING.sub("dec_", found["inside"])


def test_every_verb_is_tried_here() -> None:
    tried = {arguments(line)[0] for line in (*READS, *CHANGES, *SPENDS, *TERMINAL) if line}
    assert tried == set(VERBS)


@pytest.mark.parametrize("line", READS)
def test_what_reads_is_the_same_everywhere(
    line: str, session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    args = arguments(line) or ["model"]
    in_terminal = shown(args, session, capsys)
    assert in_terminal
    # A line is one argument, and what a shell has parted are several.
    assert shown(["model", line], session, capsys) == in_terminal
    if args != ["model"]:
        assert shown(["model", *args], session, capsys) == in_terminal
    assert block(prompted(line, session)) == in_terminal
    assert block(prompted(f"/model {line}", session)) == in_terminal
    assert block(prompted(f"/router:model {line}", session)) == in_terminal


@pytest.mark.parametrize("line", CHANGES)
def test_what_changes_is_handed_out_as_the_line_that_does_it(
    line: str, session: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (tmp_path / "settings.toml").read_text(encoding="utf-8")
    typed = shlex.split(block(prompted(line, session)))
    assert typed == ["mcp-router", *arguments(line)]
    assert (tmp_path / "settings.toml").read_text(encoding="utf-8") == before

    sure = ["--yes"] if typed[1:] == ["reset", "stats"] else []
    other = made(tmp_path / "agreed")
    in_terminal = shown([*typed[1:], *sure], session, capsys)
    agreed = ServedLines(other).answer(line, agreed=True)
    assert agreed.outcome == "done"
    assert agreed.text.strip().replace(f"{tmp_path}/agreed", str(tmp_path)) == in_terminal.strip()
    mine, theirs = (folder / "settings.toml" for folder in (tmp_path, tmp_path / "agreed"))
    assert mine.read_text(encoding="utf-8") == theirs.read_text(encoding="utf-8")
    assert "# Mine." in mine.read_text(encoding="utf-8")
    if "--set" in line:
        assert mine.read_text(encoding="utf-8") != before


@pytest.mark.parametrize("line", SPENDS)
def test_what_spends_is_left_to_the_tool_that_asks_first(line: str, session: Session) -> None:
    text = prompted(line, session)
    assert "execute_with_fallback" in text
    assert line in text


@pytest.mark.parametrize("line", TERMINAL)
def test_what_needs_a_terminal_is_handed_out_as_its_line(line: str, session: Session) -> None:
    assert shlex.split(block(prompted(line, session))) == ["mcp-router", *arguments(line)]


@pytest.mark.parametrize("line", ["rotue Fix it", "stats --by nonsense", "cots"])
def test_what_nobody_can_read_is_refused_with_the_same_words(
    line: str, session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run(["model", line], session=session.anew()) == 2
    sentence = capsys.readouterr().err.splitlines()[0].removeprefix("error: ")
    text = prompted(line, session)
    assert text.startswith("refused: ")
    assert sentence in text


def test_the_text_of_the_slash_command_knows_every_verb_of_the_grammar() -> None:
    table = [row for row in COMMAND.read_text("utf-8").splitlines() if row.startswith("| `")]
    named = {word for row in table for word in re.findall(r"`([a-z]+)", row.split("|")[1])}
    grammar = {arguments(line)[0] for line in (*READS, *CHANGES, *SPENDS) if line}
    assert grammar | {"export", "feedback", "report"} <= named
