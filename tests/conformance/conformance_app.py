"""The product's own server object with the fixtures that the conformance suites look for.

    python tests/conformance/conformance_app.py PORT
    python tests/conformance/conformance_app.py PORT --door

The first serves both protocol eras with sessions; the second is what `serve --http` serves, behind
all that it puts before /mcp. The fixtures' names and texts are the suites'.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

# Run as a script, so its own folder is on the path but the checkout may not be.
sys.path.insert(0, str(Path(__file__).parents[2]))

from mcp_router.config.load import load_settings
from mcp_router.door.app import Door
from mcp_router.door.serving import serve
from mcp_router.router import Router
from mcp_router.server.app import build_server
from mcp_router.storage.opened import open_store
from mcp_router.storage.tokens import AccessToken, add_token, digest_of, new_secret
from tests.conformance.content import add_content
from tests.conformance.conversation import add_conversation
from tests.conformance.questions import add_questions

if TYPE_CHECKING:
    from mcp.server import MCPServer
    from starlette.types import ASGIApp, Receive, Scope, Send


class Bearing:
    """Adds a token to requests that have none: the suites cannot send one."""

    def __init__(self, app: ASGIApp, secret: str) -> None:
        self._app = app
        self._header = (b"authorization", f"Bearer {secret}".encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["headers"] = [*scope["headers"], self._header]
        await self._app(scope, receive, send)


def main() -> None:
    """Serve until killed."""
    logging.basicConfig(level="ERROR")
    port = int(sys.argv[1])
    if "--door" in sys.argv:
        serve_door(port)
        return
    server = build_server(Router.open)
    furnish(server)
    server.run("streamable-http", port=port)


def furnish(server: MCPServer[None]) -> None:
    """Add every fixture."""
    add_content(server)
    add_conversation(server)
    add_questions(server)


def serve_door(port: int) -> None:
    """Serve the door, with a token that whoever comes is given."""
    settings = load_settings(environ=os.environ, cwd=Path.cwd()).settings
    secret = new_secret()
    with open_store(settings) as store:
        add_token(store.database, AccessToken("suite", digest_of(secret), "admin"))
        door = Door(
            settings,
            store=store,
            open_router=lambda _book: Router.open(settings),
            environ=os.environ,
            furnish=furnish,
        )
        door.application = Bearing(door.application, secret)
        serve(door, settings.http.model_copy(update={"port": port}), say=print)


if __name__ == "__main__":
    main()
