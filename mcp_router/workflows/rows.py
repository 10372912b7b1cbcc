"""Rows of a batch: one task to a line of JSON, each read by itself."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, NamedTuple, cast

from pydantic import ValidationError

from mcp_router.errors import InvalidRequestError
from mcp_router.routing.intake import as_request, invalid
from mcp_router.types import Mode, ModeOptions, Request

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

MAX_BYTES = 1 << 30
MAX_ID = 200
_OWN = ("id", "prompt", "system", "mode", "options", "timeout_s")


class Row(NamedTuple):
    """A line of the file as it stands; `hash` tells whether it has changed since."""

    id: str
    line: int
    hash: str
    raw: bytes
    problem: str = ""


class Task(NamedTuple):
    """What a row asks for."""

    request: Request
    mode: Mode = Mode.SINGLE
    options: ModeOptions = ModeOptions()
    timeout_s: float | None = None


def read_rows(path: Path) -> tuple[Row, ...]:
    """Read the rows of a file; empty lines are passed over.

    A row without an `id` goes by its line, as "line-7". One that is no JSON object, or whose id
    an earlier row has, carries its `problem`.

    Raises:
        InvalidRequestError: the file cannot be read.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            problem = f"is larger than {MAX_BYTES >> 30} GB"
            raise InvalidRequestError(field=str(path), problem=problem, hint="Split it.")
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a usable path"
        problem = f"it cannot be read ({reason})"
        raise InvalidRequestError(field=str(path), problem=problem) from error
    return tuple(_rows(content.removeprefix(b"\xef\xbb\xbf")))


def task_of(row: Row, *, defaults: Mapping[str, object]) -> Task:
    """Read what a row asks for; what it does not say is as in `defaults`.

    Raises:
        InvalidRequestError: names the field that is wrong.
    """
    if row.problem:
        raise InvalidRequestError(field="row", problem=row.problem)
    given = {**defaults, **object_of(row.raw)}
    messages = _messages(given)
    fields = {name: value for name, value in given.items() if name not in _OWN}
    try:
        request = Request.model_validate({**fields, "messages": messages})
        options = ModeOptions.model_validate(given.get("options") or {})
    except ValidationError as error:
        raise invalid(error) from error
    return Task(as_request(request), _mode(given), options, _timeout(given))


def _rows(content: bytes) -> Iterator[Row]:
    seen: dict[str, int] = {}
    for number, raw in enumerate(content.split(b"\n"), start=1):
        raw = raw.strip()
        if not raw:
            continue
        row = _row(raw, number)
        first = seen.setdefault(row.id, number)
        if first != number:
            problem = f"the id {row.id[:60]!r} is that of line {first}"
            row = row._replace(id=f"line-{number}", problem=problem)
        yield row


def _row(raw: bytes, number: int) -> Row:
    mark = hashlib.blake2b(raw, digest_size=8).hexdigest()
    row = Row(f"line-{number}", number, mark, raw)
    try:
        given = object_of(raw).get("id")
    except InvalidRequestError as error:
        return row._replace(problem=error.message.removeprefix("row: ").rstrip("."))
    if given is None:
        return row
    if isinstance(given, bool) or not isinstance(given, str | int) or not len(str(given)) > 0:
        return row._replace(problem="its id is neither text nor a whole number")
    if len(str(given)) > MAX_ID:
        return row._replace(problem=f"its id is longer than {MAX_ID} characters")
    return row._replace(id=str(given))


def object_of(raw: bytes) -> dict[str, object]:
    """Read one line as a JSON object.

    Raises:
        InvalidRequestError: it is none.
    """
    try:
        found: object = json.loads(raw)
    except (ValueError, RecursionError) as error:
        said = error.msg if isinstance(error, json.JSONDecodeError) else "not readable"
        raise InvalidRequestError(field="row", problem=f"it is not JSON: {said}") from error
    if not isinstance(found, dict):
        raise InvalidRequestError(field="row", problem="it is not a JSON object")
    return cast("dict[str, object]", found)


def _messages(given: Mapping[str, object]) -> object:
    prompt, messages = given.get("prompt"), given.get("messages")
    if (prompt is None) == (messages is None):
        problem = "give a prompt or messages, one of the two"
        raise InvalidRequestError(field="prompt", problem=problem)
    if messages is not None:
        return messages
    system = given.get("system")
    for name, text in (("prompt", prompt), ("system", system)):
        if not isinstance(text, str | None):
            raise InvalidRequestError(field=name, problem="it is not text")
    rules = [{"role": "system", "content": system}] if system else []
    return [*rules, {"role": "user", "content": prompt}]


def _mode(given: Mapping[str, object]) -> Mode:
    name = given.get("mode", Mode.SINGLE)
    if not isinstance(name, str) or name not in list(Mode):
        problem = f"it is none of {', '.join(Mode)}"
        raise InvalidRequestError(field="mode", problem=problem)
    return Mode(name)


def _timeout(given: Mapping[str, object]) -> float | None:
    seconds = given.get("timeout_s")
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise InvalidRequestError(field="timeout_s", problem="is not a number of seconds")
    return float(seconds)
