"""The tables of README.md and docs/, built from the code; the checks run them too."""

from __future__ import annotations

from collections.abc import Iterator

import anyio
import click
from mcp import Client

from mcp_router.cli.group import cli
from mcp_router.router import Router
from mcp_router.server.app import build_server


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
