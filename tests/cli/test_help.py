"""The help lists every command, says what it does, and costs next to nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import get_args

import click
import pytest

from mcp_router.catalog.catalog import Catalog
from mcp_router.cli.catalogue import TIERS
from mcp_router.cli.command import GROUPS, PERIODS
from mcp_router.cli.configuration import WEIGHTS
from mcp_router.cli.constraints import CAPABILITIES, NEEDS, STRATEGIES
from mcp_router.cli.database import KINDS
from mcp_router.cli.group import ENTRIES, PROGRAM, cli
from mcp_router.config.settings import Weights
from mcp_router.storage.kinds import TABLES
from mcp_router.storage.store import By, Period
from mcp_router.types import Capability, ModelInfo, Need, Strategy
from mcp_router.version import __version__
from tests.cli.conftest import Invoke
from tests.cli.process import environment


def commands() -> Iterator[tuple[str, ...]]:
    """Every command with the words that call it."""
    waiting: list[tuple[tuple[str, ...], click.Command]] = [((), cli)]
    while waiting:
        words, command = waiting.pop()
        yield words
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                inner = command.get_command(context, name)
                assert inner is not None
                waiting.append(((*words, name), inner))


@pytest.mark.parametrize("name", ENTRIES)
def test_every_command_is_in_the_help_with_its_first_sentence(name: str, invoke: Invoke) -> None:
    line = next(line for line in invoke("--help").out.splitlines() if line.split()[:1] == [name])
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.help is not None
    assert line.split(maxsplit=1)[1] in ENTRIES[name].summary
    first = command.help.split("\n")[0].rstrip(".")
    assert ENTRIES[name].summary.startswith(first.split(",")[0].split(";")[0])


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_every_command_and_option_is_explained(words: tuple[str, ...], invoke: Invoke) -> None:
    result = invoke(*words, "--help")
    assert result.code == 0
    assert result.out.startswith(f"Usage: {' '.join((PROGRAM, *words))}")
    assert max(map(len, result.out.splitlines())) <= 80
    assert "\x08" not in result.out


def test_every_option_has_help_text() -> None:
    for words in commands():
        command: click.Command = cli
        for word in words:
            assert isinstance(command, click.Group)
            command = command.get_command(click.Context(command), word) or command
        missing = [p.name for p in command.params if isinstance(p, click.Option) and not p.help]
        assert missing == [], words


def test_what_options_offer_is_what_the_router_takes() -> None:
    assert set(STRATEGIES) == set(Strategy)
    assert set(NEEDS) == set(Need)
    assert set(CAPABILITIES) == set(Capability)
    assert get_args(ModelInfo.model_fields["tier"].annotation) == TIERS
    assert tuple(TABLES) == KINDS
    assert tuple(Weights.model_fields) == WEIGHTS
    assert set(PERIODS) == set(get_args(Period))
    assert set(GROUPS) == set(get_args(By))


def test_without_arguments_the_help_is_shown(invoke: Invoke) -> None:
    assert invoke() == invoke("--help")


def test_the_version_is_told(invoke: Invoke) -> None:
    assert invoke("--version").out == f"{PROGRAM} {__version__}\n"


@pytest.mark.parametrize("line", [["--help"], ["route", "--help"], ["db", "prune", "--help"]])
def test_help_loads_nothing_heavy(line: list[str]) -> None:
    heavy = {"pydantic", "rich", "sqlite3", "mcp", "httpx2", "mcp_router.router"}
    code = (
        "import sys; from mcp_router.cli.main import run\n"
        f"code = run({line!r}); sys.exit(code or bool({heavy!r} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, check=False
    )
    assert done.returncode == 0, done


def test_piped_output_does_without_rich() -> None:
    code = (
        "import sys; from mcp_router.cli.main import run\n"
        "code = run(['route', 'Fix the bug']); sys.exit(code or 'rich' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, check=False
    )
    assert done.returncode == 0, done


def test_completion_names_commands() -> None:
    more = {
        "_MCP_ROUTER_COMPLETE": "bash_complete",
        "COMP_WORDS": "mcp-router cla",
        "COMP_CWORD": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "mcp_router"],
        env=environment(**more),
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"plain,classify\n"


def test_the_catalogue_knows_every_tier_that_can_be_asked_for(invoke: Invoke) -> None:
    from datetime import UTC, datetime

    tiers = {model.tier for model in Catalog.load(on=datetime.now(UTC).date()).models}
    assert tiers == set(TIERS)
