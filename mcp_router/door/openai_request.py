"""A chat completion's body turned into a request of the router."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from pydantic import JsonValue, ValidationError

from mcp_router.door.asked import Asked, RouterField, ignored_fields, media, refuse_fields
from mcp_router.door.models import wanted
from mcp_router.door.openai_body import (
    AudioPart,
    ChatBody,
    FilePart,
    ImagePart,
    MessageBody,
    NamedTool,
    RefusalPart,
    TextPart,
    ToolCallBody,
)
from mcp_router.errors import InvalidRequestError
from mcp_router.routing.intake import as_request, invalid
from mcp_router.types import Media, Message, Part, Text, ToolCall, ToolResult, ToolSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_router.door.openai_body import AnyPart
    from mcp_router.types import Effort, Request

_REFUSED = (
    *("functions", "function_call", "audio", "logprobs", "top_logprobs", "web_search_options"),
)
_AUDIO = {"wav": "audio/wav", "mp3": "audio/mpeg"}
_EFFORT: Mapping[str, Effort] = {
    "none": "none",
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
}


def read_chat(body: Mapping[str, Any]) -> Asked:
    """Read a body.

    Raises:
        InvalidRequestError: a field is wrong, missing or not supported; names it.
    """
    chat = _checked(body)
    own, options = chat.router or RouterField(), chat.stream_options
    return Asked(
        _request(chat, own),
        stream=bool(chat.stream),
        stream_usage=bool(options and options.include_usage),
        timeout_s=own.timeout_s,
        ignored=ignored_fields(chat.further),
    )


def _checked(body: Mapping[str, Any]) -> ChatBody:
    refuse_fields(body, _REFUSED)
    if body.get("modalities") not in (None, ["text"]):
        raise InvalidRequestError(field="modalities", problem="may be text only")
    try:
        chat = ChatBody.model_validate(body)
    except ValidationError as error:
        raise invalid(error) from error
    if chat.n not in (None, 1):
        hint = "Send the request several times instead."
        raise InvalidRequestError(field="n", problem="may be 1 only", hint=hint)
    return chat


def _request(chat: ChatBody, own: RouterField) -> Request:
    which = wanted(chat.model)
    return as_request(
        [message for one in chat.messages for message in _message(one)],
        strategy=which.strategy,
        chain=which.chain or None,
        constraints=own.constraints(),
        tools=_tools(chat),
        tool_choice=_tool_choice(chat),
        response_schema=_schema(chat),
        json_mode=_is_json(chat) or None,
        max_tokens=chat.max_completion_tokens or chat.max_tokens,
        temperature=chat.temperature,
        stop=[chat.stop] if isinstance(chat.stop, str) else chat.stop,
        reasoning_effort=None if chat.reasoning_effort is None else _EFFORT[chat.reasoning_effort],
        category=own.category,
        tags=own.tags(),
    )


def _message(given: MessageBody) -> list[Message]:
    parts = _parts(given)
    match given.role:
        case "tool":
            return [Message(role="tool", content=(_result(given, parts),))]
        case "assistant":
            calls = [_call(one) for one in given.tool_calls or ()]
            refusal = [Text(text=given.refusal)] if given.refusal else []
            every = (*parts, *refusal, *calls)
            return [Message(role="assistant", content=every)] if every else []
        case "system" | "developer":
            return [Message(role="system", content=_text(parts))]
        case "user":
            return [Message(role="user", content=_simple(parts))]


def _parts(given: MessageBody) -> list[Part]:
    if given.content is None:
        return []
    if isinstance(given.content, str):
        return [Text(text=given.content)] if given.content else []
    return [_part(one) for one in given.content]


def _part(given: AnyPart) -> Text | Media:
    match given:
        case TextPart():
            return Text(text=given.text)
        case RefusalPart():
            return Text(text=given.refusal)
        case ImagePart():
            return media(given.image_url.url, field="image_url")
        case AudioPart():
            clip = given.input_audio
            return Media(media_type=_AUDIO[clip.format], data=clip.data)
        case FilePart():
            found = media(given.file.file_data, field="file_data", media_type="application/pdf")
            return found.model_copy(update={"name": given.file.filename})


def _text(parts: list[Part]) -> str:
    return "\n".join(one.text for one in parts if isinstance(one, Text))


def _simple(parts: list[Part]) -> str | tuple[Part, ...]:
    return _text(parts) if all(isinstance(one, Text) for one in parts) else tuple(parts)


def _result(given: MessageBody, parts: list[Part]) -> ToolResult:
    if not given.tool_call_id:
        raise InvalidRequestError(field="messages", problem="a tool message needs tool_call_id")
    return ToolResult(tool_call_id=given.tool_call_id, name=given.name or "", content=_text(parts))


def _call(given: ToolCallBody) -> ToolCall:
    extra = given.extra_content or {}
    signature = extra.get("signature")
    return ToolCall(
        id=given.id,
        name=given.function.name,
        arguments=_arguments(given.function.arguments),
        signature=signature if isinstance(signature, str) else None,
    )


def _arguments(text: str) -> dict[str, JsonValue]:
    try:
        found: object = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        problem = "the arguments of a tool call are not JSON"
        raise InvalidRequestError(field="messages", problem=problem) from error
    if not isinstance(found, dict):
        problem = "the arguments of a tool call are no JSON object"
        raise InvalidRequestError(field="messages", problem=problem)
    return cast("dict[str, JsonValue]", found)


def _tools(chat: ChatBody) -> list[ToolSpec] | None:
    if not chat.tools:
        return None
    functions = [one.function for one in chat.tools]
    return [
        ToolSpec(name=one.name, description=one.description or "", parameters=one.parameters or {})
        for one in functions
    ]


def _tool_choice(chat: ChatBody) -> str | None:
    choice = chat.tool_choice
    return choice.function.name if isinstance(choice, NamedTool) else choice


def _schema(chat: ChatBody) -> dict[str, JsonValue] | None:
    wish = chat.response_format
    if wish is None or wish.type != "json_schema":
        return None
    if wish.json_schema is None:
        raise InvalidRequestError(field="response_format", problem="needs json_schema")
    return wish.json_schema.schema_


def _is_json(chat: ChatBody) -> bool:
    return chat.response_format is not None and chat.response_format.type == "json_object"
