"""Tells those who subscribed that the budgets changed, in both protocol eras."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import anyio
from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver import Context
from mcp.server.session import ServerSession
from mcp.types import EmptyResult, SubscribeRequestParams, UnsubscribeRequestParams

from mcp_router.errors import StorageError
from mcp_router.server.lazy import LazyRouter

BUDGET_URI = "router://budget"
MAX_SUBSCRIBERS = 100
PATIENCE_SECONDS = 1.0
"""How long a host that reads nothing may hold up the end of a call."""


class BudgetWatch:
    """Compares the budgets with what they were at the last look, and tells of a change.

    Sessions of the 2025 era subscribe here; later ones listen to the server's own bus.
    """

    def __init__(self, router: LazyRouter) -> None:
        self._router = router
        self._subscribers: list[ServerSession] = []
        self._seen: object = None

    async def subscribe(
        self, context: ServerRequestContext[Any, Any], params: SubscribeRequestParams
    ) -> EmptyResult:
        """Note a session that wants to hear of changes; other resources never change."""
        if params.uri == BUDGET_URI:
            self._forget(context.session)
            self._subscribers = [*self._subscribers, context.session][-MAX_SUBSCRIBERS:]
        return EmptyResult()

    async def unsubscribe(
        self, context: ServerRequestContext[Any, Any], params: UnsubscribeRequestParams
    ) -> EmptyResult:
        """Forget a session."""
        if params.uri == BUDGET_URI:
            self._forget(context.session)
        return EmptyResult()

    async def look(self, context: Context[Any, Any]) -> None:
        """Tell the subscribers if anything was spent or a limit or an alert changed since the last.

        Does so even in a call that is being cancelled, but not for long.

        Raises:
            RouterError: the router cannot be opened.
        """
        with anyio.move_on_after(PATIENCE_SECONDS, shield=True), suppress(StorageError):
            before, self._seen = self._seen, await self._state()
            if before in (None, self._seen):
                return
            await context.notify_resource_updated(BUDGET_URI)
            for session in self._subscribers:
                await session.send_resource_updated(BUDGET_URI)

    async def _state(self) -> object:
        budgets = await self._router.ask(lambda router: router.budget())
        return [(one.name, one.limit_usd, one.spent_usd, one.alert is None) for one in budgets]

    def _forget(self, gone: ServerSession) -> None:
        # Each request has a session object of its own; what the client said at first is shared.
        self._subscribers = [
            one for one in self._subscribers if one.client_params is not gone.client_params
        ]
