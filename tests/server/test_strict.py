"""Schemas lose what says nothing and keep what does."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from mcp import Client
from mcp.server import MCPServer
from mcp.types import CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel, Field, create_model

from mcp_router.server.strict import StrictTool, slim


class Inner(BaseModel):
    size: int = 3


@pytest.mark.parametrize(
    ("annotation", "default", "expected"),
    [
        (str | None, None, {"type": "string"}),
        (int, 5, {"type": "integer", "default": 5}),
        (bool, False, {"type": "boolean", "default": False}),
        (Literal["a", "b"], "a", {"type": "string", "enum": ["a", "b"], "default": "a"}),
        (
            int | str | None,
            None,
            {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        ),
        (
            list[Inner] | None,
            None,
            {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"size": {"type": "integer", "default": 3}},
                },
            },
        ),
        (dict[str, Any] | None, None, {"type": "object"}),
        (
            dict[str, Inner],
            {},
            {
                "type": "object",
                "default": {},
                "additionalProperties": {
                    "type": "object",
                    "properties": {"size": {"type": "integer", "default": 3}},
                },
            },
        ),
    ],
)
def test_a_slim_schema_means_the_same(
    annotation: Any, default: object, expected: dict[str, Any]
) -> None:
    model = create_model("Arguments", field=(annotation, default))
    assert slim(model.model_json_schema())["properties"]["field"] == expected


def test_a_property_called_title_stays() -> None:
    model = create_model("Arguments", title=(str, ...), default=(int, 0))
    schema = slim(model.model_json_schema())
    assert schema["properties"].keys() == {"title", "default"}
    assert schema["required"] == ["title"]


async def test_a_description_is_the_docstring_without_its_indentation() -> None:
    def greet(name: Annotated[str, Field(max_length=5)]) -> CallToolResult:
        """Greet somebody.

        Use it politely.
        """
        return CallToolResult(content=[TextContent(type="text", text=f"Hello {name}")])

    tool = StrictTool.of(greet, title="Greet", annotations=ToolAnnotations(read_only_hint=True))
    server = MCPServer[None]("test", tools=[tool])
    async with Client(server) as client:
        (listed,) = (await client.list_tools()).tools
        good = await client.call_tool("greet", {"name": "Ann"})
        bad = await client.call_tool("greet", {"name": "Bartholomew"})
    assert listed.description == "Greet somebody.\n\nUse it politely."
    assert listed.output_schema is None
    assert not good.is_error
    assert bad.is_error
