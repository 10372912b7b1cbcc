"""Signs in the structure of an answer: the JSON, the schema or the tool call that was wanted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mcp_router.quality.asked import Asked
from mcp_router.quality.formats import wants
from mcp_router.quality.json_text import read_json
from mcp_router.quality.signals import Signal
from mcp_router.quality.voice import Layout
from mcp_router.types import Request, ToolCall

if TYPE_CHECKING:
    from mcp_router.quality.schema import Mismatch, Schema


def json_signals(request: Request, asked: Asked, *, answer: str, parts: Layout) -> Iterator[Signal]:
    """Find an answer that is not the JSON, or does not fit the schema, that was asked for."""
    strict = request.response_schema is not None or request.json_mode
    # Who asks for a program that writes JSON does not ask for JSON.
    if not strict and (asked.codes or not wants(asked, "json")):
        return
    value, found = read_json(answer)
    blocks = [block.text for block in parts.blocks if block.language in {"", "json"}]
    if not found and blocks:
        value, found = read_json(blocks[0])
        if found and strict:
            yield Signal("json", 0.3, "wraps its JSON in other text")
    if not found:
        yield Signal("json", 1.0, "is not the JSON that was asked for")
    elif request.response_schema:
        wrong = _mismatch(value, schema=request.response_schema)
        if wrong is not None:
            place = f"its {wrong.place}" if wrong.place else "it"
            yield Signal("schema", 1.0, f"{place} {wrong.problem}")


def tool_signals(request: Request, calls: Sequence[ToolCall]) -> Iterator[Signal]:
    """Find calls of tools that were not offered, or with arguments that do not fit."""
    offered = {tool.name: tool.parameters for tool in request.tools}
    for call in calls:
        if call.name not in offered:
            yield Signal("tool_call", 1.0, f"calls {call.name}, which is no tool of the request")
            return
        wrong = _mismatch(dict(call.arguments), schema=offered[call.name])
        if wrong is not None:
            says = f"calls {call.name} with arguments that do not fit ({wrong.problem})"
            yield Signal("tool_call", 1.0, says)
            return


def _mismatch(value: object, *, schema: Schema) -> Mismatch | None:
    # Few requests bring a schema.
    from mcp_router.quality.schema import mismatch

    return mismatch(value, schema=schema)
