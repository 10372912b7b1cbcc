"""The values between reading a request and writing an answer, the same for every wire."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, TypeGuard

if TYPE_CHECKING:
    from mcp_router.types import Usage

Body: TypeAlias = dict[str, Any]
"""A JSON object of any shape: it comes from a client under test."""

WireName = Literal["openai", "anthropic", "gemini"]
Finish = Literal["stop", "length", "tool_calls", "content_filter"]
Part = Literal["open", "reasoning", "text", "tool", "finish", "usage", "end"]
ProblemKind = Literal["status", "context_length", "content_filter", "invalid_key"]

CONTENT: frozenset[Part] = frozenset({"reasoning", "text", "tool"})
"""The parts of a stream a user would see; the rest is packaging."""


class Tool(NamedTuple):
    """A tool the client offers; `parameters` is its JSON schema."""

    name: str
    parameters: Body


class Asked(NamedTuple):
    """What a request asks for, whichever wire carried it.

    `text` is the text of the last turn: the user's message, or the results of tools.
    `tool_choice` is auto, none, any, or the name of one tool; `answered` says that the last turn
    holds tool results. `sse` is False where a client forgot Gemini's `alt=sse`. `logprobs` asks for
    the probabilities of tokens.
    """

    wire: WireName
    model: str
    text: str
    stream: bool = False
    sse: bool = True
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"
    parallel: bool = True
    answered: bool = False
    schema: Body | None = None
    json_mode: bool = False
    include_usage: bool = True
    prompt_tokens: int = 0
    logprobs: bool = False


class Called(NamedTuple):
    """A tool call in an answer."""

    id: str
    name: str
    arguments: Body


class Reply(NamedTuple):
    """An answer before a wire writes it; a stream cuts its text into `chunks` pieces.

    `logprob` is that of each of its tokens, None where nobody asked.
    """

    serial: int
    model: str
    text: str
    reasoning: str
    calls: tuple[Called, ...]
    finish: Finish
    usage: Usage | None
    chunks: int
    created: int
    include_usage: bool = True
    logprob: float | None = None


class Problem(NamedTuple):
    """An error before a wire words it; `wording` picks one of several known wordings."""

    status: int
    kind: ProblemKind = "status"
    message: str = ""
    model: str = ""
    retry_after: str | None = None
    wording: str = ""


class Event(NamedTuple):
    """One server-sent event, ready to be sent, and which part of a stream it is."""

    part: Part
    data: bytes


class Wire(NamedTuple):
    """What one public wire format can do; every member is a plain function."""

    name: WireName
    read: Callable[[str, dict[str, str], Body], Asked | Problem]
    plain: Callable[[Reply], Body]
    events: Callable[[Reply], list[Event]]
    error: Callable[[Problem], tuple[int, Body]]
    error_event: Callable[[Problem], bytes]
    heartbeat: bytes
    models: Callable[[Iterable[str]], Body]


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def encode(value: object) -> bytes:
    """Write a value as compact UTF-8 JSON; lone surrogates become question marks."""
    return _ENCODER.encode(value).encode("utf-8", "replace")


def is_object(value: object) -> TypeGuard[Body]:
    """Tell whether a JSON value is an object."""
    return isinstance(value, dict)


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def as_object(value: object) -> Body:
    """Return a JSON object, or an empty one where the client sent something else."""
    return value if is_object(value) else {}


def as_list(value: object) -> list[Any]:
    """Return a JSON array, or an empty one where the client sent something else."""
    return value if _is_list(value) else []


def as_text(value: object) -> str:
    """Return a string, or "" where the client sent something else."""
    return value if isinstance(value, str) else ""


def pieces(text: str, count: int) -> list[str]:
    """Cut a text into at most `count` pieces of nearly equal length, none of them empty."""
    count = max(1, min(count, len(text)))
    edges = [len(text) * i // count for i in range(count + 1)]
    return [text[a:b] for a, b in pairwise(edges) if b > a]


def tokens_in(text: str) -> int:
    """Count tokens the way this server does: one for every four characters begun."""
    return -(-len(text) // 4)


def total_input(usage: Usage) -> int:
    """Sum the input buckets, as OpenAI and Gemini report them."""
    return usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
