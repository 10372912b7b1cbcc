"""The Anthropic messages wire, field by field, as its public API reference describes it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mcp_router.testing.neutral import (
    Asked,
    Body,
    Called,
    Event,
    Finish,
    Part,
    Problem,
    Reply,
    Tool,
    Wire,
    as_list,
    as_object,
    as_text,
    encode,
    pieces,
)
from mcp_router.testing.wordings import ANTHROPIC_CONTEXT, choose

_STATUS: dict[int, tuple[str, str]] = {
    400: ("invalid_request_error", "The request is not valid."),
    401: ("authentication_error", "invalid x-api-key"),
    402: ("billing_error", "There is a problem with billing."),
    403: ("permission_error", "This key may not use this model."),
    404: ("not_found_error", "model: {model}"),
    413: ("request_too_large", "Request exceeds the maximum size"),
    429: ("rate_limit_error", "This request would exceed your rate limit."),
    500: ("api_error", "Internal server error"),
    504: ("timeout_error", "The request timed out."),
    529: ("overloaded_error", "Overloaded"),
}
_STOP: dict[Finish, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}
_SAMPLING = ("temperature", "top_p", "top_k")
_VERSION_WITHOUT_SAMPLING = "2026-10-21"
_SIGNATURE = "ZmF1bHQtc2VydmVy"
# This wire has no JSON mode, so that clients ask for it in words.
_JSON_IN_WORDS = re.compile(
    r"\bJSON (?:value |object )?only\b|\bonly (?:with )?JSON\b", re.IGNORECASE
)


def _read(_path: str, headers: dict[str, str], body: Body) -> Asked | Problem:
    model = as_text(body.get("model"))
    wrong = _wrong(headers, body)
    if wrong:
        return Problem(400, message=wrong, model=model)
    blocks = _blocks(as_list(body["messages"])[-1])
    choice = as_object(body.get("tool_choice"))
    form = as_object(as_object(body.get("output_config")).get("format"))
    return Asked(
        wire="anthropic",
        model=model,
        text="\n".join(filter(None, map(_text, blocks))),
        stream=body.get("stream") is True,
        tools=_tools(body),
        tool_choice=as_text(choice.get("name")) or as_text(choice.get("type")) or "auto",
        parallel=choice.get("disable_parallel_tool_use") is not True,
        answered=any(block.get("type") == "tool_result" for block in blocks),
        schema=as_object(form.get("schema")) or None,
        json_mode=bool(_JSON_IN_WORDS.search(_system(body))),
    )


def _system(body: Body) -> str:
    return "\n".join(map(_text, _blocks({"content": body.get("system")})))


def _wrong(headers: dict[str, str], body: Body) -> str:
    version = headers.get("anthropic-version")
    if version is None:
        return "anthropic-version: header is required"
    for field in ("model", "messages", "max_tokens"):
        if not body.get(field):
            return f"{field}: Field required"
    if not as_list(body["messages"]):
        return "messages: Input should be a valid list"
    sampling = [field for field in _SAMPLING if field in body]
    if sampling and version >= _VERSION_WITHOUT_SAMPLING:
        return f"{sampling[0]}: Extra inputs are not permitted"
    return ""


def _blocks(message: object) -> list[Body]:
    content = as_object(message).get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [as_object(block) for block in as_list(content)]


def _text(block: Body) -> str:
    if block.get("type") == "tool_result":
        return "\n".join(as_text(part.get("text")) for part in _blocks(block))
    return as_text(block.get("text"))


def _tools(body: Body) -> tuple[Tool, ...]:
    tools = [as_object(tool) for tool in as_list(body.get("tools"))]
    return tuple(
        Tool(as_text(tool.get("name")), as_object(tool.get("input_schema"))) for tool in tools
    )


def _plain(reply: Reply) -> Body:
    blocks: list[Body] = []
    if reply.reasoning:
        blocks.append({"type": "thinking", "thinking": reply.reasoning, "signature": _SIGNATURE})
    if reply.text:
        blocks.append({"type": "text", "text": reply.text})
    blocks += [_tool_use(call) for call in reply.calls]
    return _message(reply, blocks, finish=_STOP[reply.finish], usage=_usage(reply))


def _message(reply: Reply, blocks: list[Body], *, finish: str | None, usage: Body) -> Body:
    message: Body = {
        "id": f"msg_{reply.serial:024x}",
        "type": "message",
        "role": "assistant",
        "model": reply.model,
        "content": blocks,
        "stop_reason": finish,
        "stop_sequence": None,
    }
    return message | {"usage": usage} if usage else message


def _tool_use(call: Called) -> Body:
    return {
        "type": "tool_use",
        "id": f"toolu_{call.id}",
        "name": call.name,
        "input": call.arguments,
    }


def _usage(reply: Reply, *, output: int | None = None) -> Body:
    usage = reply.usage
    if usage is None:
        return {}
    answer = usage.output_tokens + usage.reasoning_tokens if output is None else output
    body: Body = {
        "input_tokens": usage.input_tokens,
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cache_read_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_tokens,
            "ephemeral_1h_input_tokens": 0,
        },
        "output_tokens": answer,
        "service_tier": "standard",
    }
    if output is None:
        body["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return body


def _events(reply: Reply) -> list[Event]:
    # The first usage holds a token count that the last one replaces; summing them is a bug.
    start = _message(reply, [], finish=None, usage=_usage(reply, output=1))
    events = [_event("open", "message_start", message=start), _event("open", "ping")]
    for index, (block, deltas) in enumerate(_streamed_blocks(reply)):
        start_part: Part = "tool" if block["type"] == "tool_use" else "open"
        events.append(_event(start_part, "content_block_start", index=index, content_block=block))
        for part, delta in deltas:
            events.append(_event(part, "content_block_delta", index=index, delta=delta))
        events.append(_event("open", "content_block_stop", index=index))
    ending = {"stop_reason": _STOP[reply.finish], "stop_sequence": None}
    usage = {"usage": _usage(reply)} if reply.usage else {}
    events.append(_event("finish", "message_delta", delta=ending, **usage))
    return [*events, _event("end", "message_stop")]


def _streamed_blocks(reply: Reply) -> Iterable[tuple[Body, list[tuple[Part, Body]]]]:
    """Yield each content block as it opens, with the deltas that fill it."""
    if reply.reasoning:
        thoughts: list[tuple[Part, Body]] = [
            ("reasoning", {"type": "thinking_delta", "thinking": piece})
            for piece in pieces(reply.reasoning, reply.chunks)
        ]
        thoughts.append(("open", {"type": "signature_delta", "signature": _SIGNATURE}))
        yield {"type": "thinking", "thinking": "", "signature": ""}, thoughts
    if reply.text:
        yield (
            {"type": "text", "text": ""},
            [
                ("text", {"type": "text_delta", "text": piece})
                for piece in pieces(reply.text, reply.chunks)
            ],
        )
    for call in reply.calls:
        arguments = encode(call.arguments).decode() if call.arguments else ""
        yield (
            _tool_use(call) | {"input": {}},
            [
                ("tool", {"type": "input_json_delta", "partial_json": piece})
                for piece in ["", *pieces(arguments, 3)]
            ],
        )


def _event(part: Part, name: str, **fields: object) -> Event:
    data = encode({"type": name, **fields})
    return Event(part, b"event: " + name.encode() + b"\ndata: " + data + b"\n\n")


def _error(problem: Problem) -> tuple[int, Body]:
    status, error = problem.status, _status_error(problem)
    if problem.kind == "context_length":
        wording = choose(ANTHROPIC_CONTEXT, name=problem.wording)
        status, error = wording.status, wording.error
    elif problem.kind == "content_filter":
        message = "Output blocked by content filtering policy"
        error = {"type": "invalid_request_error", "message": message}
    return status, {"type": "error", "error": error, "request_id": "req_fault_server"}


def _status_error(problem: Problem) -> Body:
    nearest = 500 if problem.status >= 500 else 400
    kind, message = _STATUS.get(problem.status, _STATUS[nearest])
    if problem.status == 429 and problem.wording == "quota":
        message = "Your credit balance is too low to access the API."
    return {"type": kind, "message": problem.message or message.replace("{model}", problem.model)}


def _error_event(problem: Problem) -> bytes:
    return b"event: error\ndata: " + encode(_error(problem)[1]) + b"\n\n"


def _models(names: Iterable[str]) -> Body:
    rows = [
        {"type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z"}
        for name in names
    ]
    first, last = (rows[0]["id"], rows[-1]["id"]) if rows else (None, None)
    return {"data": rows, "has_more": False, "first_id": first, "last_id": last}


WIRE = Wire(
    name="anthropic",
    read=_read,
    plain=_plain,
    events=_events,
    error=_error,
    error_event=_error_event,
    heartbeat=b'event: ping\ndata: {"type":"ping"}\n\n',
    models=_models,
)
