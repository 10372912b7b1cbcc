"""Serve MCP over stdio: `python -m mcp_router.server`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_router.server.app import serve

if TYPE_CHECKING:
    from mcp_router.router import Router


def _open_router() -> Router:
    # Imported at the first tool call, so that the first answer does not wait for it.
    from mcp_router.router import Router

    return Router.open()


def _stamp() -> object:
    from mcp_router.config.stamp import settings_stamp

    return settings_stamp(config=None, environ=os.environ, cwd=Path.cwd())


if __name__ == "__main__":
    sys.exit(serve(_open_router, stamp=_stamp))
