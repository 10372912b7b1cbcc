"""LangChain's standard content blocks as parts of the router's messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from langchain_core.messages import BaseMessage

from mcp_router import InvalidRequestError, Media, Reasoning, Text

Block = Mapping[str, Any]

_MEDIA_TYPES = {"image": "image/png", "audio": "audio/wav", "file": "application/pdf"}


def blocks_of(message: BaseMessage) -> list[Block]:
    """List what a message holds as standard blocks, whoever wrote it."""
    return cast("list[Block]", message.content_blocks)


def input_parts(message: BaseMessage) -> tuple[Text | Media, ...]:
    """Take a person's or a tool's message apart.

    Raises:
        InvalidRequestError: a block that no wire of the router can carry.
    """
    return tuple(part for block in blocks_of(message) for part in _input_part(block))


def answer_parts(blocks: Iterable[Block], *, provider: str | None) -> Iterator[Text | Reasoning]:
    """Take a model's answer apart; what only its own provider understands is left out."""
    for block in blocks:
        kind = block.get("type")
        if kind == "text" and block.get("text"):
            yield Text(text=str(block["text"]))
        elif kind == "reasoning":
            yield _reasoning(block, provider=provider)


def media_of(block: Block) -> Media:
    """Read an image, audio or file block.

    Raises:
        InvalidRequestError: it refers to a file that only one provider holds, or to nothing.
    """
    kind = str(block["type"])
    data, url = block.get("base64"), block.get("url")
    if not (data or url):
        named = "a file_id, which only its provider knows" if block.get("file_id") else "no data"
        raise _unsendable(f"a {kind} block has {named}")
    name = block.get("filename") or _extras(block).get("filename")
    return Media(
        media_type=str(block.get("mime_type") or _guess(kind, url)),
        data=str(data) if data else None,
        url=str(url) if url and not data else None,
        name=str(name) if name else None,
    )


def _input_part(block: Block) -> Iterator[Text | Media]:
    kind = block.get("type")
    if kind == "text":
        yield Text(text=str(block.get("text", "")))
    elif kind == "text-plain" and block.get("text"):
        title = block.get("title")
        yield Text(text=f"{title}:\n{block['text']}" if title else str(block["text"]))
    elif kind in _MEDIA_TYPES:
        yield media_of(block)
    elif kind == "non_standard":
        yield from _non_standard(block.get("value"))
    elif kind not in ("reasoning", "tool_call", "tool_result"):
        raise _unsendable(f"no wire of the router carries a block of type {_short(kind)}")


def _non_standard(value: object) -> Iterator[Text | Media]:
    """Take a provider's own block apart, where it is one of those that only repeat the message."""
    kind = cast("Block", value).get("type") if isinstance(value, Mapping) else None
    # A call and its result stand in fields of the messages, too.
    if kind not in ("tool_use", "tool_result"):
        raise _unsendable(f"no wire of the router carries a block of type {_short(kind)}")
    yield from ()


def _reasoning(block: Block, *, provider: str | None) -> Reasoning:
    signature = _extras(block).get("signature") or block.get("signature")
    return Reasoning(
        text=str(block.get("reasoning") or ""),
        signature=str(signature) if signature else None,
        provider=provider,
    )


def _extras(block: Block) -> Block:
    extras = block.get("extras")
    return cast("Block", extras) if isinstance(extras, Mapping) else {}


def _guess(kind: str, url: object) -> str:
    if kind == "image" and isinstance(url, str):
        path = url.partition("?")[0].lower()
        for ending in ("jpeg", "gif", "webp"):
            if path.endswith(f".{ending}"):
                return f"image/{ending}"
        if path.endswith(".jpg"):
            return "image/jpeg"
    return _MEDIA_TYPES[kind]


def _short(kind: object) -> str:
    return repr(str(kind)[:40])


def _unsendable(problem: str) -> InvalidRequestError:
    return InvalidRequestError(
        field="messages",
        problem=problem,
        hint="Pass it as text, as base64 data, or delegate with targets={...}.",
    )
