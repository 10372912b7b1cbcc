"""Requests made from what a caller passes: a prompt, messages or a whole request."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TypedDict, Unpack

from pydantic import JsonValue, ValidationError

from mcp_router.errors import InvalidRequestError
from mcp_router.types import (
    Constraints,
    Effort,
    Message,
    Request,
    Reuse,
    Strategy,
    Text,
    ToolSpec,
)

Task = str | Sequence[Message] | Request
"""A prompt, the messages of a conversation, or everything at once."""


class Asked(TypedDict, total=False):
    """The fields of a `Request` that a caller may pass beside the task itself.

    A `chain` is a list of models or the name of one; None leaves what the request says.
    """

    strategy: Strategy | str | None
    constraints: Constraints | None
    chain: str | Sequence[str] | None
    context_tokens: int | None
    tools: Sequence[ToolSpec] | None
    tool_choice: str | None
    response_schema: Mapping[str, JsonValue] | None
    json_mode: bool | None
    max_tokens: int | None
    temperature: float | None
    stop: Sequence[str] | None
    reasoning_effort: Effort | None
    cache: bool | None
    reuse: Reuse | None
    trim: bool | None
    current_model: str | None
    cached_tokens: int | None
    category: str | None
    tags: Mapping[str, str] | None


def as_request(task: Task, **asked: Unpack[Asked]) -> Request:
    """Build one request; `asked` values that are None leave the request's own value.

    Raises:
        InvalidRequestError: an empty task or a value out of range; names the field.
    """
    given = {name: value for name, value in asked.items() if value is not None}
    try:
        if isinstance(task, Request):
            request = task
            if given:
                request = Request.model_validate({**_fields(task), **given})
        else:
            messages = [Message(role="user", content=task)] if isinstance(task, str) else task
            request = Request.model_validate({"messages": tuple(messages), **given})
    except ValidationError as error:
        raise invalid(error) from error
    if not any(_has_content(message) for message in request.messages):
        raise InvalidRequestError(
            field="prompt", problem="is empty", hint="Say what should be done."
        )
    return request


def invalid(error: ValidationError) -> InvalidRequestError:
    """Turn the first complaint of a validation into one sentence without the value itself."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    # A step in brackets is a validator of ours, not a field.
    place = [step for step in first["loc"] if isinstance(step, str) and "[" not in step]
    problem = first["msg"].removeprefix("Value error, ")
    return InvalidRequestError(field=".".join(place) or "request", problem=_plain(problem))


def fingerprint(request: Request) -> str:
    """Hash everything of a request that can change its decision; 32 hex digits."""
    return hashlib.blake2b(request.model_dump_json().encode(), digest_size=16).hexdigest()


def kept_prompt(request: Request) -> str:
    """Return the messages as JSON, for those who ask that prompts be kept."""
    return request.model_dump_json(include={"messages"})


def prompt_hash(request: Request) -> str:
    """Hash the messages alone, to tell that two decisions were about the same; 32 hex digits."""
    return hashlib.blake2b(kept_prompt(request).encode(), digest_size=16).hexdigest()


def _fields(request: Request) -> Mapping[str, object]:
    return {name: getattr(request, name) for name in request.model_fields_set}


def _has_content(message: Message) -> bool:
    if isinstance(message.content, str):
        return bool(message.content.strip())
    return any(not isinstance(part, Text) or part.text.strip() for part in message.content)


def _plain(problem: str) -> str:
    return problem[:1].lower() + problem[1:].rstrip(".")
