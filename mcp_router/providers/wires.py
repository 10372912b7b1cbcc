"""The three wires by name, and what is sent over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from mcp_router.providers.anthropic import AnthropicWire
from mcp_router.providers.gemini import GeminiWire
from mcp_router.providers.history import mended
from mcp_router.providers.openai import OpenAIWire
from mcp_router.providers.wire import Call, PreparedRequest, Target, Wire

WIRES: Mapping[str, Wire] = MappingProxyType(
    {"openai": OpenAIWire(), "anthropic": AnthropicWire(), "gemini": GeminiWire()}
)
"""What `ProviderInfo.wire` names."""


def written(target: Target, call: Call, *, stream: bool) -> PreparedRequest:
    """Write a call on the wire of its target, its history mended so that the provider takes it.

    Raises:
        InvalidRequestError, ProviderError: as in `Wire.request`.
    """
    history = mended(call.messages)
    # A copy that changes nothing costs as much as writing a short call.
    if history.messages != call.messages:
        call = replace(call, messages=history.messages)
    prepared = WIRES[target.provider.wire].request(target, call, stream=stream)
    if not history.warnings:
        return prepared
    return replace(prepared, warnings=prepared.warnings + history.warnings)
