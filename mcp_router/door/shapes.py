"""The bodies of errors, as OpenAI, Anthropic and MCP write them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_router.door.faults import Fault, Kind

Dialect = Literal["openai", "anthropic", "plain"]

_OPENAI: Mapping[Kind, str] = {
    "invalid_request": "invalid_request_error",
    "authentication": "authentication_error",
    "permission": "permission_error",
    "not_found": "invalid_request_error",
    "too_large": "invalid_request_error",
    "too_slow": "invalid_request_error",
    "rate_limit": "rate_limit_error",
    "budget": "insufficient_quota",
    "overloaded": "server_error",
    "timeout": "server_error",
    "upstream": "server_error",
    "defect": "server_error",
}
_ANTHROPIC: Mapping[Kind, str] = {
    "invalid_request": "invalid_request_error",
    "authentication": "authentication_error",
    "permission": "permission_error",
    "not_found": "not_found_error",
    "too_large": "request_too_large",
    "too_slow": "invalid_request_error",
    "rate_limit": "rate_limit_error",
    "budget": "billing_error",
    "overloaded": "overloaded_error",
    "timeout": "timeout_error",
    "upstream": "api_error",
    "defect": "api_error",
}


def dialect_of(path: str, headers: Mapping[bytes, bytes]) -> Dialect:
    """Say in whose words a request is to be answered."""
    if path.startswith("/v1/messages"):
        return "anthropic"
    if path.startswith("/v1/models") and b"anthropic-version" in headers:
        return "anthropic"
    return "openai" if path.startswith("/v1/") else "plain"


def error_body(fault: Fault, *, dialect: Dialect, request_id: str) -> dict[str, Any]:
    """Write an error in a dialect."""
    if dialect == "anthropic":
        inner = {"type": _ANTHROPIC[fault.kind], "message": fault.message}
        return {"type": "error", "error": inner, "request_id": request_id}
    if dialect == "openai":
        return {
            "error": {
                "message": fault.message,
                "type": _OPENAI[fault.kind],
                "param": fault.param or None,
                "code": fault.code or None,
            }
        }
    return {"error": fault.code or fault.kind, "error_description": fault.message}


def error_event(fault: Fault, *, dialect: Dialect, request_id: str, asked: object = None) -> bytes:
    """Write an error as the last event of a stream; `asked` is the id of an MCP request."""
    if dialect == "plain":
        # The code is one of those that JSON-RPC leaves to servers.
        error = {"code": -32_000, "message": fault.message, "data": {"code": fault.code}}
        body: dict[str, Any] = {"jsonrpc": "2.0", "id": asked, "error": error}
        return b"event: message\r\ndata: " + as_bytes(body) + b"\r\n\r\n"
    event = b"event: error\n" if dialect == "anthropic" else b""
    written = as_bytes(error_body(fault, dialect=dialect, request_id=request_id))
    return event + b"data: " + written + b"\n\n"


def as_bytes(body: Mapping[str, Any]) -> bytes:
    """Write JSON; in ASCII, so that no character in it can end a line or a frame."""
    return json.dumps(body, separators=(",", ":")).encode("ascii")
