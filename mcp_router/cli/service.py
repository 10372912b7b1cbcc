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
    "For a team, or for whatever takes a base URL:",
    "mcp-router serve --http",
)
@with_global_options()
@click.command()
@click.option("--http", is_flag=True, help="Serve over HTTP: /mcp, and /v1 as OpenAI's API.")
@click.option("--host", help="Where to listen with --http.  [default: 127.0.0.1]")
@click.option(
    "--port", type=click.IntRange(0, 65_535), help="0 takes any free port.  [default: 8787]"
)
@click.pass_context
@as_session
def serve(
    session: Session, context: click.Context, http: bool, host: str | None, port: int | None
) -> None:
    """Serve agents over MCP on stdin and stdout, or many clients over HTTP.

    An agent's host starts this; by hand it waits in silence for messages, until Ctrl-D. Changed
    settings and budgets hold from the next call on.

    With --http it serves many clients until Ctrl-C, each with a token of `mcp-router token`.
    """
    if http:
        from mcp_router.cli.served_http import serve_http

        context.exit(serve_http(session, host=host, port=port))
    if host is not None or port is not None:
        raise click.UsageError("--host and --port need --http.")
    from mcp_router.cli.served import ServedLines
    from mcp_router.server.app import serve as serve_mcp

    def open_router() -> Router:
        return session.anew().router()

    context.exit(serve_mcp(open_router, lines=ServedLines(session), stamp=session.stamp))
