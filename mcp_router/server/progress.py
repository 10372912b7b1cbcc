"""Progress of a long call: each attempt is told, and every few seconds that it still runs."""

from __future__ import annotations

from collections.abc import Awaitable
from math import inf
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
from mcp import MCPError
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError

from mcp_router.errors import RouterError

if TYPE_CHECKING:
    from mcp_router.types import AttemptEvent

HEARTBEAT_SECONDS = 3.0
"""How often a host hears of a call that waits; some give a silent one up after 10 to 60 s."""

Result = TypeVar("Result")


class Progress:
    """Tells one call's host what it is doing, if the host asked; the measure is seconds."""

    def __init__(self, context: Context[Any, Any]) -> None:
        self.attempts = 0
        self._context = context
        self._news, self._heard = anyio.create_memory_object_stream[str](inf)
        self._began = anyio.current_time()
        self._last = 0.0

    def attempt(self, event: AttemptEvent) -> None:
        """Tell that an attempt begins, and why the one before it failed."""
        self.attempts = event.number
        after = event.after
        why = f"; {after.model} gave none: {after.reason or after.outcome}" if after else ""
        self.say(f"Attempt {event.number}: waiting for {event.model} at {event.provider}{why}")

    def say(self, message: str) -> None:
        """Tell what is being done now."""
        self._news.send_nowait(message)

    async def along(self, work: Awaitable[Result]) -> Result:
        """Do the work and tell of it meanwhile.

        Raises:
            RouterError, ToolError, MCPError: as the work raises.
        """
        answer: tuple[Result] | RouterError | ToolError | MCPError | None = None
        with self._news, self._heard:
            async with anyio.create_task_group() as group:
                group.start_soon(self._tell)
                try:
                    answer = (await work,)
                except (RouterError, ToolError, MCPError) as error:
                    # Raised in here, it would leave the group as an exception group.
                    answer = error
                # What was said is still sent, so that it stands before the answer.
                self._news.close()
        if isinstance(answer, tuple):
            return answer[0]
        raise answer or RuntimeError("a call ended without an answer")

    async def _tell(self) -> None:
        doing = "Choosing a model"
        while True:
            with anyio.move_on_after(HEARTBEAT_SECONDS):
                try:
                    doing = await self._heard.receive()
                except anyio.EndOfStream:
                    return
            now = anyio.current_time() - self._began
            # The protocol wants every value to be higher than the one before it.
            self._last = max(round(now, 3), self._last + 0.001)
            await self._context.report_progress(self._last, message=doing)
