"""What the deployment files say, in the words of the product that they start."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import yaml

from mcp_router.catalog.catalog import Catalog
from mcp_router.cli.group import cli
from mcp_router.config.environment import FILE_VARIABLE, VARIABLES
from mcp_router.config.load import load_settings
from mcp_router.config.settings import Settings

ROOT = Path(__file__).parents[2]
PACKAGING = ROOT / "packaging"
# Read by libpq and by platformdirs.
OF_OTHERS = {"PGPASSWORD", "XDG_DATA_HOME"}


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def parse_line(words: Iterable[str]) -> str:
    """Have the command line take the words apart as if it ran them; return the name it found."""
    args, context, command = list(words), click.Context(cli), cli
    while isinstance(command, click.Group):
        found = command.get_command(context, args.pop(0))
        assert found is not None
        command = found
    with command.make_context(command.name, args, parent=context):
        return command.name or ""


def lines_of(script: str) -> list[list[str]]:
    """Find the lines of `mcp-router` in a shell script, up to where the shell goes on."""
    found: list[list[str]] = []
    for line in script.splitlines():
        words = shlex.split(line)
        if words[:1] == ["mcp-router"]:
            ends = [words.index(mark) for mark in ("||", ">", "&&") if mark in words]
            found.append(words[1 : min(ends, default=len(words))])
    return found


def unknown_variables(names: Iterable[str]) -> set[str]:
    """Name the variables that the product does not read."""
    today = datetime.now(UTC).date()
    keys = {one.api_key_env for one in Catalog.load(on=today).providers.values()}
    return set(names) - {*VARIABLES, FILE_VARIABLE, *keys, *OF_OTHERS}


def settings_in(path: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """Load a settings file as the container would; nothing in it may be odd."""
    loaded = load_settings(config=path, environ=environ or {}, cwd=path.parent)
    assert loaded.warnings == ()
    return loaded.settings
