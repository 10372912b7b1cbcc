"""What is asked of the router: messages, tools, constraints, the request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from mcp_router.money import Usd
from mcp_router.types.words import (
    Capability,
    Effort,
    Need,
    Prose,
    Resolve,
    Reuse,
    Score,
    Strategy,
    Tokens,
    Value,
)


class Text(Value):
    """A piece of text in a message."""

    type: Literal["text"] = "text"
    text: Prose


class Media(Value):
    """An image, PDF or audio clip, by URL or as base64 data with its media type."""

    type: Literal["media"] = "media"
    media_type: str = "image/png"
    url: str | None = None
    data: str | None = None
    name: str | None = None


class ToolCall(Value):
    """A call the model asks for; `signature` is the provider's opaque mark, kept for replay."""

    type: Literal["tool_call"] = "tool_call"
    id: str
    name: str
    arguments: Mapping[str, JsonValue] = {}
    signature: str | None = None


class ToolResult(Value):
    """What a called tool returned; `content` may hold media."""

    type: Literal["tool_result"] = "tool_result"
    tool_call_id: str
    name: str = ""
    content: Prose | tuple[Text | Media, ...] = ""
    is_error: bool = False


class Reasoning(Value):
    """A model's visible thinking; `signature` and `provider` allow replay to the same provider."""

    type: Literal["reasoning"] = "reasoning"
    text: Prose = ""
    signature: str | None = None
    provider: str | None = None
    redacted: bool = False


Part = Annotated[Text | Media | ToolCall | ToolResult | Reasoning, Field(discriminator="type")]


class Message(Value):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant", "tool"]
    content: Prose | tuple[Part, ...]


class ToolSpec(Value):
    """A tool offered to the model; `parameters` is a JSON schema object."""

    name: Prose
    description: Prose = ""
    parameters: Mapping[str, JsonValue] = {}


class Constraints(Value):
    """What a chosen model must satisfy; None or empty means no limit.

    `requires` takes needs (vision, tools, json, long_context, thinking, code) and capability
    names, which mean a rating of at least 7. `prefers` weighs capabilities up without ruling
    anything out. `min_capabilities` are ratings from 1 to 10.
    """

    max_cost_usd: Usd | None = None
    max_latency_ms: Annotated[int, Field(gt=0)] | None = None
    min_quality: Score | None = None
    min_context: Tokens | None = None
    requires: tuple[Need | Capability, ...] = ()
    prefers: tuple[Capability, ...] = ()
    min_capabilities: Mapping[Capability, Annotated[int, Field(ge=1, le=10)]] = Field(
        default_factory=dict[Capability, int]
    )
    models: tuple[str, ...] = ()
    deny_models: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    deny_providers: tuple[str, ...] = ()


class Request(Value):
    """Everything that is asked of the router for one task.

    `context_tokens` counts what the caller will add beyond `messages` (files, history).
    `chain` is a list of models, the name of one chain, or empty for the router's choice.
    `current_model` and `cached_tokens` describe a running conversation: leaving that model
    loses its warm prompt cache, and the loss counts in the cost of every other candidate.
    `cache` asks the provider to keep what the next request will begin with as well. `reuse` says
    whether a kept answer may stand in for a call, and `trim` whether what a conversation repeats
    may be left out; None leaves what the settings say.
    """

    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: str | None = None
    response_schema: Mapping[str, JsonValue] | None = None
    json_mode: bool = False
    max_tokens: Annotated[int, Field(gt=0)] | None = None
    temperature: Annotated[float, Field(ge=0.0, le=2.0)] | None = None
    stop: tuple[str, ...] = ()
    reasoning_effort: Effort | None = None
    cache: bool = False
    reuse: Reuse | None = None
    trim: bool | None = None
    context_tokens: Tokens = 0
    strategy: Strategy | None = None
    # A default that holds a mapping would be copied, deeply, for each request.
    constraints: Constraints = Field(default_factory=Constraints)
    chain: str | tuple[str, ...] = ()
    current_model: str | None = None
    cached_tokens: Tokens = 0
    category: str | None = None
    tags: Mapping[str, str] = Field(default_factory=dict[str, str])


class ModeOptions(Value):
    """How several models share one task; None and empty leave what the settings say.

    `n` bounds how many models answer, and `same_model` asks one model so many times instead.
    Below `threshold` an answer is not good enough. `judges` are models that grade or merge, and
    `scorers` are names of what marks the answers instead of what the task's settings say.
    `hedge` starts a further model of a race only when the one before it is slow. `deadline_ms`
    is when an ensemble stops waiting for the slow ones.
    """

    n: Annotated[int, Field(ge=1, le=10)] | None = None
    same_model: bool = False
    threshold: Score | None = None
    resolve: Resolve | None = None
    min_agreement: Score | None = None
    judges: tuple[str, ...] = ()
    scorers: tuple[str, ...] = ()
    hedge: bool | None = None
    deadline_ms: Annotated[int, Field(gt=0)] | None = None
