"""The question whether a line may change settings or records: only a person can say yes."""

from __future__ import annotations

import secrets
from typing import Any

from mcp import MCPError
from mcp.server.elicitation import AcceptedElicitation, render_elicitation_schema
from mcp.server.mcpserver import Context
from mcp.types import ElicitRequest, ElicitRequestFormParams, ElicitResult, InputRequiredResult
from pydantic import BaseModel, Field, ValidationError

from mcp_router.server.confirm import ASKS_IN_RESULTS, can_ask

QUESTION = "confirm_change"
MAX_OPEN = 64
MAX_TYPED = 300
"""Characters of a line that every host shows whole."""


class Change(BaseModel):
    """What the person is asked to fill in."""

    change: bool = Field(title="Change it", description="Yes runs this line once")


class Consent:
    """Asks through the host, by a request of its own or in the result, as the era has it."""

    def __init__(self) -> None:
        self._open: dict[str, str] = {}

    def can_ask(self, typed: str, *, context: Context[Any, Any]) -> bool:
        """Say whether the host can ask its person, who must see the whole line as it is."""
        return can_ask(context) and len(typed) <= MAX_TYPED and typed.isprintable()

    async def ask(self, typed: str, *, context: Context[Any, Any]) -> bool | InputRequiredResult:
        """Ask whether a line may run; a result is to be returned, as the answer comes later."""
        asked = self._open.pop(context.request_state or "", None)
        if asked == typed:
            return _said_yes((context.input_responses or {}).get(QUESTION))
        question = (
            f"Your agent's host was given this line: {typed}. Run it, and change what it says?"
        )
        if (context.protocol_version or "") >= ASKS_IN_RESULTS:
            return self._in_result(question, typed=typed)
        try:
            answer = await context.elicit(question, Change)
        except (MCPError, ValueError):
            return False
        return isinstance(answer, AcceptedElicitation) and answer.data.change

    def _in_result(self, question: str, *, typed: str) -> InputRequiredResult:
        key = secrets.token_hex(8)
        if len(self._open) >= MAX_OPEN:
            self._open.pop(next(iter(self._open)))
        self._open[key] = typed
        form = ElicitRequestFormParams(
            message=question, requested_schema=render_elicitation_schema(Change)
        )
        return InputRequiredResult(
            input_requests={QUESTION: ElicitRequest(params=form)}, request_state=key
        )


def _said_yes(answer: object) -> bool:
    if not isinstance(answer, ElicitResult) or answer.action != "accept":
        return False
    try:
        return Change.model_validate(answer.content).change
    except ValidationError:
        return False
