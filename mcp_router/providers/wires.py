"""The three wires by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mcp_router.providers.anthropic import AnthropicWire
from mcp_router.providers.gemini import GeminiWire
from mcp_router.providers.openai import OpenAIWire
from mcp_router.providers.wire import Wire

WIRES: Mapping[str, Wire] = MappingProxyType(
    {"openai": OpenAIWire(), "anthropic": AnthropicWire(), "gemini": GeminiWire()}
)
"""What `ProviderInfo.wire` names."""
