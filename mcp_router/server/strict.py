"""Tools whose schemas are strict and short and whose errors are sentences a model can act on."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.server.mcpserver.tools import Tool
from mcp.types import ToolAnnotations
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from mcp_router.errors import RouterError

Json = dict[str, Any]

MAX_ERROR_CHARS = 600
MAX_PROBLEMS = 3


class StrictTool(Tool):
    """A tool that refuses unknown arguments and says in its own words what went wrong.

    Arguments are never repeated in an error: they may hold the prompt.
    """

    @classmethod
    def of(
        cls,
        function: Callable[..., object],
        *,
        title: str,
        annotations: ToolAnnotations,
        meta: Json | None = None,
    ) -> Tool:
        """Make a tool of a documented function; its docstring is the description, verbatim.

        It answers with a `CallToolResult`, whose shape its return annotation may state.
        """
        tool = cls.from_function(
            function,
            title=title,
            description=inspect.cleandoc(function.__doc__ or ""),
            annotations=annotations,
            meta=meta,
        )
        arguments = tool.fn_metadata.arg_model
        arguments.model_config["extra"] = "forbid"
        arguments.model_rebuild(force=True)
        tool.parameters = slim(arguments.model_json_schema(by_alias=True))
        if tool.fn_metadata.output_schema is not None:
            shape = slim(tool.fn_metadata.output_schema)
            shape.pop("description", None)
            # That each listed key is there is said by listing it.
            shape.pop("required", None)
            tool.fn_metadata.output_schema = shape
        return tool

    async def run(
        self, arguments: Json, context: Context[Any, Any], convert_result: bool = False
    ) -> object:
        """Run the tool.

        Raises:
            ToolError: the arguments do not fit, or the router refused; the text is for the model.
            UnexpectedToolError: anything else; the text says nothing about it.
        """
        try:
            return await super().run(arguments, context, convert_result=convert_result)
        except ToolError as error:
            match error.__cause__:
                case ValidationError() as cause if not isinstance(error, UnexpectedToolError):
                    raise ToolError(self._refusal(cause)) from cause
                case RouterError() as cause:
                    raise ToolError(told(cause)) from cause
                case ToolError() as cause if not isinstance(error, UnexpectedToolError):
                    raise ToolError(str(cause)) from cause
                case _:
                    raise

    def _refusal(self, error: ValidationError) -> str:
        details = error.errors(include_url=False, include_input=False, include_context=False)
        sentences = [_sentence(detail) for detail in details[:MAX_PROBLEMS]]
        if any(detail["type"] == "extra_forbidden" for detail in details):
            sentences.append(f"{self.name} takes: {', '.join(self.parameters['properties'])}.")
        return _cut(" ".join(sentences))


def _sentence(detail: ErrorDetails) -> str:
    name = ".".join(str(step) for step in detail["loc"])[:60]
    match detail["type"]:
        case "extra_forbidden":
            return f"Unknown argument {name!r}."
        case "missing":
            return f"{name} is required."
        case _:
            return f"{name}: {detail['msg'].removeprefix('Value error, ')}."


def told(error: RouterError) -> str:
    """Write an error for a model: shortened where it must be, but never its next step."""
    hint = f" {_cut(error.hint, MAX_ERROR_CHARS // 2)}" if error.hint else ""
    return _cut(error.message, MAX_ERROR_CHARS - len(hint)) + hint


def _cut(text: str, most: int = MAX_ERROR_CHARS) -> str:
    # A lone surrogate in a name would break the JSON of the answer.
    clean = text.encode("utf-8", "replace").decode()
    return clean if len(clean) <= most else clean[: most - 1] + "…"


def slim(schema: Mapping[str, Any]) -> Json:
    """Return the schema without titles, null branches, null defaults and references.

    Every token of a tool list is paid for in every session, and some hosts do not resolve `$ref`.
    An optional argument is one that is not in `required`; a null sent for it is still accepted.
    """
    return _slim(schema, definitions=schema.get("$defs", {}))


def _slim(schema: Mapping[str, Any], *, definitions: Mapping[str, Any]) -> Json:
    slimmed: Json = {}
    for key, value in _resolved(schema, definitions=definitions).items():
        match key:
            case "title" | "$defs":
                continue
            case "properties":
                inner = value.items()
                value = {name: _slim(entry, definitions=definitions) for name, entry in inner}
            case "anyOf":
                value = [_slim(entry, definitions=definitions) for entry in value]
            case "items" | "additionalProperties" if isinstance(value, dict):
                value = _slim(cast("Json", value), definitions=definitions)
            case _:
                pass
        if (key, value) not in _SAYS_NOTHING:
            slimmed[key] = value
    return slimmed


_SAYS_NOTHING: tuple[tuple[str, object], ...] = (
    ("default", None),
    ("default", ""),
    ("additionalProperties", {}),
    ("additionalProperties", True),
)


def _resolved(schema: Mapping[str, Any], *, definitions: Mapping[str, Any]) -> Json:
    """Follow a reference and drop the null branch of a union, keeping the keys beside it."""
    found = dict(schema)
    if "$ref" in found:
        target = definitions[found.pop("$ref").rpartition("/")[2]]
        return _resolved({**target, **found}, definitions=definitions)
    branches: Sequence[Mapping[str, Any]] = found.get("anyOf", ())
    kept = [branch for branch in branches if branch.get("type") != "null"]
    if len(kept) == 1:
        del found["anyOf"]
        return _resolved({**kept[0], **found}, definitions=definitions)
    return {**found, "anyOf": kept} if kept else found
