"""Answers on their way out: headers that cannot be split, whole bodies, and refusals in the log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.config.schema import printable
from mcp_router.door.access_log import plain_path
from mcp_router.door.shapes import Dialect, as_bytes, dialect_of, error_body, error_event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Scope, Send

    from mcp_router.door.faults import Fault

_log = logging.getLogger("mcp_router.door")
MAX_HEADER_CHARS = 400
# Everything was tried already, or money is short: the vendors' clients heed this and do not repeat.
_FINAL = frozenset({402, 502, 504})


class Caller(NamedTuple):
    """What answers and log lines need to know of a request."""

    request_id: str
    method: str
    path: str
    address: str
    dialect: Dialect

    @classmethod
    def of(cls, scope: Scope, *, request_id: str) -> Caller:
        """Read it off the scope of a request."""
        client = scope.get("client")
        path = scope["path"]
        return cls(
            request_id,
            scope["method"],
            path,
            client[0] if client else "?",
            dialect_of(path, dict(scope["headers"])),
        )


def header_value(text: object) -> str:
    """Make a text fit for a header: one line of plain characters, not too long."""
    kept = "".join(sign if " " <= sign <= "~" else "?" for sign in str(text))
    return kept[:MAX_HEADER_CHARS]


async def send_body(
    send: Send,
    body: Mapping[str, object],
    *,
    status: int,
    caller: Caller,
    headers: Mapping[str, str],
) -> None:
    """Send a whole JSON answer."""
    content = as_bytes(body)
    await send_start(
        send,
        status=status,
        caller=caller,
        headers={
            "content-type": "application/json",
            "content-length": str(len(content)),
            **headers,
        },
    )
    await send({"type": "http.response.body", "body": content})


async def send_start(
    send: Send, *, status: int, caller: Caller, headers: Mapping[str, str]
) -> None:
    """Send status and headers."""
    every = {
        "x-request-id": caller.request_id,
        "request-id": caller.request_id,
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
        **headers,
    }
    raw = [(name.encode("ascii"), header_value(value).encode()) for name, value in every.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})


async def refuse(
    send: Send, fault: Fault, *, caller: Caller, headers: Mapping[str, str] | None = None
) -> None:
    """Send an error, and tell the log of it, without what the client wrote in its body."""
    log_fault(fault, caller=caller)
    body = error_body(fault, dialect=caller.dialect, request_id=caller.request_id)
    told = {**fault.headers, **(headers or {})}
    if fault.status in _FINAL:
        told["x-should-retry"] = "false"
    await send_body(send, body, status=fault.status, caller=caller, headers=told)


async def break_off(send: Send, fault: Fault, *, caller: Caller, asked: object = None) -> None:
    """End a stream with an error, and tell the log of it; `asked` is the id of an MCP request."""
    log_fault(fault, caller=caller)
    last = error_event(fault, dialect=caller.dialect, request_id=caller.request_id, asked=asked)
    await send({"type": "http.response.body", "body": last})


def log_fault(fault: Fault, *, caller: Caller) -> None:
    """Tell the log of a refusal in one line; what came from outside is made plain."""
    level = logging.ERROR if fault.kind == "defect" else logging.WARNING
    _log.log(
        level,
        "%s %s %s from %s: %s (%s)",
        fault.status,
        printable(caller.method, limit=12),
        plain_path(caller.path),
        caller.address,
        printable(fault.code or fault.kind),
        caller.request_id,
        extra={"request_id": caller.request_id},
    )
