"""What `bind_tools` keeps: tools, choice and answer format in words that no provider owns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeGuard, cast

from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from mcp_router import InvalidRequestError, ToolSpec

ToolLike = Mapping[str, Any] | type | Callable[..., Any] | BaseTool
Json = dict[str, Any]


class AnswerFormat(NamedTuple):
    """What an answer must look like: JSON by a schema, any JSON, or anything."""

    schema: Json | None = None
    json_mode: bool = False


def neutral_tools(tools: Sequence[ToolLike], *, strict: bool | None) -> list[object]:
    """Write tools in OpenAI's form, but leave alone what only one provider understands."""
    return [_neutral_tool(tool, strict=strict) for tool in tools]


def neutral_choice(choice: object, *, names: Sequence[str]) -> str | None:
    """Read any way of saying it as auto, none, any or the name of a tool.

    Raises:
        ValueError: no tool of this name is bound, or it is said in no known way.
    """
    if choice is None or choice is False:
        return None
    if choice in (True, "any", "required"):
        return "any"
    name = _named(cast("Mapping[str, Any]", choice)) if isinstance(choice, Mapping) else choice
    if name in ("auto", "none", "any"):
        return name
    if isinstance(name, str) and name in names:
        return name
    raise ValueError(f"tool_choice {choice!r} names none of the tools: {', '.join(names)}.")


def tool_names(tools: Sequence[object]) -> list[str]:
    """Name the tools that have a name."""
    return [name for name in map(_name, tools) if name]


def is_function(tool: object) -> bool:
    """Tell whether the caller carries a bound tool out, and not a provider."""
    return isinstance(tool, BaseTool) or isinstance(cast("Json", tool).get("function"), Mapping)


def tool_specs(tools: Sequence[object]) -> tuple[ToolSpec, ...]:
    """Write bound tools as the router's own.

    Raises:
        InvalidRequestError: a tool that a provider carries out itself.
    """
    return tuple(_spec(tool) for tool in tools)


def answer_format(wanted: object) -> AnswerFormat:
    """Read a `response_format` as OpenAI's API writes it.

    Raises:
        InvalidRequestError: it is of another form.
    """
    if wanted is None:
        return AnswerFormat()
    if isinstance(wanted, Mapping):
        form = cast("Mapping[str, Any]", wanted)
        kind, inner = form.get("type"), form.get("json_schema")
        if kind == "json_object":
            return AnswerFormat(json_mode=True)
        schema = cast("Json", inner).get("schema") if isinstance(inner, Mapping) else None
        if kind == "json_schema" and isinstance(schema, Mapping):
            return AnswerFormat(schema=dict(cast("Json", schema)))
        if kind == "text":
            return AnswerFormat()
    raise InvalidRequestError(
        field="response_format", problem="it is neither json_schema, json_object nor text"
    )


def _neutral_tool(tool: ToolLike, *, strict: bool | None) -> object:
    if _is_builtin(tool):
        return dict(tool)
    # A tool's extras are settings for one provider, which the common form has no place for.
    if isinstance(tool, BaseTool) and getattr(tool, "extras", None):
        return tool
    return convert_to_openai_tool(cast("Any", tool), strict=strict)


def _is_builtin(tool: object) -> TypeGuard[Mapping[str, Any]]:
    """Find what is no function in any provider's form, but a tool that a provider carries out."""
    return isinstance(tool, Mapping) and not _is_schema(cast("Mapping[str, Any]", tool))


def _is_schema(tool: Mapping[str, Any]) -> bool:
    """Tell whether a mapping describes a function, in any provider's form."""
    kind = tool.get("type")
    if kind == "function":
        return isinstance(tool.get("function"), Mapping)
    if kind in (None, "custom"):
        return any(key in tool for key in ("parameters", "input_schema", "name", "title"))
    # A bare JSON schema names its own type.
    return kind == "object" and "title" in tool


def _spec(tool: object) -> ToolSpec:
    written = convert_to_openai_tool(tool) if isinstance(tool, BaseTool) else tool
    outer = cast("Json", written)
    inner = outer.get("function")
    if not isinstance(inner, Mapping):
        raise InvalidRequestError(
            field="tools",
            problem=f"{str(outer.get('type'))[:40]!r} is carried out by one provider only",
            hint="Delegate to that provider's chat model with targets={...}.",
        )
    function = cast("Json", inner)
    if not isinstance(function.get("name"), str):
        raise InvalidRequestError(field="tools", problem="a function has no name")
    return ToolSpec(
        name=function["name"],
        description=function.get("description") or "",
        parameters=function.get("parameters") or {},
    )


def _name(tool: object) -> str | None:
    if isinstance(tool, BaseTool):
        return tool.name
    outer = cast("Json", tool)
    return _named(outer)


def _named(said: Mapping[str, Any]) -> str | None:
    inner = said.get("function")
    name = cast("Json", inner).get("name") if isinstance(inner, Mapping) else said.get("name")
    if name is None and said.get("type") in ("auto", "any", "none", "required"):
        return "any" if said["type"] == "required" else str(said["type"])
    return str(name) if name else None
