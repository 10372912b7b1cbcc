"""MCP over HTTP: the server that stdio has, without sessions, so that any replica may answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp.server.transport_security import TransportSecuritySettings

if TYPE_CHECKING:
    from mcp.server import MCPServer
    from starlette.applications import Starlette


def mcp_application(server: MCPServer[None], *, path: str, max_body_bytes: int) -> Starlette:
    """Build the application, both protocol eras at one path; its lifespan closes the router.

    Names, tokens and the size of bodies are judged before it. Lines of /model are left to the
    agent's tools: they would be commands of this machine.
    """
    return server.streamable_http_app(
        streamable_http_path=path,
        stateless_http=True,
        max_request_body_size=max_body_bytes,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
