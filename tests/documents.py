"""The tables of README.md and docs/, built from the code; the checks run them too."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from textwrap import dedent

import anyio
import click
from mcp import Client

from mcp_router.cli.group import cli
from mcp_router.router import Router
from mcp_router.server.app import build_server
from tests.quality import calibration


def tool_table() -> str:
    """List the tools of the MCP server as it announces them: arguments and first sentence."""
    return "\n".join(["| tool | arguments | what it does |", "|---|---|---|", *anyio.run(_tools)])


async def _tools() -> list[str]:
    async with Client(build_server(Router.open)) as client:
        tools = (await client.list_tools()).tools
    return [
        f"| `{tool.name}` | {', '.join(tool.input_schema.get('properties', {}))} "
        f"| {_first_line(tool.description or '')} |"
        for tool in tools
    ]


def command_table() -> str:
    """List the commands with the first line of their help."""
    rows = [f"| `mcp-router {name}` | {_first_line(one.help or '')} |" for name, one in _commands()]
    return "\n".join(["| command | what it does |", "|---|---|", *rows])


def command_reference() -> str:
    """Give the whole help of every command, groups included."""
    return "\n".join(_reference(cli, ("mcp-router",)))


def reliability_table() -> str:
    """Show what the confidence says beside what is true, on answers it was not fitted to."""
    data = calibration.rows(1)
    rows = [
        f"| {said:.2f} | {true:.2f} | {weight:.0%} |"
        for said, true, weight in calibration.reliability(data)
    ]
    head = ["| said | were good | of all answers |", "|---|---|---|"]
    errors = f"Brier score {calibration.brier(data):.3f}, expected calibration error "
    return "\n".join([*head, *rows, "", f"{errors}{calibration.calibration_error(data):.3f}."])


@cache
def evaluation_of_sample() -> str:
    """Show what `mcp-router eval` says of the sample that comes with the package."""
    command = [sys.executable, "-m", "mcp_router", "eval"]
    width = {**os.environ, "COLUMNS": "80"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=width)
    return done.stdout.rstrip()


def langchain_examples() -> str:
    """Show the examples of the LangChain side as they stand, without what only runs them."""
    folder = Path(__file__).parent.parent / "integrations/langchain_mcp_router/examples"
    return "\n".join(_example(folder / f"{name}.py") for name in _EXAMPLES)


_EXAMPLES = ("chat_model", "middleware", "langgraph_node", "tools")


def _example(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    shown = [
        node
        for node in tree.body[1:]
        if not isinstance(node, ast.If) and "examples.practice" not in ast.unparse(node)
    ]
    code = _formatted("\n".join(_shown(node, text) for node in shown))
    command = f"python -m langchain_mcp_router.examples.{path.stem}"
    return f"{ast.get_docstring(tree)}\n\n```python\n# {command}\n{code.strip()}\n```\n"


def _formatted(code: str) -> str:
    """Format code as the checker wants it in Markdown."""
    command = [sys.executable, "-m", "ruff", "format", "--quiet", "-"]
    done = subprocess.run(command, input=code, capture_output=True, text=True, check=True)
    return done.stdout


def _shown(node: ast.stmt, text: str) -> str:
    """Give the source of a statement; of `main` its body, without the docstring."""
    lines = text.splitlines()
    if isinstance(node, ast.FunctionDef) and node.name == "main":
        first, last = node.body[0].end_lineno or 0, node.end_lineno
        return "\n" + dedent("\n".join(lines[first:last]))
    if isinstance(node, ast.FunctionDef):
        start = min([node.lineno, *(one.lineno for one in node.decorator_list)])
        return "\n" + "\n".join(lines[start - 1 : node.end_lineno])
    return "\n".join(lines[node.lineno - 1 : node.end_lineno])


def _commands() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(cli, info_name="mcp-router")
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        yield name, command


def _reference(command: click.Command, path: tuple[str, ...]) -> Iterator[str]:
    context = click.Context(command, info_name=" ".join(path), terminal_width=96)
    yield f"## {' '.join(path)}\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from _reference(inner, (*path, name))


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0].replace("|", "\\|")
