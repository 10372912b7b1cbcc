"""The tools: parse the arguments, ask the router, give a short answer."""

from __future__ import annotations

from typing import Annotated

from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult, ToolAnnotations

from mcp_router.access.grant import granted, visible
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
    constraints,
)
from mcp_router.server.completions import MAX_RESULT_CHARS, RESULT_SIZE_KEY
from mcp_router.server.execute import Execution
from mcp_router.server.lazy import LazyRouter
from mcp_router.server.report import REPORT_META
from mcp_router.server.strict import StrictTool
from mcp_router.server.watch import BudgetWatch


class RouterTools:
    """The functions behind the tools that only read; each call runs on a worker thread."""

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
        context_tokens: ContextTokens = None,
        models: Models = None,
    ) -> Annotated[CallToolResult, RouteAnswer]:
        """Choose the model for a task: why, at what cost, and what to fall back to.

        Use it before you start or delegate work; use execute_with_fallback to run it. Runs \
nothing; nothing leaves this machine.
        Example: {"prompt": "Fix the login bug", "strategy": "cost_first"}
        """
        # Loaded here, as the first answer of the server does not need it.
        from mcp_router.routing.intake import as_request

        limits = constraints(
            max_cost_usd=max_cost_usd,
            max_latency_ms=max_latency_ms,
            min_quality=min_quality,
            requires=requires,
            models=models,
        )
        router = self._router.get()
        request = as_request(
            prompt, strategy=strategy, constraints=limits, context_tokens=context_tokens
        )
        return route_answer(router.route(granted(request, catalog=router.catalog)))

    def classify(
        self, prompt: Prompt, context_tokens: ContextTokens = None
    ) -> Annotated[CallToolResult, ClassifyAnswer]:
        """Judge a task without choosing a model: type, difficulty, needs, tokens.

        For a model and a price, use route. Nothing leaves this machine or is stored.
        """
        found = self._router.get().classify(prompt, context_tokens=context_tokens)
        return classify_answer(found)

    def budget(self) -> Annotated[CallToolResult, BudgetAnswer]:
        """Show each budget: limit, spent, reserved, left, when it resets.

        For where it went, use stats. Reads local records only; limits change in the terminal.
        """
        return budget_answer(visible(self._router.get().budget()))

    def stats(
        self, period: Period = "month", by: Grouping = "model"
    ) -> Annotated[CallToolResult, StatsAnswer]:
        """Report decisions, calls, tokens, cost, savings and latency of a period, in groups.

        For what is left, use budget. Reads local records only. Default: month, by model.
        """
        rows = self._router.get().stats(period=period, by=by)
        return stats_answer(rows, period=period, by=by)


def router_tools(router: LazyRouter, *, watch: BudgetWatch | None = None) -> list[Tool]:
    """Build the tools over one router, in the order they are listed.

    `watch` is told when a call may have spent money.
    """
    tools = RouterTools(router)
    run = Execution(router, watch=watch or BudgetWatch(router))
    return [
        StrictTool.of(tools.route, title="Choose a model", annotations=_READING),
        StrictTool.of(tools.classify, title="Judge a task", annotations=_READING),
        StrictTool.of(
            run.execute_with_fallback,
            title="Run a task",
            annotations=_SPENDING,
            meta={RESULT_SIZE_KEY: MAX_RESULT_CHARS},
        ),
        StrictTool.of(tools.budget, title="Show budgets", annotations=_READING),
        StrictTool.of(tools.stats, title="Show statistics", annotations=_READING, meta=REPORT_META),
    ]


_SPENDING = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=True
)
# Whether a call may be repeated is a question the protocol asks only of tools that change things.
_READING = ToolAnnotations(read_only_hint=True, destructive_hint=False, open_world_hint=False)
