"""Tools with which an agent asks the router; none of them spends money or changes a budget."""

from __future__ import annotations

import inspect
import json
import weakref
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from langchain_core.tools import BaseTool, StructuredTool, ToolException
from pydantic import BaseModel, Field, ValidationError

from mcp_router import Constraints, Decision, Router, RouterError, Settings

_CANDIDATES = 3
_ROWS = 20
_SHORT: Mapping[str, Any] = {
    **dict.fromkeys(("decision_id", "model", "provider", "task_type", "complexity"), True),
    **dict.fromkeys(("strategy", "confidence", "reason", "fallbacks", "needs_key"), True),
    "estimated": {"cost_usd", "input_tokens", "output_tokens", "latency_ms"},
    "warnings": True,
}

StrategyName = Literal["balanced", "quality_first", "cost_first", "latency_first"]
Period = Literal["day", "week", "month", "all"]
Grouping = Literal["model", "task", "day", "project", "category", "provider"]
Needed = Literal[
    "vision", "tools", "json", "long_context", "thinking", "code", "reasoning", "coding",
    "creativity", "speed", "context", "cost",
]  # fmt: skip
Prompt = Annotated[str, Field(description="The whole task")]
ContextTokens = Annotated[
    int | None, Field(ge=0, description="Tokens of files and history on top of the prompt")
]


class RouteArguments(BaseModel):
    """What `route` takes."""

    prompt: Prompt
    strategy: StrategyName | None = None
    max_cost_usd: Annotated[float | None, Field(ge=0)] = None
    max_latency_ms: Annotated[int | None, Field(gt=0)] = None
    min_quality: Annotated[
        float | None, Field(ge=0, le=1, description="Least chance of a good answer")
    ] = None
    requires: list[Needed] | None = None
    context_tokens: ContextTokens = None
    models: Annotated[list[str] | None, Field(description="Choose among these only")] = None


class ClassifyArguments(BaseModel):
    """What `classify` takes."""

    prompt: Prompt
    context_tokens: ContextTokens = None


class StatsArguments(BaseModel):
    """What `stats` takes."""

    period: Period = "month"
    by: Grouping = "model"


class NoArguments(BaseModel):
    """What `budget` takes."""


def router_tools(
    *, router: Router | None = None, settings: Settings | None = None
) -> list[BaseTool]:
    """Build the tools `route`, `classify`, `budget` and `stats` over one router.

    Each answers with JSON for the model and the whole value as the message's artifact. What the
    router refuses comes back as a tool message with status "error", so that the agent can mend
    its arguments. Budgets change in the settings and the terminal only.

    Args:
        router: an open router to share; its owner closes it.
        settings: settings of a router of the tools' own, where no router is given; by default
            those of the environment and the settings file.

    Raises:
        ConfigError: a setting is wrong; names the file, the key and what is allowed.
    """
    asked = _Tools(router or Router.open(settings))
    if router is None:
        weakref.finalize(asked, asked.router.close)
    return [
        _tool(asked.route, RouteArguments),
        _tool(asked.classify, ClassifyArguments),
        _tool(asked.budget, NoArguments),
        _tool(asked.stats, StatsArguments),
    ]


Answer = tuple[str, object]


class _Tools:
    def __init__(self, router: Router) -> None:
        self.router = router

    def route(self, prompt: str, **asked: Any) -> Answer:
        """Choose the model for a task: why, at what cost, and what to fall back to.

        Use it before you start or delegate work. It calls no model and nothing leaves this machine.
        """
        own = {name: asked.pop(name, None) for name in ("strategy", "context_tokens")}
        try:
            # What was not asked must not count as set, as it would lift what the settings say.
            given = {name: value for name, value in asked.items() if value is not None}
            if "max_cost_usd" in given:
                given["max_cost_usd"] = str(given["max_cost_usd"])
            limits = Constraints.model_validate(given)
            decision = self.router.route(prompt, constraints=limits, **own)
        except RouterError as error:
            raise ToolException(str(error)) from error
        return _json(_short(decision)), decision

    def classify(self, prompt: str, context_tokens: int | None = None) -> Answer:
        """Judge a task without choosing a model: type, difficulty, needs, tokens.

        For a model and a price, use route.
        """
        try:
            found = self.router.classify(prompt, context_tokens=context_tokens)
        except RouterError as error:
            raise ToolException(str(error)) from error
        return _json(found.model_dump(mode="json", exclude={"cues", "probabilities"})), found

    def budget(self) -> Answer:
        """Show each budget: limit, spent, reserved, left, when it resets.

        For where it went, use stats. A person changes limits in the terminal.
        """
        try:
            budgets = self.router.budget()
        except RouterError as error:
            raise ToolException(str(error)) from error
        rows = [one.model_dump(mode="json", exclude_none=True) for one in budgets]
        return _json({"budgets": rows}), budgets

    def stats(self, period: Period = "month", by: Grouping = "model") -> Answer:
        """Report decisions, calls, tokens, cost, savings and latency of a period, in groups.

        For what is left, use budget.
        """
        try:
            rows = self.router.stats(period=period, by=by)
        except RouterError as error:
            raise ToolException(str(error)) from error
        told = [one.model_dump(mode="json", exclude_none=True) for one in rows[:_ROWS]]
        left = {"left_out": len(rows) - len(told)} if len(rows) > len(told) else {}
        return _json({"period": period, "by": by, "rows": told, **left}), rows


def _tool(function: Callable[..., Answer], arguments: type[BaseModel]) -> BaseTool:
    return StructuredTool.from_function(
        function,
        description=inspect.getdoc(function),
        args_schema=arguments,
        response_format="content_and_artifact",
        handle_tool_error=True,
        handle_validation_error=_complaint,
    )


def _complaint(error: object) -> str:
    """Name the first wrong argument, so that the model can mend it."""
    if not isinstance(error, ValidationError):
        return "The arguments do not fit the tool."
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'.'.join(str(step) for step in first['loc'])}: {first['msg']}."


def _short(decision: Decision) -> dict[str, object]:
    told: dict[str, object] = decision.model_dump(
        mode="json", include=dict(_SHORT), exclude_none=True
    )
    told["candidates"] = [
        {"model": one.model, "score": round(one.score, 3)}
        for one in decision.candidates[:_CANDIDATES]
    ]
    told["rejected"] = len(decision.rejected)
    return told


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
