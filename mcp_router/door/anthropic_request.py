"""The body of a message turned into a request of the router."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import JsonValue, ValidationError

from mcp_router.door.anthropic_body import (
    Base64Source,
    DocumentBlock,
    ImageBlock,
    MessagesBody,
    RedactedThinkingBlock,
    TextBlock,
    TextSource,
    ThinkingBlock,
    ToolResultBlock,
    ToolUseBlock,
    Turn,
)
from mcp_router.door.asked import Asked, RouterField, ignored_fields, media, refuse_fields
from mcp_router.door.models import wanted
from mcp_router.errors import InvalidRequestError
from mcp_router.routing.intake import as_request, invalid
from mcp_router.types import (
    Media,
    Message,
    Part,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    ToolSpec,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_router.door.anthropic_body import AnyBlock, Source
    from mcp_router.types import Effort, Request

_REFUSED = ("mcp_servers", "container", "context_management")
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}
_EFFORT: Mapping[str, Effort] = {
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "high",
}
# How much thinking an allowance of so many tokens is.
_LITTLE, _SOME = 4_096, 16_384


def read_message(body: Mapping[str, Any], *, to_run: bool = True) -> Asked:
    """Read a body; where it is only to be counted, it needs no `max_tokens`.

    Raises:
        InvalidRequestError: a field is wrong, missing or not supported; names it.
    """
    refuse_fields(body, _REFUSED)
    try:
        asked = MessagesBody.model_validate(body)
    except ValidationError as error:
        raise invalid(error) from error
    if to_run and asked.max_tokens is None:
        raise InvalidRequestError(field="max_tokens", problem="is required")
    own = asked.router or RouterField()
    return Asked(
        _request(asked, own),
        stream=bool(asked.stream),
        timeout_s=own.timeout_s,
        ignored=ignored_fields(asked.further),
    )


def _request(asked: MessagesBody, own: RouterField) -> Request:
    which = wanted(asked.model)
    return as_request(
        [*_system(asked), *(_message(one) for one in asked.messages)],
        strategy=which.strategy,
        chain=which.chain or None,
        constraints=own.constraints(),
        tools=_tools(asked),
        tool_choice=_tool_choice(asked),
        response_schema=_schema(asked),
        max_tokens=asked.max_tokens,
        temperature=asked.temperature,
        stop=asked.stop_sequences,
        reasoning_effort=_effort(asked),
        cache=_is_cached(asked) or None,
        category=own.category,
        tags=own.tags(),
    )


def _system(asked: MessagesBody) -> list[Message]:
    given = asked.system
    if not given:
        return []
    text = given if isinstance(given, str) else "\n\n".join(one.text for one in given)
    return [Message(role="system", content=text)]


def _message(turn: Turn) -> Message:
    if isinstance(turn.content, str):
        return Message(role=turn.role, content=turn.content)
    parts = tuple(_part(one) for one in turn.content)
    only_text = [one.text for one in parts if isinstance(one, Text)]
    if len(only_text) == len(parts):
        return Message(role=turn.role, content="\n".join(only_text))
    return Message(role=turn.role, content=parts)


def _part(block: AnyBlock) -> Part:
    match block:
        case TextBlock():
            return Text(text=block.text)
        case ImageBlock():
            return _media(block.source, media_type="image/png")
        case DocumentBlock():
            found = _media(block.source, media_type="application/pdf")
            named = isinstance(found, Media) and block.title
            return found.model_copy(update={"name": block.title}) if named else found
        case ThinkingBlock():
            provider, mark, signature = block.signature.partition(":")
            if not mark:
                return Reasoning(text=block.thinking)
            return Reasoning(text=block.thinking, signature=signature, provider=provider)
        case RedactedThinkingBlock():
            provider, _, data = block.data.partition(":")
            return Reasoning(signature=data, provider=provider, redacted=True)
        case ToolUseBlock():
            return ToolCall(id=block.id, name=block.name, arguments=block.input)
        case ToolResultBlock():
            return _result(block)


def _media(source: Source, *, media_type: str) -> Media | Text:
    match source:
        case Base64Source():
            return Media(media_type=source.media_type, data=source.data)
        case TextSource():
            return Text(text=source.data)
        case _:
            return media(source.url, field="url", media_type=media_type)


def _result(block: ToolResultBlock) -> ToolResult:
    content = block.content
    if content is None or isinstance(content, str):
        parts: str | tuple[Text | Media, ...] = content or ""
    else:
        found = (_part(one) for one in content)
        parts = tuple(one for one in found if isinstance(one, Text | Media))
    return ToolResult(tool_call_id=block.tool_use_id, content=parts, is_error=bool(block.is_error))


def _tools(asked: MessagesBody) -> list[ToolSpec] | None:
    if not asked.tools:
        return None
    return [
        ToolSpec(name=one.name, description=one.description or "", parameters=one.input_schema)
        for one in asked.tools
    ]


def _tool_choice(asked: MessagesBody) -> str | None:
    choice = asked.tool_choice
    if choice is None:
        return None
    if choice.type != "tool":
        return _CHOICES[choice.type]
    if not choice.name:
        raise InvalidRequestError(field="tool_choice", problem="names no tool")
    return choice.name


def _schema(asked: MessagesBody) -> dict[str, JsonValue] | None:
    config = asked.output_config
    wish = (config.format if config else None) or asked.output_format
    return None if wish is None else wish.schema_


def _effort(asked: MessagesBody) -> Effort | None:
    config = asked.output_config
    if asked.thinking is not None and asked.thinking.type == "disabled":
        return "none"
    if config is not None and config.effort is not None:
        return _EFFORT[config.effort]
    tokens = asked.thinking.budget_tokens if asked.thinking else None
    if tokens is None:
        return None
    return "low" if tokens <= _LITTLE else "medium" if tokens <= _SOME else "high"


def _is_cached(asked: MessagesBody) -> bool:
    blocks = [
        one for turn in asked.messages if not isinstance(turn.content, str) for one in turn.content
    ]
    system = asked.system if isinstance(asked.system, list) else []
    return any(one.cache_control for one in (*blocks, *system, *(asked.tools or ())))
