"""Messages taken apart: what all three wires need to know of their parts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mcp_router.errors import InvalidRequestError, ProviderError
from mcp_router.providers.wire import Target
from mcp_router.types import Media, Message, Part, Reasoning, Text, ToolCall, ToolResult

_DATA_URL = re.compile(r"data:(?P<type>[\w.+/-]*)(?:;[\w=.+-]+)*?;base64,(?P<data>.*)", re.DOTALL)

NO_PARAMETERS: Mapping[str, object] = {"type": "object", "properties": {}}
"""The schema of a tool that takes nothing."""

OPENING = "(The conversation begins.)"
"""What the user is made to say first on wires where an answer cannot."""


class Source(NamedTuple):
    """Where the bytes of a media part are: base64 data, or an address."""

    media_type: str
    data: str | None
    url: str | None


def parts_of(message: Message) -> tuple[Part, ...]:
    """Give the content of a message as parts.

    Raises:
        InvalidRequestError: a tool message does not say which call it answers.
    """
    parts = (Text(text=message.content),) if isinstance(message.content, str) else message.content
    if message.role == "tool" and not any(isinstance(part, ToolResult) for part in parts):
        problem = "a message of role tool needs a tool_result part"
        raise InvalidRequestError(field="messages", problem=problem)
    return parts


def text_of(parts: Iterable[object], *, between: str = "") -> str:
    """Join the text parts."""
    return between.join(part.text for part in parts if isinstance(part, Text))


def system_text(messages: Iterable[Message], *, instruction: str = "") -> str:
    """Join all system messages and an instruction of ours into one text."""
    texts = [text_of(parts_of(one), between="\n") for one in messages if one.role == "system"]
    return "\n\n".join(text for text in (*texts, instruction) if text)


def result_text(result: ToolResult) -> str:
    """Give the text of a tool result."""
    if isinstance(result.content, str):
        return result.content
    return text_of(result.content, between="\n")


def result_media(result: ToolResult) -> tuple[Media, ...]:
    """Give the media of a tool result."""
    if isinstance(result.content, str):
        return ()
    return tuple(part for part in result.content if isinstance(part, Media))


def source_of(media: Media) -> Source:
    """Find the bytes of a media part; a data: address counts as data.

    Raises:
        InvalidRequestError: it has neither data nor an address.
    """
    if media.data:
        return Source(media.media_type, media.data, None)
    if not media.url:
        problem = "a media part needs data or a url"
        raise InvalidRequestError(field="messages", problem=problem)
    found = _DATA_URL.fullmatch(media.url)
    if found:
        return Source(found["type"] or media.media_type, found["data"], None)
    return Source(media.media_type, None, media.url)


def unsupported(target: Target, source: Source) -> ProviderError:
    """Say that this wire cannot carry a media part, so that another model is tried."""
    how = "as data" if source.data else "by its address"
    return ProviderError(
        provider=target.provider.name,
        model=target.model.name,
        problem=f"it cannot be sent {source.media_type} {how}",
        hint="Pass it as an image, or as base64 data.",
    )


def no_messages() -> InvalidRequestError:
    """Say that nothing is left to send."""
    return InvalidRequestError(field="messages", problem="there is nothing in them to answer")


def marked(provider: str, signature: str) -> str:
    """Mark a tool call's signature with the provider it comes from."""
    return f"{provider}:{signature}"


def own_signature(call: ToolCall, *, provider: str) -> str | None:
    """Give back a tool call's signature if this provider made it; others reject it."""
    mark = f"{provider}:"
    if call.signature is None or not call.signature.startswith(mark):
        return None
    return call.signature.removeprefix(mark)


def own_reasoning(parts: Iterable[Part], *, provider: str) -> list[Reasoning]:
    """Give the reasoning that this provider made and signed, and may be sent again."""
    return [
        part
        for part in parts
        if isinstance(part, Reasoning) and part.provider == provider and part.signature is not None
    ]


def short_id(call_id: str, *, pattern: re.Pattern[str], length: int) -> str:
    """Keep a tool call's id if it matches what a provider accepts, else derive one.

    The derived id is the same for a call and its result, and differs between calls.
    """
    if pattern.fullmatch(call_id):
        return call_id
    return hashlib.blake2b(call_id.encode("utf-8", "replace")).hexdigest()[:length]
