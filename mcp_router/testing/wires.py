"""The three wires, and which one an address belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import parse_qs, urlsplit

from mcp_router.testing import anthropic, gemini, openai
from mcp_router.testing.neutral import Wire, WireName

WIRES: Mapping[WireName, Wire] = MappingProxyType(
    {"openai": openai.WIRE, "anthropic": anthropic.WIRE, "gemini": gemini.WIRE}
)


def wire_of(target: str, *, headers: Mapping[str, str]) -> tuple[Wire, bool] | None:
    """Tell the wire of a request and whether it only lists models; None for an unknown address.

    Only the end of the path counts, so that a client may keep `/v1` in its base URL or not.
    """
    path = target.partition("?")[0].rstrip("/")
    if path.endswith("/chat/completions"):
        return openai.WIRE, False
    if path.endswith("/messages"):
        return anthropic.WIRE, False
    if path.endswith((":generateContent", ":streamGenerateContent")) and "/models/" in path:
        return gemini.WIRE, False
    if not path.endswith("/models"):
        return None
    if "/v1beta/" in path or "x-goog-api-key" in headers:
        return gemini.WIRE, True
    return (anthropic.WIRE if "anthropic-version" in headers else openai.WIRE), True


def key_of(target: str, *, headers: Mapping[str, str], wire: WireName) -> str | None:
    """Return the key a request carries, in any of the places its wire allows."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    if wire == "anthropic":
        return headers.get("x-api-key")
    if wire == "gemini":
        in_query = parse_qs(urlsplit(target).query).get("key", [None])[0]
        return headers.get("x-goog-api-key") or in_query
    return None
