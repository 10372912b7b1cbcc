"""What a balancer asks: whether the process lives, and whether it wants more requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

from mcp_router.errors import StorageError
from mcp_router.version import __version__

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from mcp_router.access.book import TokenBook


class Probes:
    """Answers without a token, and tells nothing that matters."""

    def __init__(self, book: TokenBook) -> None:
        self._book = book
        self.draining = False

    async def health(self, _request: Request) -> Response:
        """Say that the process answers."""
        return JSONResponse({"status": "ok", "version": __version__})

    async def ready(self, _request: Request) -> Response:
        """Say whether more requests are welcome: the store answers, and no end is near."""
        if self.draining:
            return JSONResponse({"status": "draining"}, status_code=503)
        try:
            await self._book.refresh(max_age_ms=0)
        except StorageError:
            return JSONResponse({"status": "no storage"}, status_code=503)
        return JSONResponse({"status": "ready"})
