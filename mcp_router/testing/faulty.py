"""Faults turned into bytes: each spoils what a healthy answer would have been."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import repeat
from types import MappingProxyType
from typing import NamedTuple

from mcp_router.testing.answers import compose
from mcp_router.testing.behaviours import Answer, Behaviour, Fault, FaultKind
from mcp_router.testing.http import CHUNKED_END, chunk, response_head
from mcp_router.testing.neutral import (
    CONTENT,
    Asked,
    Body,
    Event,
    Problem,
    ProblemKind,
    Reply,
    Wire,
    encode,
)
from mcp_router.testing.plans import (
    End,
    Plan,
    Step,
    framed,
    healthy,
    problem_plan,
    request_ids,
    stream_head,
    whole,
)

_JSON = "application/json"
_HTML = b"<!doctype html><html><head><title>Bad gateway</title></head><body>Oops</body></html>\n"
_TWO_BYTES = "é"


class Job(NamedTuple):
    """One request and the fault it shall meet."""

    fault: Fault
    asked: Asked
    wire: Wire
    serial: int


def plan_for(behaviour: Behaviour, *, asked: Asked, wire: Wire, serial: int) -> Plan:
    """Turn a behaviour into the bytes that show it to this request."""
    if isinstance(behaviour, Answer):
        return healthy(behaviour, asked=asked, wire=wire, serial=serial)
    return _PLANNERS[behaviour.kind](Job(behaviour, asked, wire, serial))


def _http(job: Job, kind: ProblemKind = "status") -> Plan:
    fault = job.fault
    problem = Problem(
        status=fault.status,
        kind=kind,
        message=fault.message,
        model=job.asked.model,
        retry_after=fault.retry_after,
        wording=fault.wording,
    )
    return problem_plan(problem, wire=job.wire, headers=fault.headers)


def _content_filter(job: Job) -> Plan:
    if job.fault.variant == "prompt":
        return _http(job, "content_filter")
    cut_off = replace(job.fault.answer, text="I am sorry, but", finish="content_filter")
    return healthy(cut_off, asked=job.asked, wire=job.wire, serial=job.serial)


def _disconnect(job: Job) -> Plan:
    end: End = "reset" if job.fault.abrupt else "close"
    place = job.fault.variant
    if place == "before_headers":
        return Plan((), end)
    if place == "mid_headers":
        head = stream_head(job.serial)
        return Plan((Step(0.0, head[: len(head) // 2]),), end)
    if job.asked.stream:
        return Plan((Step(0.0, stream_head(job.serial) + framed(_opening(job))),), end)
    return _half_body(job, end)


def _half_body(job: Job, end: End) -> Plan:
    body = encode(job.wire.plain(_reply(job)))
    head = response_head(200, content_type=_JSON, length=len(body))
    return Plan((Step(0.0, head + body[: len(body) // 2]),), end)


def _cut(job: Job) -> Plan:
    if not job.asked.stream:
        return _half_body(job, "close")
    inside = job.fault.variant
    if inside == "character":
        events = [_inside_character(job)]
    elif inside == "tool_call":
        events = _inside_tool_call(job)
    else:
        events = _opening(job)
    return _stream(job, events)


def _inside_character(job: Job) -> Event:
    reply = _reply(job)
    # An echo may be plain ASCII; one character of two bytes gives the cut something to split.
    marked = reply._replace(text=_TWO_BYTES + reply.text, calls=())
    data = b"".join(event.data for event in job.wire.events(marked))
    return Event("text", data[: data.index(_TWO_BYTES.encode()) + 1])


def _inside_tool_call(job: Job) -> list[Event]:
    """Keep the first run of tool events but for the second half of its last event."""
    events = job.wire.events(_reply(job))
    start = next((i for i, event in enumerate(events) if event.part == "tool"), None)
    if start is None:
        return _opening(job)
    last = start
    while events[last + 1].part == "tool":
        last += 1
    data = events[last].data
    return [*events[:last], Event("tool", data[: len(data) // 2])]


def _stall(job: Job) -> Plan:
    if not job.asked.stream:
        return _half_body(job, "hang")
    start = Step(0.0, stream_head(job.serial) + framed(_opening(job)))
    if not job.fault.heartbeat:
        return Plan((start,), "hang")
    beat = Step(job.fault.heartbeat, chunk(job.wire.heartbeat))
    return Plan(_endless(start, beat), "hang")


def _endless(start: Step, beat: Step) -> Iterator[Step]:
    yield start
    yield from repeat(beat)


def _malformed(job: Job) -> Plan:
    if not job.asked.stream:
        return _truncated(job)
    events, opening = job.wire.events(_reply(job)), len(_opening(job))
    broken = Event("text", b'data: {"choices": [{"delta": {"content": "br\n\n')
    return _stream(job, [*events[:opening], broken, *events[opening:]])


def _truncated(job: Job) -> Plan:
    if not job.asked.stream:
        body = encode(job.wire.plain(_reply(job)))
        return whole(body[: len(body) // 2], headers=request_ids(job.serial))
    events = _opening(job) or job.wire.events(_reply(job))[:1]
    last = events[-1].data
    return _stream(job, [*events[:-1], Event("text", last[: len(last) // 2])])


def _no_end(job: Job) -> Plan:
    reply = _reply(job)
    if job.asked.stream:
        return _stream(job, [e for e in job.wire.events(reply) if e.part != "end"])
    body = _without(job.wire.plain(reply), {"finish_reason", "stop_reason", "finishReason"})
    return whole(encode(body), headers=request_ids(job.serial))


def _without(body: Body, names: set[str]) -> Body:
    kept = {key: value for key, value in body.items() if key not in names}
    for key in ("choices", "candidates"):
        if key in kept:
            kept[key] = [_without(row, names) for row in kept[key]]
    return kept


def _no_usage(job: Job) -> Plan:
    reply = _reply(job)._replace(usage=None)
    if job.asked.stream:
        return _stream(job, job.wire.events(reply))
    return whole(encode(job.wire.plain(reply)), headers=request_ids(job.serial))


def _html(job: Job) -> Plan:
    return whole(_HTML, status=job.fault.status, content_type="text/html; charset=utf-8")


def _error_in_200(job: Job) -> Plan:
    problem = Problem(status=job.fault.status, model=job.asked.model)
    if not job.asked.stream:
        return whole(encode(job.wire.error(problem)[1]), headers=request_ids(job.serial))
    # With nothing let through, not even packaging comes before the error.
    opening = _opening(job) if job.fault.after else []
    return _stream(job, [*opening, Event("end", job.wire.error_event(problem))])


def _no_choices(job: Job) -> Plan:
    body = job.wire.plain(_reply(job))
    lists: Body = {name: [] for name in ("choices", "content", "candidates") if name in body}
    if not job.asked.stream:
        return whole(encode(body | lists), headers=request_ids(job.serial))
    return _stream(job, [Event("open", b"data: " + encode(body | lists) + b"\n\n")])


def _garbage(job: Job) -> Plan:
    # Seeded by the request, so that a failing test meets the same bytes again.
    noise = hashlib.shake_128(b"%d" % job.serial).digest(512)
    if job.fault.variant == "connection":
        return Plan((Step(0.0, b"\x15\x03\x01" + noise),), "close")
    if job.asked.stream:
        return _stream(job, [Event("text", noise)])
    return whole(noise)


def _stream(job: Job, events: list[Event], end: End = "keep") -> Plan:
    data = stream_head(job.serial) + framed([e for e in events if e.data])
    return Plan((Step(0.0, data + CHUNKED_END),), end)


def _reply(job: Job) -> Reply:
    return compose(job.fault.answer, asked=job.asked, serial=job.serial)


def _opening(job: Job) -> list[Event]:
    """Keep the start of a healthy stream: up to and with the last piece of content let through."""
    left, kept = job.fault.after, list[Event]()
    for event in job.wire.events(_reply(job)):
        content = event.part in CONTENT
        if event.part in {"finish", "usage", "end"} or (content and left == 0):
            break
        left -= content
        kept.append(event)
    return kept


_PLANNERS: Mapping[FaultKind, Callable[[Job], Plan]] = MappingProxyType(
    {
        FaultKind.HTTP: _http,
        FaultKind.INVALID_KEY: lambda job: _http(job, "invalid_key"),
        FaultKind.CONTEXT_LENGTH: lambda job: _http(job, "context_length"),
        FaultKind.CONTENT_FILTER: _content_filter,
        FaultKind.REFUSED: lambda _: Plan((), "reset"),
        FaultKind.DISCONNECT: _disconnect,
        FaultKind.SILENCE: lambda _: Plan((), "hang"),
        FaultKind.CUT: _cut,
        FaultKind.STALL: _stall,
        FaultKind.MALFORMED: _malformed,
        FaultKind.NO_END: _no_end,
        FaultKind.NO_USAGE: _no_usage,
        FaultKind.TRUNCATED: _truncated,
        FaultKind.HTML: _html,
        FaultKind.ERROR_IN_200: _error_in_200,
        FaultKind.NO_CHOICES: _no_choices,
        FaultKind.EMPTY_BODY: lambda _: whole(b""),
        FaultKind.GARBAGE: _garbage,
    }
)
