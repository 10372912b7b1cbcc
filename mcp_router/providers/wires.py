"""The three wires by name, and what is sent over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache

from mcp_router.providers.history import mended
from mcp_router.providers.wire import Call, PreparedRequest, Target, Wire


@cache
def _openai() -> Wire:
    from mcp_router.providers.openai import OpenAIWire

    return OpenAIWire()


@cache
def _anthropic() -> Wire:
    from mcp_router.providers.anthropic import AnthropicWire

    return AnthropicWire()


@cache
def _gemini() -> Wire:
    from mcp_router.providers.gemini import GeminiWire

    return GeminiWire()


class _Wires(Mapping[str, Wire]):
    """Loads a wire when it is first looked up: most people's models speak one of them."""

    _OPEN: Mapping[str, Callable[[], Wire]] = {
        "openai": _openai,
        "anthropic": _anthropic,
        "gemini": _gemini,
    }

    def __getitem__(self, name: str) -> Wire:
        return self._OPEN[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._OPEN)

    def __len__(self) -> int:
        return len(self._OPEN)


WIRES: Mapping[str, Wire] = _Wires()
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
