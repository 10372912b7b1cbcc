"""Answers as bytes: a transport that hands a body over in any packets, and bodies of all wires."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, NamedTuple

import httpx2

from mcp_router.errors import ProviderError
from mcp_router.providers.client import ProviderClient
from mcp_router.providers.deadlines import Deadlines
from mcp_router.providers.sse import Event, SSEParser
from mcp_router.providers.wire import Call, Delta, Reply, Target
from tests.providers.scene import call, target, together

PATIENT = Deadlines(connect=5.0, first_token=5.0, idle=5.0, total=20.0)
Json = dict[str, Any]

BODIES: dict[str, Json] = {
    "openai": {
        "id": "c",
        "model": "m-9",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "Grüße, 世界 🙂",
                    "reasoning_content": "hm",
                    "refusal": None,
                    "tool_calls": [
                        {
                            "id": "call_1",
                            "type": "function",
                            "function": {"name": "look", "arguments": '{"at": ["é", 1]}'},
                            "extra_content": {"google": {"thought_signature": "S"}},
                        }
                    ],
                },
                "logprobs": {"content": [{"token": "a", "logprob": -0.5}]},
                "finish_reason": "tool_calls",
            }
        ],
        "usage": {
            "prompt_tokens": 30,
            "completion_tokens": 9,
            "total_tokens": 39,
            "prompt_tokens_details": {"cached_tokens": 10, "cache_write_tokens": 5},
            "completion_tokens_details": {"reasoning_tokens": 4},
        },
    },
    "anthropic": {
        "type": "message",
        "model": "m-9",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "S"},
            {"type": "redacted_thinking", "data": "BLOB"},
            {"type": "text", "text": "Grüße, 世界 🙂"},
            {"type": "tool_use", "id": "call_1", "name": "look", "input": {"at": ["é", 1]}},
        ],
        "stop_reason": "tool_use",
        "usage": {
            "input_tokens": 15,
            "cache_read_input_tokens": 10,
            "cache_creation_input_tokens": 5,
            "output_tokens": 9,
            "output_tokens_details": {"thinking_tokens": 4},
        },
    },
    "gemini": {
        "candidates": [
            {
                "index": 0,
                "content": {
                    "role": "model",
                    "parts": [
                        {"text": "hm", "thought": True, "thoughtSignature": "S"},
                        {"text": "Grüße, 世界 🙂"},
                        {
                            "functionCall": {
                                "id": "call_1",
                                "name": "look",
                                "args": {"at": ["é", 1]},
                            },
                            "thoughtSignature": "T",
                        },
                    ],
                },
                "finishReason": "STOP",
                "logprobsResult": {"chosenCandidates": [{"token": "a", "logProbability": -0.5}]},
            }
        ],
        "promptFeedback": {"safetyRatings": []},
        "usageMetadata": {
            "promptTokenCount": 25,
            "cachedContentTokenCount": 10,
            "candidatesTokenCount": 5,
            "thoughtsTokenCount": 4,
            "toolUsePromptTokenCount": 0,
        },
        "modelVersion": "m-9",
        "responseId": "r",
    },
}
"""One rich answer of each wire: text, thinking, a tool call, figures of every kind."""


class Body(httpx2.AsyncByteStream):
    """A body that comes in these packets, and counts how often it was closed."""

    def __init__(self, packets: Sequence[bytes]) -> None:
        self._packets = packets
        self.closed = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for packet in self._packets:
            yield packet

    async def aclose(self) -> None:
        self.closed += 1


class Packets(httpx2.AsyncBaseTransport):
    """Answers every request alike, from memory."""

    def __init__(self, *packets: bytes, status: int = 200, kind: str = "text/event-stream") -> None:
        self._packets = packets
        self._status = status
        self._kind = kind
        self.bodies: list[Body] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.bodies.append(Body(self._packets))
        headers = {"content-type": self._kind}
        return httpx2.Response(self._status, headers=headers, stream=self.bodies[-1])


class Heard(NamedTuple):
    """What a caller got: the pieces, and the reply or the error at their end."""

    deltas: list[Delta]
    reply: Reply | None
    error: ProviderError | None


async def hear(client: ProviderClient, where: Target, what: Call, *, stream: bool) -> Heard:
    """Ask once, and keep what came before an error."""
    deltas: list[Delta] = []
    try:
        if not stream:
            return Heard([], await client.complete(where, what, deadlines=PATIENT), None)
        async for delta in client.stream(where, what, deadlines=PATIENT):
            deltas += [delta]
    except ProviderError as error:
        return Heard(deltas, None, error)
    try:
        return Heard(deltas, together(deltas, provider=where.provider.name), None)
    except ValueError:
        # A broken tool call is found when the pieces are put together.
        return Heard(deltas, None, None)


class Line:
    """A telephone line to a provider in memory; every body it carried must be closed."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self._runner = runner

    def ask(self, wire: str, *packets: bytes, stream: bool = True, **more: Any) -> Heard:
        transport = Packets(*packets, **more)

        async def once() -> Heard:
            async with ProviderClient(transport=transport) as client:
                return await hear(client, target(wire), call(), stream=stream)

        heard = self._runner.run(once())
        assert all(body.closed for body in transport.bodies), "a body was left open"
        return heard


@contextmanager
def line() -> Iterator[Line]:
    """Open a line on an event loop of its own, for many questions."""
    with asyncio.Runner() as runner:
        yield Line(runner)


def cut_at(data: bytes, places: Sequence[int]) -> list[bytes]:
    """Cut bytes at some places; no packet is empty."""
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[a:b] for a, b in pairwise(edges)]


def events_of(stream: bytes) -> list[Event]:
    """Read the events of a stream."""
    parser = SSEParser()
    return parser.feed(stream) + parser.close()


def places_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Give the path of every value in a body, the body's own first."""
    yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places_in(value[key], (*path, key))


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """Copy a body with one of its values replaced; `...` takes it out."""
    if not path:
        return {} if new is ... else new
    copy = json.loads(json.dumps(value))
    holder = copy
    for key in path[:-1]:
        holder = holder[key]
    if new is ...:
        del holder[path[-1]]
    else:
        holder[path[-1]] = new
    return copy
