"""The tools: parse the arguments, ask the router, give a short answer."""

from __future__ import annotations

from typing import Annotated

from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult, ToolAnnotations

from mcp_router.server.answers import (
    BudgetAnswer,
    ClassifyAnswer,
    RouteAnswer,
    StatsAnswer,
    budget_answer,
    classify_answer,
    route_answer,
    stats_answer,
)
from mcp_router.server.arguments import (
    ContextTokens,
    Grouping,
    MaxCost,
    MaxLatency,
    MinQuality,
    Models,
    Period,
    Prompt,
    Requires,
    StrategyArgument,
)
from mcp_router.server.lazy import LazyRouter
from mcp_router.server.strict import StrictTool
from mcp_router.types import Constraints


class RouterTools:
    """The functions behind the tools; synchronous, so each call runs on a worker thread."""

    def __init__(self, router: LazyRouter) -> None:
        self._router = router

    def route(
        self,
        prompt: Prompt,
        strategy: StrategyArgument = None,
        max_cost_usd: MaxCost = None,
        max_latency_ms: MaxLatency = None,
        min_quality: MinQuality = None,
        requires: Requires = None,
        context_tokens: ContextTokens = 0,
        models: Models = None,
    ) -> Annotated[CallToolResult, RouteAnswer]:
        """Choose the model for a task: why, at what cost, and what to fall back to.

        Use it before starting or delegating work, or to compare models; use classify to judge \
the task alone. It recommends and runs nothing; nothing leaves this machine.
        Defaults: the configured strategy (balanced), no limits, every model.
        Example: {"prompt": "Fix the login bug", "strategy": "cost_first", "min_quality": 0.8}
        """
        constraints = Constraints.model_validate(
            {
                "max_cost_usd": max_cost_usd,
                "max_latency_ms": max_latency_ms,
                "min_quality": min_quality,
                "requires": requires or (),
                "models": models or (),
            }
        )
        decision = self._router.get().route(
            prompt, strategy=strategy, constraints=constraints, context_tokens=context_tokens
        )
        return route_answer(decision)

    def classify(
        self, prompt: Prompt, context_tokens: ContextTokens = 0
    ) -> Annotated[CallToolResult, ClassifyAnswer]:
        """Judge a task without choosing a model: type, difficulty, needs, expected tokens.

        Use it to sort or size work; use route to get a model and a price. Nothing leaves this \
machine or is stored.
        Example: {"prompt": "Prove that the square root of 2 is irrational"}
        """
        found = self._router.get().classify(prompt, context_tokens=context_tokens)
        return classify_answer(found)

    def budget(self) -> Annotated[CallToolResult, BudgetAnswer]:
        """Show each budget: limit, spent, reserved, left, when it resets.

        Use it before costly work; use stats for where the money went. Reads local records only; \
limits change on the command line, not here.
        Example: {}
        """
        return budget_answer(self._router.get().budget())

    def stats(
        self, period: Period = "month", by: Grouping = "model"
    ) -> Annotated[CallToolResult, StatsAnswer]:
        """Report decisions, calls, tokens, cost, savings and latency of a period, in groups.

        Use it for "what did we spend"; use budget for what is left. Reads local records only.
        Defaults: period month, by model. Example: {"period": "day", "by": "task"}
        """
        rows = self._router.get().stats(period=period, by=by)
        return stats_answer(rows, period=period, by=by)


def router_tools(router: LazyRouter) -> list[Tool]:
    """Build the tools over one router, in the order they are listed."""
    tools = RouterTools(router)
    # Each decision gets an id of its own, so route is the one that is not idempotent.
    once, again = _annotations(idempotent=False), _annotations(idempotent=True)
    return [
        StrictTool.of(tools.route, title="Choose a model", annotations=once),
        StrictTool.of(tools.classify, title="Judge a task", annotations=again),
        StrictTool.of(tools.budget, title="Show budgets", annotations=again),
        StrictTool.of(tools.stats, title="Show statistics", annotations=again),
    ]


def _annotations(*, idempotent: bool) -> ToolAnnotations:
    return ToolAnnotations(
        read_only_hint=True,
        destructive_hint=False,
        idempotent_hint=idempotent,
        open_world_hint=False,
    )
