"""The arguments of the tools, each with its type, limits and, where its name is not enough, a line.

The server checks more than the schemas say: a bound there is paid for in every session.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from mcp_router.money import Usd
from mcp_router.types import Constraints

MAX_TIMEOUT_SECONDS = 3600

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


def _text(value: object) -> object:
    return "" if value is None else value


Mended = Annotated[str, AfterValidator(_mended)]
# Declared as plain strings: the SDK reads other types as JSON where the text looks like it.
OptionalText = Annotated[Mended, BeforeValidator(_text), WithJsonSchema({"type": "string"})]
Names = Annotated[list[Mended] | None, BeforeValidator(_listed)]
Prompt = Annotated[Mended, Field(description="The whole task")]
System = OptionalText
Category = Annotated[OptionalText, Field(description="Label for stats")]
ContextTokens = Annotated[
    int | None,
    Field(ge=0, description="Files and history on top of the prompt"),
    WithJsonSchema({"type": "integer"}),
]
StrategyArgument = StrategyName | None
MaxCost = Annotated[Usd | None, WithJsonSchema({"type": "number"})]
MaxLatency = Annotated[int | None, Field(gt=0), WithJsonSchema({"type": "integer"})]
MaxTokens = Annotated[
    int | None, Field(gt=0, description="Of the answer"), WithJsonSchema({"type": "integer"})
]
TimeoutSeconds = Annotated[
    float | None,
    Field(ge=0.001, le=MAX_TIMEOUT_SECONDS, description="For all attempts"),
    WithJsonSchema({"type": "number"}),
]
MinQuality = Annotated[float | None, Field(ge=0, le=1, description="Least chance of a good answer")]
MinQualityAsInRoute = Annotated[float | None, Field(ge=0, le=1), WithJsonSchema({"type": "number"})]
Requires = Annotated[list[RequirementName] | None, BeforeValidator(_listed)]
RequiresAsInRoute = Annotated[
    Requires,
    Field(description="As in route"),
    WithJsonSchema({"type": "array", "items": {"type": "string"}}),
]
Models = Annotated[Names, Field(description="Choose among these only")]
Chain = Annotated[Names, Field(description="Models to try in order, or one chain's name")]
_MODES = ["single", "cascade", "ensemble", "redundant"]
ModeName = Annotated[
    Literal["single", "cascade", "ensemble", "redundant"] | None,
    WithJsonSchema({"type": "string", "enum": _MODES}),
]
Period = Literal["day", "week", "month", "all"]
Grouping = Literal["model", "task", "day", "project", "category", "provider"]


def constraints(**given: object) -> Constraints:
    """Build constraints from the arguments that were given.

    One that was not must not count as set, as it would lift what the settings say.
    """
    return Constraints.model_validate({name: it for name, it in given.items() if it is not None})
