"""What every request passes before anything is done for it: names, token, limits, body."""

from __future__ import annotations

import secrets
from collections import Counter
from typing import TYPE_CHECKING

import anyio

from mcp_router.access.grant import Grant, acting
from mcp_router.door.call import KEY, Call
from mcp_router.door.faults import Fault, fault_of
from mcp_router.door.reply import Caller, refuse
from mcp_router.door.strict_json import read_json
from mcp_router.errors import RouterError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from mcp_router.access.meter import Meter
    from mcp_router.config.http import HttpSettings
    from mcp_router.door.bearer import Bearer
    from mcp_router.door.hosts import Names

OPEN_PATHS = ("/healthz", "/readyz", "/.well-known/oauth-protected-resource")
"""What is answered without a token."""

MCP_PATH = "/mcp"
# Twice the same of these means that somebody hopes that two readers take different ones.
_SINGLE = frozenset(
    (
        *(b"host", b"authorization", b"x-api-key", b"content-type", b"content-length"),
        *(b"transfer-encoding", b"content-encoding", b"origin", b"mcp-protocol-version"),
    )
)
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
    ) -> None:
        self._app = app
        self._settings = settings
        self._names = names
        self._bearer = bearer
        self._meter = meter
        self._inside = 0
        self._running: dict[anyio.CancelScope, bool] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Screen a request, then pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        caller = Caller.of(scope, request_id=f"req_{secrets.token_hex(12)}")
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        fault = self._screened(scope, headers)
        if fault is None and caller.path.startswith(OPEN_PATHS):
            await self._app(scope, receive, send)
            return
        found = fault or await self._admitted(headers)
        if isinstance(found, Grant) and self._inside >= self._settings.max_requests:
            found = Fault(
                503, "overloaded", _FULL, "too_many_requests", headers={"retry-after": "1"}
            )
        if isinstance(found, Fault):
            # What is left of the body is not read, so that the connection cannot go on.
            await refuse(send, found, caller=caller, headers={"connection": "close"})
            return
        self._inside += 1
        try:
            await self._let_in(Call(caller, found, b"", receive, send), scope)
        finally:
            self._inside -= 1

    async def _admitted(self, headers: Mapping[bytes, bytes]) -> Grant | Fault:
        try:
            found = await self._bearer.grant(headers)
            if isinstance(found, Grant):
                await self._meter.request(found)
        except RouterError as error:
            return fault_of(error)
        return found

    def end(self, *, only_endless: bool) -> None:
        """Cancel the requests that run, or only those that would never end by themselves."""
        for scope, endless in self._running.items():
            if endless or not only_endless:
                scope.cancel()

    async def _let_in(self, call: Call, scope: Scope) -> None:
        body = await self._body(call, scope["method"])
        if isinstance(body, Fault):
            await refuse(call.send, body, caller=call.caller, headers={"connection": "close"})
            return
        fault = _ambiguous(body) if call.caller.path == MCP_PATH and body else None
        if fault is not None:
            await refuse(call.send, fault, caller=call.caller)
            return
        begun = False

        async def send(message: Message) -> None:
            nonlocal begun
            begun = True
            await call.send(message)

        scope[KEY] = call._replace(body=body, send=send)
        with acting(call.grant, meter=self._meter), anyio.CancelScope() as stopping:
            self._running[stopping] = _is_endless(scope)
            try:
                await self._app(scope, _replaying(body, call.receive), send)
            finally:
                del self._running[stopping]
        if stopping.cancelled_caught and not begun:
            fault = Fault(503, "overloaded", _STOPPING, "server_stopping")
            await refuse(call.send, fault, caller=call.caller, headers={"connection": "close"})

    def _screened(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Fault | None:
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


_FULL = "Too many requests are being answered at this moment."
_STOPPING = "The server is about to stop. Try again."
_NOT_OURS = "This server does not answer to that name. Add it to http.allowed_hosts."
_FOREIGN = "Pages of this origin may not call. Add it to http.allowed_origins."


def _wrong_type(headers: Mapping[bytes, bytes]) -> Fault | None:
    kind = headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
    if kind != "application/json":
        problem = "Send application/json."
        return Fault(415, "invalid_request", problem, "unsupported_media_type")
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        return Fault(415, "invalid_request", "Send it as it is.", "unsupported_encoding")
    return None


def _ambiguous(body: bytes) -> Fault | None:
    try:
        read_json(body)
    except RouterError as error:
        return fault_of(error)
    return None


def _is_endless(scope: Scope) -> bool:
    headers: Mapping[bytes, bytes] = dict(scope["headers"])
    listens = headers.get(b"mcp-method") == b"subscriptions/listen" or scope["method"] == "GET"
    return bool(scope["path"] == MCP_PATH) and listens


def _replaying(body: bytes, receive: Receive) -> Receive:
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay
