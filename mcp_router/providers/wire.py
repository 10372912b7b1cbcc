"""What is sent, what comes back, and what a wire format must be able to do; no network here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from mcp_router.providers.sse import Event
from mcp_router.types import (
    Effort,
    Logprobs,
    Message,
    ModelInfo,
    ProviderInfo,
    Reasoning,
    Request,
    ToolCall,
    ToolSpec,
    Usage,
)

Json = dict[str, Any]


class BadAnswer(ValueError):
    """The answer breaks its wire format; `problem` is our own wording."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(problem)


class FailureInAnswer(Exception):
    """The provider reports a failure inside an answer that began as a success."""

    def __init__(self, error: object) -> None:
        self.error = error
        super().__init__("the provider reported a failure inside its answer")


@dataclass(frozen=True, slots=True)
class Target:
    """A model at its provider, and the key to use there."""

    model: ModelInfo
    provider: ProviderInfo
    api_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """What is sent to a model, whichever wire it speaks; fields as in `Request`.

    `logprobs` asks for the probabilities of the answer's tokens, from models known to tell them.
    """

    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: str | None = None
    response_schema: Mapping[str, Any] | None = None
    json_mode: bool = False
    max_tokens: int | None = None
    temperature: float | None = None
    stop: tuple[str, ...] = ()
    reasoning_effort: Effort | None = None
    cache: bool = False
    logprobs: bool = False


def call_of(request: Request) -> Call:
    """Take from a request what a provider is sent; the rest is the router's own business."""
    return Call(
        messages=request.messages,
        tools=request.tools,
        tool_choice=request.tool_choice,
        response_schema=request.response_schema,
        json_mode=request.json_mode,
        max_tokens=request.max_tokens,
        temperature=request.temperature,
        stop=request.stop,
        reasoning_effort=request.reasoning_effort,
        cache=request.cache,
    )


@dataclass(frozen=True, slots=True)
class PreparedRequest:
    """An HTTP POST ready to send; `warnings` say what was changed to fit the model."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    json: Json = field(repr=False)
    warnings: tuple[str, ...] = ()


class Reply(NamedTuple):
    """A whole answer. `finish_reason` is stop, length, tool_calls, content_filter, error or other.

    `model` is the name the provider reports; `usage` is None when it reports none.
    """

    content: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    reasoning: tuple[Reasoning, ...] = ()
    finish_reason: str = "stop"
    usage: Usage | None = None
    model: str | None = None
    warnings: tuple[str, ...] = ()
    logprobs: Logprobs | None = None


class TextDelta(NamedTuple):
    """A piece of the answer's text."""

    text: str


class ReasoningDelta(NamedTuple):
    """A piece of thinking; pieces of one thought share a `number`."""

    text: str = ""
    signature: str | None = None
    redacted: bool = False
    number: int = 0


class ToolCallDelta(NamedTuple):
    """A piece of a tool call; `arguments` is a fragment of JSON text, joined per `number`."""

    number: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""
    signature: str | None = None


class UsageDelta(NamedTuple):
    """Tokens used so far; the last one holds."""

    usage: Usage


class FinishDelta(NamedTuple):
    """The end of a stream that is whole; always the last delta, fields as in `Reply`."""

    reason: str
    model: str | None = None
    warnings: tuple[str, ...] = ()
    logprobs: Logprobs | None = None


Delta = TextDelta | ReasoningDelta | ToolCallDelta | UsageDelta | FinishDelta
"""One event of a streamed answer."""


class Reader(Protocol):
    """Reads one streamed answer, event by event."""

    @property
    def finished(self) -> bool:
        """Whether the finish reason has been seen, so that only usage can still follow."""
        ...

    @property
    def done(self) -> bool:
        """Whether the provider's end marker has been seen, so that nothing can follow."""
        ...

    def read(self, event: Event) -> Sequence[Delta]:
        """Turn one event into deltas.

        Raises:
            BadAnswer: the event is not what the wire format promises.
            FailureInAnswer: the provider reports a failure.
        """
        ...

    def usage(self) -> Usage | None:
        """Tokens reported so far."""
        ...

    def finish(self) -> FinishDelta:
        """Close the answer.

        Raises:
            BadAnswer: the stream ended before the answer did.
        """
        ...


class Wire(Protocol):
    """One provider API: pure functions between the neutral values and its JSON."""

    def request(self, target: Target, call: Call, *, stream: bool) -> PreparedRequest:
        """Write the request.

        Raises:
            InvalidRequestError: the messages make no sense on any wire.
            ProviderError: this wire cannot carry a part of them.
        """
        ...

    def parse(self, body: object, *, provider: str) -> Reply:
        """Read a whole decoded answer; `provider` marks what only it may be sent again.

        Raises:
            BadAnswer, FailureInAnswer: as in `Reader.read`.
        """
        ...

    def reader(self, *, provider: str) -> Reader:
        """Start reading a streamed answer."""
        ...
