"""The resources: the catalogue, the budgets and each stored decision, as JSON."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from anyio import to_thread
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.types import (
    Completion,
    CompletionArgument,
    CompletionContext,
    PromptReference,
    ResourceTemplateReference,
)

from mcp_router.access.grant import visible
from mcp_router.errors import RouterError, UnknownDecisionError
from mcp_router.money import format_usd
from mcp_router.server.answers import budget_rows
from mcp_router.server.lazy import LazyRouter
from mcp_router.server.plain import escaped
from mcp_router.server.watch import BUDGET_URI

if TYPE_CHECKING:
    from mcp_router.types import ModelInfo

MAX_MODELS = 100
MAX_COMPLETIONS = 100
DECISION_URI = "router://decisions/{decision_id}"

Completer = Callable[
    [PromptReference | ResourceTemplateReference, CompletionArgument, CompletionContext | None],
    Awaitable[Completion | None],
]

PromptCompleter = Callable[[PromptReference, CompletionArgument], Awaitable[Completion | None]]


class RouterResources:
    """The functions behind the resources; all but the completion run on a worker thread."""

    def __init__(self, router: LazyRouter, *, complete_prompt: PromptCompleter) -> None:
        self._router = router
        self._complete_prompt = complete_prompt

    def catalog(self) -> str:
        """Return the models to choose from now as JSON, at most MAX_MODELS of them."""
        now = datetime.now(UTC)
        with readable():
            catalog = self._router.get().catalog
        current = [m for m in catalog.models if m.retires_on is None or m.retires_on > now.date()]
        body: dict[str, Any] = {
            "version": catalog.version,
            "models": [_model(model, now=now) for model in current[:MAX_MODELS]],
        }
        if len(current) > MAX_MODELS:
            body["left_out"] = len(current) - MAX_MODELS
        return _compact(body)

    def budget(self) -> str:
        """Return each budget as JSON, as the tool does."""
        with readable():
            return _compact({"budgets": budget_rows(visible(self._router.get().budget()))})

    def decision(self, decision_id: str) -> str:
        """Return a stored decision in full as JSON."""
        with readable():
            found = self._router.get().explain(decision_id)
        return escaped(found.model_dump_json(exclude_none=True))

    async def complete(
        self,
        reference: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        _context: CompletionContext | None,
    ) -> Completion | None:
        """Complete a decision id from the latest decisions in the store, or a prompt's argument."""
        if isinstance(reference, PromptReference):
            return await self._complete_prompt(reference, argument)
        if reference.uri != DECISION_URI:
            return None
        return Completion(values=await to_thread.run_sync(self._decision_ids, argument.value))

    def _decision_ids(self, prefix: str) -> list[str]:
        recent = self._router.get().recent(limit=MAX_COMPLETIONS)
        return [one.decision_id for one in recent if one.decision_id.startswith(prefix)]


def add_resources(
    server: MCPServer[None], *, router: LazyRouter, complete_prompt: PromptCompleter
) -> None:
    """Register the resources and the one completion of a server, of decision ids and prompts."""
    resources = RouterResources(router, complete_prompt=complete_prompt)
    add = partial(server.resource, mime_type="application/json")
    add(
        "router://catalog",
        title="Model catalogue",
        description="Models to choose from now: price in USD per million tokens, context, ratings.",
    )(resources.catalog)
    add(
        BUDGET_URI,
        title="Budgets",
        description="Each budget: limit, spent, reserved, left, when it resets.",
    )(resources.budget)
    add(
        DECISION_URI,
        title="A decision",
        description="A stored decision in full: every candidate, every rejection, every reason.",
    )(resources.decision)
    # The SDK's decorator has no annotations of its own.
    completing: Callable[[], Callable[[Completer], Completer]] = server.completion
    completing()(resources.complete)


@contextmanager
def readable() -> Generator[None]:
    """Turn a refusal of the router into one that a client can read.

    Raises:
        ResourceNotFoundError: there is no such decision.
        ResourceError: the router refused.
    """
    try:
        yield
    except UnknownDecisionError as error:
        raise ResourceNotFoundError(str(error)) from error
    except RouterError as error:
        raise ResourceError(str(error)) from error


def _model(model: ModelInfo, *, now: datetime) -> dict[str, Any]:
    from mcp_router.catalog.pricing import rates_at

    row: dict[str, Any] = {
        "model": model.name,
        "provider": model.provider,
        "context": model.context,
        "max_output": model.max_output,
        "quality": model.quality.value,
        "capabilities": {name.value: rating for name, rating in model.capabilities.items()},
    }
    rates = rates_at(model, now=now, prompt_tokens=0)
    if rates is not None:
        row["price"] = {"input": format_usd(rates.input), "output": format_usd(rates.output)}
    return row


def _compact(body: object) -> str:
    return escaped(json.dumps(body, ensure_ascii=False, separators=(",", ":")))
