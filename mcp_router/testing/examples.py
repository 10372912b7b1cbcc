"""Example values for a JSON schema, filled from what the prompt names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from mcp_router.testing.neutral import Body, Tool, as_list, as_object, as_text

_MAX_DEPTH = 8
_QUOTED = re.compile(r"""(?<!\w)(?:"([^"]+)"|'([^']+)'|`([^`]+)`|“([^”]+)”)(?!\w)""")
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?")
_WORDS = re.compile(r"[^\W\d_]{4,}")
_FORMATS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


class Hints:
    """Hands out the quoted words and the numbers of a prompt, each once and in order."""

    def __init__(self, text: str) -> None:
        self._words = iter(quoted(text))
        self._numbers = iter(_NUMBER.findall(text))

    def word(self) -> str | None:
        """Return the next quoted word, or None."""
        return next(self._words, None)

    def number(self) -> float | None:
        """Return the next number, or None."""
        found = next(self._numbers, None)
        return None if found is None else float(found)


def quoted(text: str) -> list[str]:
    """List what a text has in quotes or backticks, in order."""
    return ["".join(groups) for groups in _QUOTED.findall(text)]


def example(schema: Body, *, hints: Hints) -> object:
    """Make a value that fits a JSON schema.

    Knows types (upper case too, as Gemini writes them), const, enum, anyOf/oneOf/allOf, local
    `$ref`, minimum, minLength, minItems and the common formats; other keywords are not looked at.
    """
    return _value(schema, schema, hints, 0)


def _value(schema: Body, root: Body, hints: Hints, depth: int) -> object:
    schema = _resolved(schema, root)
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if as_list(schema.get("enum")):
        return schema["enum"][0]
    if depth > _MAX_DEPTH:
        return None
    kind = _kind(schema)
    if kind == "object":
        properties = as_object(schema.get("properties"))
        return {
            name: _value(as_object(part), root, hints, depth + 1)
            for name, part in properties.items()
        }
    if kind == "array":
        item = as_object(schema.get("items"))
        count = max(1, _whole(schema.get("minItems")))
        return [_value(item, root, hints, depth + 1) for _ in range(min(count, 100))]
    return _scalar(kind, schema, hints)


def _resolved(schema: Body, root: Body) -> Body:
    """Follow local references and take the first branch that is not null."""
    for _ in range(_MAX_DEPTH):
        if "$ref" in schema:
            target: object = root
            for step in as_text(schema["$ref"]).removeprefix("#/").split("/"):
                target = as_object(target).get(step)
            schema = as_object(target)
            continue
        branches = [
            as_object(branch)
            for key in ("anyOf", "oneOf", "allOf")
            for branch in as_list(schema.get(key))
        ]
        if not branches:
            return schema
        branches.sort(key=lambda branch: branch.get("type") == "null")
        schema = {k: v for k, v in schema.items() if k == "default" and v is not None} | branches[0]
    return {}


def _kind(schema: Body) -> str:
    kind = schema.get("type")
    named = [as_text(k) for k in as_list(kind) if k != "null"]
    name = (named[0] if named else as_text(kind)).lower()
    return name or ("object" if "properties" in schema else "string")


def _scalar(kind: str, schema: Body, hints: Hints) -> object:
    if kind == "boolean":
        return True
    if kind == "null":
        return None
    if kind in {"integer", "number"}:
        number = hints.number()
        number = max(
            1.0 if number is None else number, float(_whole(schema.get("minimum"), -(10**9)))
        )
        return int(number) if kind == "integer" or number.is_integer() else number
    given = _FORMATS.get(as_text(schema.get("format"))) or hints.word() or "example"
    return given.ljust(min(_whole(schema.get("minLength")), 10_000), "x")


def _whole(value: object, default: int = 0) -> int:
    usable = isinstance(value, int | float) and abs(value) < 10**9
    return int(value) if usable and isinstance(value, int | float) else default


def tool_calls(tools: tuple[Tool, ...], *, text: str, choice: str) -> list[tuple[str, Body]]:
    """Choose the calls a prompt asks for: (tool name, arguments), in the order of the prompt.

    `name(1, "x")` in the text is a call with those arguments. Else every tool whose name, or a
    word of four letters or more from it, stands in the text is called once with example
    arguments. A forced choice ("any" or a name) always yields a call.
    """
    forced = [tool for tool in tools if tool.name == choice]
    if choice not in {"auto", "any"}:
        tools = tuple(forced)
    written = list(_written_calls(tools, text))
    if written:
        return written
    lower = text.lower()
    asked = [tool for tool in tools if _is_named(tool, lower)]
    if not asked and choice != "auto":
        asked = list(tools[:1])
    hints = Hints(text)
    return [(tool.name, _arguments(tool, hints)) for tool in asked]


def _written_calls(tools: tuple[Tool, ...], text: str) -> Iterator[tuple[str, Body]]:
    named = {tool.name: tool for tool in tools if tool.name}
    if not named:
        return
    names = "|".join(re.escape(name) for name in named)
    for match in re.finditer(rf"(?<!\w)({names})\(([^()]*)\)", text):
        tool = named[match[1]]
        yield tool.name, _positional(tool, match[2], Hints(match[2]))


def _positional(tool: Tool, written: str, hints: Hints) -> Body:
    try:
        given = as_list(json.loads(f"[{written}]"))
    except ValueError:
        # People write get_weather(Paris) and get_weather('Paris'), too.
        given = [part.strip().strip("'\"`") for part in written.split(",")]
    arguments = _arguments(tool, hints)
    return arguments | dict(zip(as_object(tool.parameters.get("properties")), given, strict=False))


def _is_named(tool: Tool, lower_text: str) -> bool:
    name = tool.name.lower()
    if not name:
        return False
    words = [word.lower() for word in _WORDS.findall(name.replace("_", " "))]
    return name in lower_text or any(word in lower_text for word in words)


def _arguments(tool: Tool, hints: Hints) -> Body:
    value = example({"type": "object"} | tool.parameters, hints=hints)
    return as_object(value)
