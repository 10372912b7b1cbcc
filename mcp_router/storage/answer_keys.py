"""Keys of kept answers: two requests share one only if a provider would be sent the same."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_router.types import ModelInfo, ProviderInfo, Request

# Raise it when the layout below changes, so that old answers are not found any more.
_LAYOUT = 2
_SENT = {
    "messages",
    "tools",
    "tool_choice",
    "response_schema",
    "json_mode",
    "max_tokens",
    "temperature",
    "stop",
    "reasoning_effort",
}
_MODEL = {"name", "id", "max_output", "family"}
_PROVIDER = {"name", "wire", "base_url", "headers", "api_version"}


def answer_key(
    request: Request, *, model: ModelInfo, provider: ProviderInfo, scope: str = ""
) -> bytes:
    """Hash everything that can change the answer of `model` at `provider`; 32 bytes.

    `scope` keeps users, tenants or projects apart. What only the router reads (strategy, budget,
    tags …) does not count. Media that are given by URL count by their URL.
    """
    return _digest(_sent(request), model=model, provider=provider, scope=scope)


def space_key(
    request: Request, *, model: ModelInfo, provider: ProviderInfo, scope: str = ""
) -> bytes:
    """Hash the same without the last message: what near-duplicate questions must have in common."""
    before = request.model_copy(update={"messages": request.messages[:-1]})
    sent = {**_sent(before), "last": request.messages[-1].role}
    return _digest(sent, model=model, provider=provider, scope=scope)


def _sent(request: Request) -> dict[str, object]:
    sent = request.model_dump(include=_SENT)
    if request.temperature is not None:
        # Equal to 0.0, but written with a sign.
        sent["temperature"] = request.temperature + 0.0
    return sent


def _digest(
    sent: Mapping[str, object], *, model: ModelInfo, provider: ProviderInfo, scope: str
) -> bytes:
    content = {
        "layout": _LAYOUT,
        "scope": scope,
        "request": sent,
        "model": model.model_dump(include=_MODEL),
        "features": sorted(model.features),
        "rejects": sorted(model.rejects),
        "provider": provider.model_dump(include=_PROVIDER),
    }
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    # Escaped to ASCII, two halves of a pair would look like the whole character.
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=32).digest()
