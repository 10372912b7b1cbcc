"""Fitting a call to its model: what the model rejects is dropped or replaced, with a warning."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from mcp_router.providers.wire import Call, Target

_JSON_ONLY = "Answer with one JSON value only: no prose before or after it, and no code fence."

_CACHE_NAMES = frozenset(("cache", "cache_control", "prompt_cache_key"))
_SCHEMA_NAMES = ("response_schema", "response_format", "json_schema", "output_config")


class Fitted(NamedTuple):
    """The parameters of a call as this model takes them; `instruction` goes to the system text."""

    max_tokens: int | None
    temperature: float | None
    stop: tuple[str, ...]
    tool_choice: str | None
    response_schema: Mapping[str, Any] | None
    json_mode: bool
    cache: bool
    instruction: str
    warnings: tuple[str, ...]


def fit(
    target: Target,
    call: Call,
    *,
    max_temperature: float = 2.0,
    max_stops: int = 4,
    json_mode: bool = True,
    takes_schema: Callable[[Mapping[str, Any]], bool] = bool,
) -> Fitted:
    """Fit the parameters of a call to its model and wire.

    Args:
        target: the model; `rejects` names parameters of `Call` or their wire spelling.
        call: what was asked.
        max_temperature: the highest the wire takes.
        max_stops: how many stop sequences the wire takes.
        json_mode: whether the wire can be told to write JSON without a schema.
        takes_schema: whether the wire can enforce a schema; an empty one enforces nothing.
    """
    notes: list[str] = []
    can_schema = call.response_schema is not None and takes_schema(call.response_schema)
    schema, wants_json, instruction = _shape(
        target, call, can_schema=can_schema, json_mode=json_mode
    )
    if instruction:
        notes.append(f"JSON is asked for in words: {target.model.name} has no mode for it")
    return Fitted(
        max_tokens=_max_tokens(target, call, notes=notes),
        temperature=_temperature(target, call, highest=max_temperature, notes=notes),
        stop=_stop(target, call, most=max_stops, notes=notes),
        tool_choice=_tool_choice(target, call, notes=notes),
        response_schema=schema,
        json_mode=wants_json,
        cache=_cache(target, call, notes=notes),
        instruction=instruction,
        warnings=tuple(notes),
    )


def _max_tokens(target: Target, call: Call, *, notes: list[str]) -> int | None:
    model = target.model
    if call.max_tokens is None or call.max_tokens <= model.max_output:
        return call.max_tokens
    notes.append(f"max_tokens lowered to {model.max_output}, the most {model.name} writes")
    return model.max_output


def _temperature(target: Target, call: Call, *, highest: float, notes: list[str]) -> float | None:
    if call.temperature is None:
        return None
    if "temperature" in target.model.rejects:
        notes.append(f"temperature dropped: {target.model.name} rejects it")
        return None
    if call.temperature > highest:
        notes.append(f"temperature lowered to {highest:g}, the highest {target.model.name} takes")
        return highest
    return call.temperature


def _stop(target: Target, call: Call, *, most: int, notes: list[str]) -> tuple[str, ...]:
    if call.stop and not {"stop", "stop_sequences"}.isdisjoint(target.model.rejects):
        notes.append(f"stop dropped: {target.model.name} rejects it")
        return ()
    if len(call.stop) > most:
        notes.append(f"stop cut to {most} sequences, the most {target.model.name} takes")
    return call.stop[:most]


def _tool_choice(target: Target, call: Call, *, notes: list[str]) -> str | None:
    if not call.tools or call.tool_choice is None:
        return None
    forced = call.tool_choice not in ("auto", "none")
    if forced and "tool_choice" in target.model.rejects:
        notes.append(f"tool_choice dropped: {target.model.name} cannot be forced to call a tool")
        return None
    return "required" if call.tool_choice == "any" else call.tool_choice


def _cache(target: Target, call: Call, *, notes: list[str]) -> bool:
    if call.cache and not _CACHE_NAMES.isdisjoint(target.model.rejects):
        notes.append(f"cache dropped: {target.model.name} rejects it")
        return False
    return call.cache


def _shape(
    target: Target, call: Call, *, can_schema: bool, json_mode: bool
) -> tuple[Mapping[str, Any] | None, bool, str]:
    """Choose between a schema the provider enforces, its JSON mode, and plain words."""
    rejects = frozenset(target.model.rejects)
    has_mode = json_mode and rejects.isdisjoint(("json_mode", "response_format"))
    if call.response_schema is not None:
        if can_schema and rejects.isdisjoint(_SCHEMA_NAMES):
            return call.response_schema, False, ""
        schema = json.dumps(call.response_schema, ensure_ascii=False, default=dict)
        return None, has_mode, f"{_JSON_ONLY} It fits this JSON schema: {schema}"
    if not call.json_mode:
        return None, False, ""
    return None, has_mode, "" if has_mode else _JSON_ONLY
