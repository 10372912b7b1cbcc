"""The command `serve`: the MCP server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mcp_router.cli.command import as_session, with_examples, with_global_options
from mcp_router.cli.session import Session

if TYPE_CHECKING:
    from mcp_router.router import Router


@with_examples(
    "In the settings of a host:",
    '{"mcpServers": {"router": {"command": "mcp-router", "args": ["serve"]}}}',
)
@with_global_options()
@click.command()
@click.pass_context
@as_session
def serve(session: Session, context: click.Context) -> None:
    """Serve agents over MCP on stdin and stdout.

    An agent's host starts this; by hand it waits in silence for messages, until Ctrl-D. Changed
    settings and budgets hold from the next call on.
    """
    from mcp_router.cli.served import ServedLines
    from mcp_router.server.app import serve as serve_mcp

    def open_router() -> Router:
        return session.anew().router()

    context.exit(serve_mcp(open_router, lines=ServedLines(session), stamp=session.stamp))
