"""Structured answers: by a tool call, by a JSON schema, or as any JSON."""

from __future__ import annotations

from operator import itemgetter
from typing import Any, Literal, cast

from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.output_parsers.openai_tools import (
    JsonOutputKeyToolsParser,
    PydanticToolsParser,
)
from langchain_core.runnables import Runnable, RunnableMap, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool
from langchain_core.utils.pydantic import is_basemodel_subclass

Method = Literal["function_calling", "json_schema", "json_mode"]
Schema = dict[str, Any] | type
AnyRunnable = Runnable[Any, Any]


def tool_name(schema: Schema) -> str:
    """Name the tool whose arguments fit a schema."""
    return str(convert_to_openai_tool(schema)["function"]["name"])


def tools_parser(schema: Schema) -> AnyRunnable:
    """Build what reads the first call of the schema's tool."""
    if _is_model(schema):
        return PydanticToolsParser(tools=[cast("Any", schema)], first_tool_only=True)
    return JsonOutputKeyToolsParser(key_name=tool_name(schema), first_tool_only=True)


def text_parser(schema: Schema | None) -> AnyRunnable:
    """Build what reads an answer whose text is JSON."""
    if schema is not None and _is_model(schema):
        return PydanticOutputParser(pydantic_object=cast("Any", schema))
    return JsonOutputParser()


def response_format(schema: Schema, *, strict: bool | None) -> dict[str, Any]:
    """Write a schema as OpenAI's API has it, which the other packages understand as well."""
    written = convert_to_json_schema(schema, strict=strict)
    named: dict[str, Any] = {"name": tool_name(schema), "schema": written}
    if strict is not None:
        named["strict"] = strict
    return {"type": "json_schema", "json_schema": named}


def with_parser(model: AnyRunnable, parser: AnyRunnable, *, include_raw: bool) -> AnyRunnable:
    """Let a parser read a model's answers, and keep them beside what was read if so asked."""
    if not include_raw:
        return model | parser
    parsed = RunnablePassthrough.assign(
        parsed=itemgetter("raw") | parser, parsing_error=lambda _: None
    )
    failed = RunnablePassthrough.assign(parsed=lambda _: None)
    return RunnableMap(raw=model) | parsed.with_fallbacks([failed], exception_key="parsing_error")


def _is_model(schema: Schema) -> bool:
    return isinstance(schema, type) and is_basemodel_subclass(schema)
