"""LangChain's messages as the router's, one for one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self, cast

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from pydantic import PrivateAttr

from langchain_mcp_router.blocks import answer_parts, blocks_of, input_parts
from langchain_mcp_router.providers import router_provider
from mcp_router import InvalidRequestError, Message, Reasoning, Text, ToolCall, ToolResult

REPLAY_KEY = "mcp_router"
"""Where an answer keeps, in `additional_kwargs`, what its own provider wants to see again."""


class OriginalMessage(Message):
    """A message that knows the LangChain message it stands for, and whose call it belongs to."""

    _origin: BaseMessage = PrivateAttr()
    _attached: object = PrivateAttr(default=None)

    @property
    def origin(self) -> BaseMessage:
        """The LangChain message."""
        return self._origin

    def made_of(self, origin: BaseMessage) -> Self:
        """Remember the LangChain message."""
        self._origin = origin
        return self

    @property
    def attached(self) -> object:
        """What was attached, or None."""
        return self._attached

    def attach(self, call: object) -> None:
        """Tie the message to the call that it is sent in."""
        self._attached = call


def converted(messages: Sequence[BaseMessage]) -> tuple[OriginalMessage, ...]:
    """Convert a conversation; every message becomes one message.

    Raises:
        InvalidRequestError: a message, or a block in it, that cannot be sent.
    """
    names = _call_names(messages)
    return tuple(_with_origin(_message(one, names=names), one) for one in messages)


def _with_origin(message: Message, origin: BaseMessage) -> OriginalMessage:
    return OriginalMessage(role=message.role, content=message.content).made_of(origin)


def _message(message: BaseMessage, *, names: Mapping[str, str]) -> Message:
    write = next((_WRITERS[kind] for kind in _WRITERS if isinstance(message, kind)), None)
    if write is not None:
        return write(message)
    if isinstance(message, ToolMessage):
        return _result(message, names=names)
    if isinstance(message, FunctionMessage):
        result = ToolResult(tool_call_id=message.name, name=message.name, content=message.text)
        return Message(role="tool", content=(result,))
    if isinstance(message, ChatMessage):
        return _by_role(message)
    raise InvalidRequestError(
        field="messages", problem=f"a message of type {message.type[:40]!r} cannot be sent"
    )


def _system(message: BaseMessage) -> Message:
    return Message(role="system", content=message.text)


def _human(message: BaseMessage) -> Message:
    if isinstance(message.content, str):
        return Message(role="user", content=message.content)
    return Message(role="user", content=input_parts(message))


def _answer(message: BaseMessage) -> Message:
    answer = cast("AIMessage", message)
    calls = _calls(answer)
    if isinstance(answer.content, str) and not calls and not _replay(answer):
        return Message(role="assistant", content=answer.content)
    provider = router_provider(answer.response_metadata.get("model_provider"))
    parts = answer_parts(blocks_of(answer), provider=provider)
    said: list[Text | Reasoning] = list(parts)
    kept = _kept_reasoning(answer)
    if kept:
        said = [*kept, *(one for one in said if not isinstance(one, Reasoning))]
    return Message(role="assistant", content=(*said, *calls))


def _calls(answer: AIMessage) -> list[ToolCall]:
    signatures = cast("Mapping[str | None, str]", _replay(answer).get("signatures") or {})
    calls = [
        ToolCall(
            id=call["id"] or "",
            name=call["name"],
            arguments=call["args"],
            signature=signatures.get(call["id"]),
        )
        for call in answer.tool_calls
    ]
    # Its result may follow, and every wire refuses a result without its call.
    calls += [
        ToolCall(id=broken.get("id") or "", name=broken.get("name") or "")
        for broken in answer.invalid_tool_calls
        if broken.get("name")
    ]
    return calls


def _kept_reasoning(answer: AIMessage) -> list[Reasoning]:
    kept = cast("Sequence[object]", _replay(answer).get("reasoning") or ())
    return [Reasoning.model_validate(one) for one in kept]


def _replay(answer: AIMessage) -> Mapping[str, Any]:
    kept = answer.additional_kwargs.get(REPLAY_KEY)
    return cast("Mapping[str, Any]", kept) if isinstance(kept, Mapping) else {}


def _result(message: ToolMessage, *, names: Mapping[str, str]) -> Message:
    content = message.content
    result = ToolResult(
        tool_call_id=message.tool_call_id,
        name=message.name or names.get(message.tool_call_id, ""),
        content=content if isinstance(content, str) else input_parts(message),
        is_error=message.status == "error",
    )
    return Message(role="tool", content=(result,))


def _by_role(message: ChatMessage) -> Message:
    if message.role in ("system", "developer"):
        return _system(message)
    if message.role in ("assistant", "ai", "model"):
        return Message(role="assistant", content=message.text)
    return _human(message)


def _call_names(messages: Sequence[BaseMessage]) -> dict[str, str]:
    answers = (one for one in messages if isinstance(one, AIMessage))
    return {call["id"]: call["name"] for one in answers for call in one.tool_calls if call["id"]}


_WRITERS: Mapping[type[BaseMessage], Callable[[BaseMessage], Message]] = {
    SystemMessage: _system,
    HumanMessage: _human,
    AIMessage: _answer,
}
