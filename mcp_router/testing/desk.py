"""The desk: reads each request, records it, and decides what it meets. No sockets here."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from mcp_router.testing.behaviours import Answer, Behaviour
from mcp_router.testing.connection import Connection
from mcp_router.testing.faulty import plan_for
from mcp_router.testing.http import HttpProblem, HttpRequest
from mcp_router.testing.neutral import Asked, Body, Problem, Wire, WireName, encode, is_object
from mcp_router.testing.plans import Plan, problem_plan, whole
from mcp_router.testing.scripts import Director
from mcp_router.testing.wires import WIRES, key_of, wire_of


class Call(NamedTuple):
    """A request as it arrived; `time` is monotonic seconds, header names are in lower case.

    `shown` names what it met: "answer", a fault kind, "models", or why it was turned away
    ("invalid_key", "invalid_request", "unknown_path").
    """

    number: int
    time: float
    wire: WireName
    method: str
    path: str
    model: str
    stream: bool
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    shown: str


class Desk:
    """Answers requests and keeps the record of them; `on_event` is called after every change."""

    def __init__(
        self, *, healthy: Answer, api_key: str | None, max_calls: int, on_event: Callable[[], None]
    ) -> None:
        self.director = Director(healthy)
        self.calls: deque[Call] = deque(maxlen=max_calls)
        self.abandoned: deque[int] = deque(maxlen=max_calls)
        self.connections: set[Connection] = set()
        self.finished = 0
        self._api_key = api_key
        self._received = 0
        self._on_event = on_event

    def forget(self) -> None:
        """Drop scripts, limits, random faults and the record."""
        self.director.forget()
        self.calls.clear()
        self.abandoned.clear()
        self.finished = 0

    def opened(self, connection: Connection) -> None:
        """Note a new connection."""
        self.connections.add(connection)
        self._on_event()

    def closed(self, connection: Connection, *, answering: int | None) -> None:
        """Note a lost connection and the request it left unanswered."""
        self.connections.discard(connection)
        if answering is not None:
            self.abandoned.append(answering)
        self._on_event()

    def answered(self) -> None:
        """Note that an answer is over."""
        self.finished += 1
        self._on_event()

    def refuse(self, problem: HttpProblem) -> Plan:
        """Answer bytes that are no request, then close."""
        body = {"error": {"message": problem.reason, "type": "invalid_request_error"}}
        return whole(encode(body), status=problem.status)._replace(end="close")

    def answer(self, request: HttpRequest) -> tuple[int, Plan]:
        """Record a request and decide what it meets."""
        self._received += 1
        number, now = self._received, time.monotonic()
        wire, listing = wire_of(request.target, headers=request.headers) or (None, False)
        body = _json_object(request.body)
        asked = None
        if request.method == "HEAD":
            # Somebody warms a connection up.
            shown, plan = "greeting", whole(b"")
        elif wire is None:
            shown, plan = "unknown_path", _problem(404, f"no such address: {request.target}")
        elif not self._admits(request, wire):
            problem = Problem(401, kind="invalid_key")
            shown, plan = "invalid_key", problem_plan(problem, wire=wire)
        elif request.method != ("GET" if listing else "POST"):
            shown, plan = "invalid_request", _problem(405, "the method is not allowed here", wire)
            plan = plan._replace(end="close")
        elif listing:
            models = encode(wire.models(self.director.scripts))
            shown, plan = "models", whole(models)
        else:
            asked, shown, plan = self._converse(request, wire, body, number=number, now=now)
        self.calls.append(
            Call(
                number=number,
                time=now,
                wire="openai" if wire is None else wire.name,
                method=request.method,
                path=request.target,
                model=asked.model if asked else "",
                stream=asked is not None and asked.stream,
                headers=request.headers,
                body=body or {},
                shown=shown,
            )
        )
        self._on_event()
        return number, plan

    def _converse(
        self, request: HttpRequest, wire: Wire, body: Body | None, *, number: int, now: float
    ) -> tuple[Asked | None, str, Plan]:
        if body is None:
            return None, "invalid_request", _problem(400, "the body is not a JSON object", wire)
        asked = wire.read(request.target, request.headers, body)
        if isinstance(asked, Problem):
            return None, "invalid_request", problem_plan(asked, wire=wire)
        asked = asked._replace(prompt_tokens=-(-len(request.body) // 4))
        behaviour = self.director.next(asked.model, now=now)
        plan = plan_for(behaviour, asked=asked, wire=wire, serial=number)
        return asked, _name(behaviour), plan

    def _admits(self, request: HttpRequest, wire: Wire) -> bool:
        if self._api_key is None:
            return True
        return key_of(request.target, headers=request.headers, wire=wire.name) == self._api_key


def _name(behaviour: Behaviour) -> str:
    return "answer" if isinstance(behaviour, Answer) else behaviour.kind.value


def _problem(status: int, message: str, wire: Wire = WIRES["openai"]) -> Plan:
    return problem_plan(Problem(status, message=message), wire=wire)


def _json_object(raw: bytes) -> Body | None:
    if not raw:
        return None
    try:
        value: object = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return value if is_object(value) else None
