"""Late binding: a planned call in the words of the chat model that was chosen for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AnyMessage, BaseMessage, SystemMessage

from langchain_mcp_router.foreign import (
    own_messages,
    own_settings,
    own_tools,
    provider_of,
    takes_cache_marks,
)
from langchain_mcp_router.turns import Turn
from mcp_router import Call

Json = dict[str, Any]

# Arguments of `bind_tools` that mean nothing without tools.
_OF_TOOLS = ("strict", "parallel_tool_calls")
_JSON_ONLY = "Answer with one JSON value only: no prose before or after it, and no code fence."


def prepared(
    inner: BaseChatModel, call: Call, turn: Turn, origins: Sequence[BaseMessage]
) -> tuple[list[BaseMessage], Json]:
    """Give the messages and arguments that a chat model is called with.

    The history is cleaned of what only other providers understand, and the model's own
    `bind_tools` writes the tools, their choice and the answer's schema.
    """
    provider, marks = provider_of(inner), takes_cache_marks(inner)
    history = cast("Sequence[AnyMessage]", origins)
    messages: list[BaseMessage] = list(own_messages(history, provider=provider, cache_marks=marks))
    given = own_settings(turn.given, provider=provider)
    form = given.get("response_format")
    any_json = isinstance(form, Mapping) and cast("Json", form).get("type") == "json_object"
    if any_json:
        del given["response_format"]
    arguments = _bound(inner, call, tools=turn.tools, given=given)
    if any_json and marks:
        # Claude's API has no such mode.
        messages = _instructed(messages)
    elif any_json:
        arguments["response_format"] = form
    return messages, {**arguments, **_parameters(inner, call)}


def _bound(
    inner: BaseChatModel, call: Call, *, tools: Sequence[object], given: Mapping[str, Any]
) -> Json:
    options = dict(given)
    if not tools:
        options = {name: one for name, one in given.items() if name not in _OF_TOOLS}
        if "response_format" not in options:
            return options
    choice = _choice(inner, call.tool_choice)
    if tools and choice is not None:
        options["tool_choice"] = choice
    known = own_tools(cast("Any", tools), cache_marks=takes_cache_marks(inner))
    arguments = dict(cast("Any", inner.bind_tools(known, **options)).kwargs)
    if not tools:
        arguments.pop("tools", None)
    return arguments


def _choice(inner: BaseChatModel, choice: str | None) -> object:
    if choice == "none" and takes_cache_marks(inner):
        # The package takes a word it does not know for the name of a tool.
        return {"type": "none"}
    forced = choice not in (None, "auto", "none")
    return None if forced and not _allows(inner, "tool_choice") else choice


def _parameters(inner: BaseChatModel, call: Call) -> Json:
    found: Json = {"stop": list(call.stop) or None}
    if call.max_tokens is not None:
        found["max_tokens"] = call.max_tokens
    if call.temperature is not None and _allows(inner, "temperature"):
        found["temperature"] = call.temperature
    return found


def _allows(inner: BaseChatModel, what: str) -> bool:
    profile = cast("Mapping[str, Any]", inner.profile or {})
    return profile.get(what) is not False


def _instructed(messages: list[BaseMessage]) -> list[BaseMessage]:
    if messages and isinstance(messages[0], SystemMessage):
        return [SystemMessage(f"{messages[0].text}\n\n{_JSON_ONLY}"), *messages[1:]]
    return [SystemMessage(_JSON_ONLY), *messages]
