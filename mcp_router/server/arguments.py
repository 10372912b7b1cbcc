"""The arguments of the tools, each with its type, limits and one line for the model."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from mcp_router.money import Usd

StrategyName = Literal["balanced", "quality_first", "cost_first", "latency_first"]

RequirementName = Literal[
    "vision",
    "tools",
    "json",
    "long_context",
    "thinking",
    "code",
    "reasoning",
    "coding",
    "creativity",
    "speed",
    "context",
    "cost",
]


def _listed(value: object) -> object:
    # Agents often write one name, or several with commas, where a list is asked for.
    if isinstance(value, str):
        return [name.strip() for name in value.split(",") if name.strip()]
    return value


def _mended(text: str) -> str:
    # Half an emoji, cut off by the caller, is no reason to refuse the task.
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


Mended = Annotated[str, AfterValidator(_mended)]
Prompt = Annotated[Mended, Field(description="The task, as you would give it to the model")]
ContextTokens = Annotated[
    int, Field(ge=0, description="Tokens of files and history that come on top of the prompt")
]
StrategyArgument = Annotated[StrategyName | None, Field(description="What matters most")]
MaxCost = Annotated[
    Usd | None,
    WithJsonSchema({"type": "number", "minimum": 0}),
    Field(description="US dollars for this task at most"),
]
MaxLatency = Annotated[int | None, Field(gt=0)]
MinQuality = Annotated[
    float | None, Field(ge=0, le=1, description="Chance of a good answer at least")
]
Requires = Annotated[
    list[RequirementName] | None,
    BeforeValidator(_listed),
    Field(description="What the model must be able to do"),
]
Models = Annotated[
    list[Mended] | None,
    BeforeValidator(_listed),
    Field(description="Choose among these names or aliases only"),
]
Period = Literal["day", "week", "month", "all"]
Grouping = Literal["model", "task", "day", "project", "category", "provider"]
