"""What every request passes before anything is done for it: names, token, limits, body."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, cast

import anyio

from mcp_router.access.grant import Grant, acting
from mcp_router.door.call import KEY, Call
from mcp_router.door.faults import Fault, fault_of
from mcp_router.door.reply import Caller, break_off, refuse
from mcp_router.door.running import Run, Running
from mcp_router.door.strict_json import read_json
from mcp_router.door.visit import KEY as VISIT
from mcp_router.errors import RouterError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from mcp_router.access.meter import Meter
    from mcp_router.config.http import HttpSettings
    from mcp_router.door.bearer import Bearer
    from mcp_router.door.hosts import Names
    from mcp_router.door.visit import Visit

OPEN_PATHS = ("/healthz", "/readyz", "/.well-known/oauth-protected-resource")
"""What is answered without a token."""

MCP_PATH = "/mcp"
MAX_HEADERS = 100
MAX_HEADER_BYTES = 32_768
# Twice the same of these means that somebody hopes that two readers take different ones.
_SINGLE = frozenset(
    (
        *(b"host", b"authorization", b"x-api-key", b"content-type", b"content-length"),
        *(b"transfer-encoding", b"content-encoding", b"origin", b"mcp-protocol-version"),
    )
)
_LAST_WORD_SECONDS = 1.0
_BODILESS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})


class Guard:
    """Lets requests in one by one, and answers those it does not let in."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        settings: HttpSettings,
        names: Names,
        bearer: Bearer,
        meter: Meter,
        running: Running,
    ) -> None:
        self._app = app
        self._settings = settings
        self._names = names
        self._bearer = bearer
        self._meter = meter
        self._inside = 0
        self._running = running

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Screen a request, whose visit is in its scope, then pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        visit: Visit = scope[VISIT]
        caller = Caller.of(scope, request_id=visit.request_id)
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        fault = self._screened(scope, headers)
        if fault is None and caller.path.startswith(OPEN_PATHS):
            await self._app(scope, receive, send)
            return
        found = fault or await self._admitted(headers, visit)
        if isinstance(found, Grant) and self._inside >= self._settings.max_requests:
            found = _FULL
        if isinstance(found, Fault):
            # What is left of the body is not read, so that the connection cannot go on.
            await refuse(send, found, caller=caller, headers={"connection": "close"})
            return
        self._inside += 1
        try:
            await self._let_in(Call(caller, found, b"", receive, send, visit), scope, headers)
        finally:
            self._inside -= 1

    async def _admitted(self, headers: Mapping[bytes, bytes], visit: Visit) -> Grant | Fault:
        try:
            found = await self._bearer.grant(headers)
            if isinstance(found, Grant):
                visit.token = found.name
                await self._meter.request(found)
        except RouterError as error:
            return fault_of(error)
        return found

    async def _let_in(self, call: Call, scope: Scope, headers: Mapping[bytes, bytes]) -> None:
        body = await self._body(call, scope["method"])
        if isinstance(body, Fault):
            await refuse(call.send, body, caller=call.caller, headers={"connection": "close"})
            return
        fault = _ambiguous(body) if call.caller.path == MCP_PATH and body else None
        if fault is not None:
            await refuse(call.send, fault, caller=call.caller)
            return
        scope[KEY] = call = call._replace(body=body)
        run = Run(self._bearer.digest(headers), _is_endless(scope, headers))
        with acting(call.grant, meter=self._meter), self._running.begun(run):
            await self._app(scope, _replaying(body, call.receive), call.send)
        if run.was_ended and run.fault is not None and not call.visit.whole:
            call.visit.cause = run.cause
            await _tell_end(call, run.fault)

    def _screened(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Fault | None:
        if _is_swollen(scope):
            return Fault(431, "too_large", _SWOLLEN, "headers_too_large")
        counts = Counter(name for name, _ in scope["headers"])
        if any(counts[name] > 1 for name in _SINGLE):
            return Fault(400, "invalid_request", "A header is there twice.", "duplicate_header")
        if {b"content-length", b"transfer-encoding"} <= headers.keys():
            return Fault(400, "invalid_request", "The length is told twice.", "ambiguous_length")
        if not self._names.takes_host(headers.get(b"host", b"").decode("latin-1")):
            return Fault(421, "invalid_request", _NOT_OURS, "host_not_allowed")
        origin = headers.get(b"origin")
        if origin is not None and not self._names.takes_origin(origin.decode("latin-1")):
            return Fault(403, "permission", _FOREIGN, "origin_not_allowed")
        if scope["method"] not in _BODILESS:
            return _wrong_type(headers)
        return None

    async def _body(self, call: Call, method: str) -> bytes | Fault:
        if method in _BODILESS:
            return b""
        most, chunks = self._settings.max_body_bytes, bytearray()
        with anyio.move_on_after(self._settings.body_ms / 1000):
            while True:
                message = await call.receive()
                chunks += message.get("body", b"")
                if len(chunks) > most:
                    problem = f"A request may have up to {most:,} bytes."
                    return Fault(413, "too_large", problem, "request_too_large")
                if message["type"] == "http.disconnect":
                    return Fault(400, "invalid_request", "The request was cut.", "request_cut")
                if not message.get("more_body", False):
                    return bytes(chunks)
        return Fault(408, "too_slow", "The body came too slowly.", "request_too_slow")


_SWOLLEN = f"A request may have {MAX_HEADERS} headers, and {MAX_HEADER_BYTES:,} bytes of them."
_FULL = Fault(
    503,
    "overloaded",
    "Too many requests are being answered at this moment.",
    "too_many_requests",
    headers={"retry-after": "1"},
)
_NOT_OURS = "This server does not answer to that name. Add it to http.allowed_hosts."
_FOREIGN = "Pages of this origin may not call. Add it to http.allowed_origins."


def _is_swollen(scope: Scope) -> bool:
    """Say whether a request has too much before its body; the parser takes what comes at once."""
    headers = scope["headers"]
    size = len(scope["raw_path"]) + len(scope["query_string"])
    size += sum(len(name) + len(value) for name, value in headers)
    return len(headers) > MAX_HEADERS or size > MAX_HEADER_BYTES


def _wrong_type(headers: Mapping[bytes, bytes]) -> Fault | None:
    kind = headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
    if kind != "application/json":
        problem = "Send application/json."
        return Fault(415, "invalid_request", problem, "unsupported_media_type")
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        return Fault(415, "invalid_request", "Send it as it is.", "unsupported_encoding")
    return None


async def _tell_end(call: Call, fault: Fault) -> None:
    """Tell a client that its request was ended, as far as that can still be told."""
    visit = call.visit
    # Whoever reads nothing now is not waited for.
    with anyio.move_on_after(_LAST_WORD_SECONDS):
        if visit.status is None:
            await refuse(call.send, fault, caller=call.caller, headers={"connection": "close"})
        elif visit.streams:
            await break_off(call.send, fault, caller=call.caller, asked=_asked(call))


def _asked(call: Call) -> object:
    """Return the id of an MCP request, None where there is none."""
    if call.caller.path != MCP_PATH or not call.body:
        return None
    body = read_json(call.body)
    return cast("dict[str, object]", body).get("id") if isinstance(body, dict) else None


def _ambiguous(body: bytes) -> Fault | None:
    try:
        read_json(body)
    except RouterError as error:
        return fault_of(error)
    return None


def _is_endless(scope: Scope, headers: Mapping[bytes, bytes]) -> bool:
    listens = headers.get(b"mcp-method") == b"subscriptions/listen" or scope["method"] == "GET"
    return bool(scope["path"] == MCP_PATH) and listens


def _replaying(body: bytes, receive: Receive) -> Receive:
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay
