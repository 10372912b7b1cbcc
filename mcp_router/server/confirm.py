"""The question whether one call may cost more than the limit per request, and its answer.

Only a person can say yes, through the host; a yes holds for one call and lifts no other budget.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, NamedTuple

from mcp import MCPError
from mcp.server.elicitation import AcceptedElicitation, render_elicitation_schema
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ElicitRequest, ElicitRequestFormParams, ElicitResult, InputRequiredResult
from pydantic import BaseModel, Field, ValidationError

from mcp_router.errors import NoCandidateError
from mcp_router.money import format_usd, short_usd, to_nanos

if TYPE_CHECKING:
    from mcp_router.router import Router
    from mcp_router.types import Request

QUESTION = "confirm_cost"
MAX_OPEN = 64
ROOM = 4
"""How many times the expected answer a confirmed call may be long, unless it says max_tokens."""

LEAST_ROOM = 1024
FALLBACK_PERCENT = 25
"""How much dearer a model may be that answers where the chosen one fails."""

ASKS_IN_RESULTS = "2026-07-28"
"""The first protocol revision in which a server asks in the result of a call."""


_GENERAL = ("day", "month")


class Confirm(BaseModel):
    """What the person is asked to fill in."""

    run: bool = Field(title="Run it once", description="Yes pays for this one call only")


class Quote(NamedTuple):
    """What a call over the limit per request would cost; nano-dollars.

    `most` is the limit that a confirmation gives this one call instead of `limit`.
    """

    model: str
    expected: int
    most: int
    limit: int

    def __str__(self) -> str:
        """Say it in one sentence."""
        return (
            f"This call is expected to cost ${short_usd(self.expected)} with {self.model} and may "
            f"cost up to ${short_usd(self.most)}; the limit per request is "
            f"${format_usd(self.limit)}."
        )


def quote(router: Router, request: Request) -> Quote | None:
    """Price a request that was refused; None if not the limit per request is what is in its way.

    Raises:
        StorageError: the budgets could not be read.
    """
    from mcp_router.execution.costs import ceiling, worst_case

    budgets, now = router.budget(), router.now()
    limits = [one.limit_usd for one in budgets if one.period == "request"]
    if not limits or limits[0] is None:
        return None
    left = [one.left_usd for one in budgets if one.name in _GENERAL and one.left_usd is not None]
    state = router.observe().model_copy(
        update={"require_credentials": True, "budget_left_usd": min(left, default=None)}
    )
    try:
        best = router.decide(request, state=state, now=now).candidates[0]
    except NoCandidateError:
        return None
    model = router.catalog.resolve(best.model)
    most = ceiling(model, inputs=best.input_tokens, max_tokens=request.max_tokens)
    if request.max_tokens is None:
        room = max(LEAST_ROOM, ROOM * best.output_tokens)
        most = most._replace(outputs=min(most.outputs, room))
    amount, limit = worst_case(model, most, now=now), to_nanos(limits[0])
    if amount is None or amount <= limit or best.estimated_cost_usd is None:
        return None
    spare = amount * FALLBACK_PERCENT // 100
    return Quote(best.model, to_nanos(best.estimated_cost_usd), amount + spare, limit)


class Questions:
    """Asks through the host, by a request of its own or in the result, as the era has it."""

    def __init__(self) -> None:
        self._open: dict[str, Quote] = {}

    def confirmed(self, context: Context[Any, Any]) -> Quote | None:
        """Return the quote that this call brings a yes to; a yes counts once.

        Raises:
            ToolError: it brings a no.
        """
        asked = self._open.pop(context.request_state or "", None)
        answer = (context.input_responses or {}).get(QUESTION)
        if asked is None or not isinstance(answer, ElicitResult):
            return None
        try:
            yes = answer.action == "accept" and Confirm.model_validate(answer.content).run
        except ValidationError:
            yes = False
        if not yes:
            raise ToolError(_declined(asked))
        return asked

    async def ask(self, price: Quote, *, context: Context[Any, Any]) -> InputRequiredResult | None:
        """Ask the person. None means yes; a result is to be returned, as the answer comes later.

        Raises:
            ToolError: the person said no, or cannot be asked.
        """
        if not can_ask(context):
            raise ToolError(
                f"{price} Nothing was run, and this host has no way to ask for more. "
                f"{_next_step(price)}"
            )
        question = f"{price} Run it once all the same? Every other budget still holds."
        if (context.protocol_version or "") >= ASKS_IN_RESULTS:
            return self._in_result(question, price=price)
        try:
            answer = await context.elicit(question, Confirm)
        except (MCPError, ValueError) as error:
            raise ToolError(
                f"{price} Nothing was run, as the host gave no usable answer to the question "
                f"whether it may. {_next_step(price)}"
            ) from error
        if not (isinstance(answer, AcceptedElicitation) and answer.data.run):
            raise ToolError(_declined(price))
        return None

    def _in_result(self, question: str, *, price: Quote) -> InputRequiredResult:
        # The SDK seals the key and binds it to this tool and these arguments.
        key = secrets.token_hex(8)
        if len(self._open) >= MAX_OPEN:
            self._open.pop(next(iter(self._open)))
        self._open[key] = price
        form = ElicitRequestFormParams(
            message=question, requested_schema=render_elicitation_schema(Confirm)
        )
        return InputRequiredResult(
            input_requests={QUESTION: ElicitRequest(params=form)}, request_state=key
        )


def can_ask(context: Context[Any, Any]) -> bool:
    """Say whether the host declared forms; a bare declaration, older than the modes, means them."""
    can = context.client_capabilities
    if can is None or can.elicitation is None:
        return False
    return can.elicitation.form is not None or can.elicitation.url is None


def _declined(price: Quote) -> str:
    return f"{price} The person declined it, so nothing was run. {_next_step(price)}"


def _next_step(price: Quote) -> str:
    return (
        "Lower max_tokens, shorten the prompt, choose a cheaper chain, or let the person type "
        f"`mcp-router budget set --per-request {format_usd(price.most)}`."
    )
