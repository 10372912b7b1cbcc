"""What only one provider understands, taken out of a request before another is sent it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, SystemMessage
from langchain_core.tools import BaseTool

Tool = BaseTool | dict[str, Any]
M = TypeVar("M", bound=BaseMessage)
Content = str | list[str | dict[str, Any]]

# What the packages of these providers take and others refuse or pass on to an API that does.
# Sources: the request parameters of the three public API references, and the arguments of
# ChatOpenAI, ChatAnthropic, ChatGoogleGenerativeAI and ChatFireworks.
_OWN_SETTINGS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(
        ("cache_control", "thinking", "betas", "container", "context_management", "mcp_servers"),
        frozenset({"anthropic"}),
    ),
    **dict.fromkeys(
        ("store", "include", "truncation", "previous_response_id", "prediction", "verbosity"),
        frozenset({"openai", "azure"}),
    ),
    **dict.fromkeys(
        ("safety_settings", "cached_content", "thinking_budget", "thinking_level"),
        frozenset({"google_genai", "google_vertexai"}),
    ),
    "prompt_cache_key": frozenset({"openai", "azure", "fireworks"}),
    "prompt_cache_retention": frozenset({"openai", "azure"}),
    "reasoning": frozenset({"openai", "azure", "openrouter"}),
}
_CACHE_MARK = "cache_control"
_AFFINITY = "x-session-affinity"
_ANTHROPIC_TOOL = re.compile(r"\w+_\d{8}")
_GOOGLE_TOOLS = frozenset({"google_search", "google_maps", "url_context", "code_execution"})
_PLAIN_TOOL = frozenset({"name", "description", "parameters", "input_schema", "strict"})


def provider_of(model: BaseChatModel) -> str:
    """Give the provider a chat model names in traces and marks its messages with; "" for none."""
    describe = getattr(model, "_get_ls_params", dict[str, Any])
    return str(describe().get("ls_provider") or "")


def takes_cache_marks(model: BaseChatModel) -> bool:
    """Tell whether a chat model speaks to Claude, wherever it is hosted."""
    return str(getattr(model, "_llm_type", "")).startswith("anthropic")


def own_settings(settings: Mapping[str, Any], *, provider: str) -> dict[str, Any]:
    """Leave out the call settings that belong to another provider."""
    kept = {
        name: value
        for name, value in settings.items()
        if name not in _OWN_SETTINGS or provider in _OWN_SETTINGS[name]
    }
    headers = kept.pop("extra_headers", None)
    if isinstance(headers, Mapping) and provider != "fireworks":
        named = cast("Mapping[str, Any]", headers)
        headers = {name: one for name, one in named.items() if name.lower() != _AFFINITY}
    return kept | ({"extra_headers": headers} if headers else {})


def own_messages(
    messages: Sequence[AnyMessage], *, provider: str, cache_marks: bool
) -> list[AnyMessage]:
    """Clean a history for a provider: of another's thinking, signatures and server tools.

    An answer of another provider keeps its text and its tool calls; one that has neither is left
    out. What the provider itself said stays whole, for it may ask for its signatures again.
    """
    kept: list[AnyMessage] = []
    for message in messages:
        if not isinstance(message, AIMessage):
            kept.append(message if cache_marks else _unmarked(message))
        elif message.response_metadata.get("model_provider") == provider:
            kept.append(message)
        elif message.text or message.tool_calls or message.invalid_tool_calls:
            kept.append(_plain_answer(message))
    return kept


def own_system(message: SystemMessage | None, *, cache_marks: bool) -> SystemMessage | None:
    """Clean the system message of cache marks the provider does not take."""
    return message if message is None or cache_marks else _unmarked(message)


def own_tools(tools: Sequence[Tool], *, cache_marks: bool) -> list[Tool]:
    """Clean tools of cache marks the provider does not take."""
    return list(tools) if cache_marks else [_unmarked_tool(one) for one in tools]


def native_to(tool: Tool) -> str | None:
    """Name the provider that alone can carry out a built-in tool; None for any other tool."""
    if isinstance(tool, BaseTool):
        native = (tool.extras or {}).get("provider_tool_definition")
        return native_to(cast("dict[str, Any]", native)) if isinstance(native, dict) else None
    kind = str(tool.get("type", ""))
    if kind in ("function", "object", "custom") or (not kind and _PLAIN_TOOL & tool.keys()):
        return None
    if _ANTHROPIC_TOOL.fullmatch(kind) or kind == "mcp_toolset":
        return "anthropic"
    if _GOOGLE_TOOLS & tool.keys():
        return "google_genai"
    return "openai" if kind else None


def _plain_answer(message: AIMessage) -> AIMessage:
    return message.model_copy(update={"content": str(message.text), "additional_kwargs": {}})


def _unmarked(message: M) -> M:
    content: Content = message.content
    if isinstance(content, str):
        return message
    cleaned = [_without(one) if isinstance(one, dict) else one for one in content]
    return message if cleaned == content else message.model_copy(update={"content": cleaned})


def _unmarked_tool(tool: Tool) -> Tool:
    if isinstance(tool, dict):
        return _without(tool)
    extras = tool.extras
    if not extras or _CACHE_MARK not in extras:
        return tool
    return tool.model_copy(update={"extras": _without(extras) or None})


def _without(block: dict[str, Any]) -> dict[str, Any]:
    """Drop the cache mark from a block, and from where the standard blocks keep such extras."""
    left = {name: one for name, one in block.items() if name != _CACHE_MARK}
    for nested in ("extras", "metadata"):
        inner = left.get(nested)
        if isinstance(inner, dict) and _CACHE_MARK in inner:
            marked = cast("dict[str, Any]", inner)
            left[nested] = {name: one for name, one in marked.items() if name != _CACHE_MARK}
    return left
