"""Plans: the bytes of a healthy answer or a plain error, when each leaves, and what comes after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from mcp_router.testing.answers import compose
from mcp_router.testing.behaviours import Answer
from mcp_router.testing.http import CHUNKED_END, chunk, response_head
from mcp_router.testing.neutral import CONTENT, Asked, Event, Problem, Wire, encode

End = Literal["keep", "close", "reset", "hang"]
"""What becomes of the connection: kept alive, closed (FIN), reset (RST), or left silent."""

_JSON = "application/json"
_SSE = "text/event-stream; charset=utf-8"


class Step(NamedTuple):
    """Wait `delay` seconds, then send `data`."""

    delay: float
    data: bytes


class Plan(NamedTuple):
    """What a connection does to answer one request."""

    steps: Iterable[Step]
    end: End = "keep"


def problem_plan(
    problem: Problem, *, wire: Wire, headers: tuple[tuple[str, str], ...] = ()
) -> Plan:
    """Answer with an error in the wire's own format."""
    status, body = wire.error(problem)
    if problem.retry_after is not None:
        headers = (("retry-after", problem.retry_after), *headers)
    return whole(encode(body), status=status, headers=headers)


def whole(
    body: bytes,
    *,
    status: int = 200,
    content_type: str = _JSON,
    headers: tuple[tuple[str, str], ...] = (),
    delay: float = 0.0,
) -> Plan:
    """Answer with a complete body and keep the connection."""
    head = response_head(status, content_type=content_type, length=len(body), headers=headers)
    return Plan((Step(delay, head + body),))


def healthy(answer: Answer, *, asked: Asked, wire: Wire, serial: int) -> Plan:
    """Show a healthy answer, plain or as a stream, with its delays."""
    reply = compose(answer, asked=asked, serial=serial)
    headers = request_ids(serial)
    if not asked.stream:
        # A plain answer is written when the model is done, so it waits as long as a whole stream.
        delay = answer.header_delay + answer.first_delay + answer.chunk_delay * answer.chunks
        return whole(encode(wire.plain(reply)), headers=headers, delay=delay)
    events = wire.events(reply)
    if not asked.sse:
        # The order of things where a client forgets Gemini's alt=sse: one JSON array.
        rows = [event.data.removeprefix(b"data: ").strip() for event in events]
        return whole(b"[" + b",\n".join(rows) + b"]", headers=headers)
    return Plan(_streamed(answer, events, serial))


def request_ids(serial: int) -> tuple[tuple[str, str], ...]:
    """Name the request in the headers that OpenAI and Anthropic use for it."""
    name = f"req_{serial:020x}"
    return (("x-request-id", name), ("request-id", name))


def stream_head(serial: int) -> bytes:
    """Write the head of an event stream."""
    headers = (("cache-control", "no-cache"), *request_ids(serial))
    return response_head(200, content_type=_SSE, length=None, headers=headers)


def _streamed(answer: Answer, events: list[Event], serial: int) -> Iterator[Step]:
    head = stream_head(serial)
    if not (answer.first_delay or answer.chunk_delay):
        body = framed(events, segment=answer.segment) + CHUNKED_END
        yield Step(answer.header_delay, head + body)
        return
    yield Step(answer.header_delay, head)
    # Packaging goes out at once, so that only real content can count as a first token.
    delay = answer.first_delay
    for event in events:
        ready = event.part == "open"
        yield Step(0.0 if ready else delay, framed([event], segment=answer.segment))
        if not ready:
            delay = answer.chunk_delay if event.part in CONTENT else 0.0
    yield Step(0.0, CHUNKED_END)


def framed(events: list[Event], *, segment: int = 0) -> bytes:
    """Frame each event as one HTTP chunk, or cut all of them into chunks of `segment` bytes."""
    if segment <= 0:
        return b"".join([chunk(event.data) for event in events])
    data = b"".join([event.data for event in events])
    return b"".join([chunk(data[i : i + segment]) for i in range(0, len(data), segment)])
