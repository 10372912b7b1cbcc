"""Surrounds each call: it runs under the settings of its start, and tells of ones that failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp.types import CallToolResult, TextContent

if TYPE_CHECKING:
    from mcp.server.context import (
        CallNext,
        HandlerResult,
        ServerMiddleware,
        ServerRequestContext,
    )

    from mcp_router.server.lazy import LazyRouter

_CALLS = frozenset({"tools/call", "resources/read", "completion/complete"})
"""The requests that use the router; others, such as to listen, last or need none."""

MAX_NOTE_CHARS = 400


def renewing(router: LazyRouter) -> ServerMiddleware[Any]:
    """Build what takes up changed settings before a call, and holds its router until its end."""

    async def around(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        if ctx.method not in _CALLS:
            return await call_next(ctx)
        async with router.call():
            result = await call_next(ctx)
        if router.problem and ctx.method == "tools/call":
            return _noted(result, router.problem)
        return result

    return around


def _noted(result: HandlerResult, problem: str) -> HandlerResult:
    """Add a sentence to an answer, also to the object, as some hosts show only that."""
    given = result if isinstance(result, CallToolResult) else CallToolResult.model_validate(result)
    told = problem if len(problem) <= MAX_NOTE_CHARS else f"{problem[: MAX_NOTE_CHARS - 1]}…"
    body = given.structured_content
    if body is not None:
        body = {**body, "warnings": [*body.get("warnings", ()), told]}
    note = TextContent(type="text", text=f"Note: {told}")
    return given.model_copy(update={"content": [*given.content, note], "structured_content": body})
