"""Serve MCP over stdio: `python -m mcp_router.server`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from mcp_router.server.app import serve

if TYPE_CHECKING:
    from mcp_router.router import Router


def _open_router() -> Router:
    # Imported at the first tool call, so that the first answer does not wait for it.
    from mcp_router.router import Router

    return Router.open()


if __name__ == "__main__":
    sys.exit(serve(_open_router))
