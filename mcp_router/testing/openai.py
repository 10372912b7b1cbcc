"""The OpenAI chat completions wire, field by field, as its public API reference describes it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mcp_router.testing.neutral import (
    Asked,
    Body,
    Event,
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
    total_input,
)
from mcp_router.testing.wordings import OPENAI_CONTEXT, OPENAI_FILTER, choose

_STATUS: dict[int, tuple[str, str | None, str]] = {
    400: ("invalid_request_error", None, "The request is not valid."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    403: ("invalid_request_error", "permission_denied", "This key may not use this model."),
    404: ("invalid_request_error", "model_not_found", "The model `{model}` does not exist."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached for `{model}` on requests."),
    500: ("server_error", None, "The server had an error while processing the request."),
    503: ("server_error", None, "The engine is currently overloaded."),
}
_QUOTA = ("insufficient_quota", "insufficient_quota", "You exceeded your current quota.")


def _read(_path: str, _headers: dict[str, str], body: Body) -> Asked | Problem:
    model, messages = as_text(body.get("model")), as_list(body.get("messages"))
    if not model:
        return Problem(400, message="you must provide a model parameter")
    if not messages:
        return Problem(400, message="Missing required parameter: 'messages'.", model=model)
    last = as_object(messages[-1])
    form = as_object(body.get("response_format"))
    return Asked(
        wire="openai",
        model=model,
        text=_last_text(messages),
        stream=body.get("stream") is True,
        tools=_tools(body),
        tool_choice=_tool_choice(body.get("tool_choice")),
        parallel=body.get("parallel_tool_calls") is not False,
        answered=last.get("role") == "tool",
        schema=as_object(as_object(form.get("json_schema")).get("schema")) or None,
        json_mode=form.get("type") == "json_object",
        include_usage=as_object(body.get("stream_options")).get("include_usage") is True,
        logprobs=body.get("logprobs") is True,
    )


def _last_text(messages: list[Any]) -> str:
    """Join what came since the model last spoke, or the last message where it spoke last."""
    texts: list[str] = []
    for message in map(as_object, reversed(messages)):
        if message.get("role") not in {"user", "tool"}:
            break
        texts.append(_text(message.get("content")))
        if message.get("role") == "user":
            break
    return "\n".join(reversed(texts)) or _text(as_object(messages[-1]).get("content"))


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(
        as_text(part.get("text")) for part in map(as_object, as_list(content)) if part.get("text")
    )


def _tools(body: Body) -> tuple[Tool, ...]:
    functions = [as_object(as_object(tool).get("function")) for tool in as_list(body.get("tools"))]
    return tuple(
        Tool(as_text(f.get("name")), as_object(f.get("parameters"))) for f in functions if f
    )


def _tool_choice(choice: object) -> str:
    if isinstance(choice, str):
        return {"required": "any"}.get(choice, choice)
    return as_text(as_object(as_object(choice).get("function")).get("name")) or "auto"


def _plain(reply: Reply) -> Body:
    message: Body = {"role": "assistant", "content": reply.text, "refusal": None, "annotations": []}
    if reply.reasoning:
        message["reasoning_content"] = reply.reasoning
    if reply.calls:
        message["content"] = reply.text or None
        message["tool_calls"] = [
            {
                "id": f"call_{call.id}",
                "type": "function",
                "function": {"name": call.name, "arguments": encode(call.arguments).decode()},
            }
            for call in reply.calls
        ]
    choice = {
        "index": 0,
        "message": message,
        "logprobs": _logprobs(reply, reply.text),
        "finish_reason": reply.finish,
    }
    body = _envelope(reply, kind="chat.completion") | {"choices": [choice]}
    return body if reply.usage is None else body | {"usage": _usage(reply)}


def _logprobs(reply: Reply, text: str) -> Body | None:
    """Tell the probability of each token of a text, four characters being one."""
    if reply.logprob is None:
        return None
    tokens = [text[at : at + 4] for at in range(0, len(text), 4)]
    content = [
        {
            "token": one,
            "logprob": reply.logprob,
            "bytes": list(one.encode("utf-8", "replace")),
            "top_logprobs": [],
        }
        for one in tokens
    ]
    return {"content": content, "refusal": None}


def _envelope(reply: Reply, *, kind: str) -> Body:
    return {
        "id": f"chatcmpl-{reply.serial:024x}",
        "object": kind,
        "created": reply.created,
        "model": reply.model,
        "service_tier": "default",
        "system_fingerprint": "fp_fault_server",
    }


def _usage(reply: Reply) -> Body:
    usage = reply.usage
    if usage is None:
        return {}
    prompt, answer = total_input(usage), usage.output_tokens + usage.reasoning_tokens
    return {
        "prompt_tokens": prompt,
        "completion_tokens": answer,
        "total_tokens": prompt + answer,
        "prompt_tokens_details": {
            "cached_tokens": usage.cache_read_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
            "audio_tokens": 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _events(reply: Reply) -> list[Event]:
    envelope = _envelope(reply, kind="chat.completion.chunk")
    # Usage comes only where stream_options asked for it, and is null until the last chunk.
    with_usage = reply.include_usage and reply.usage is not None
    if with_usage:
        envelope["usage"] = None

    def chunk(part: Part, delta: Body, finish: str | None = None) -> Event:
        logprobs = _logprobs(reply, delta["content"]) if part == "text" else None
        choice = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        return _event(part, envelope | {"choices": [choice]})

    deltas: list[tuple[Part, Body]] = [
        ("open", {"role": "assistant", "content": "", "refusal": None}),
        *(("reasoning", {"reasoning_content": p}) for p in pieces(reply.reasoning, reply.chunks)),
        *(("text", {"content": piece}) for piece in pieces(reply.text, reply.chunks)),
        *(("tool", {"tool_calls": [delta]}) for delta in _call_deltas(reply)),
    ]
    events = [chunk(part, delta) for part, delta in deltas]
    events.append(chunk("finish", {}, reply.finish))
    if with_usage:
        events.append(_event("usage", envelope | {"choices": [], "usage": _usage(reply)}))
    return [*events, Event("end", b"data: [DONE]\n\n")]


def _call_deltas(reply: Reply) -> Iterable[Body]:
    for index, call in enumerate(reply.calls):
        function = {"name": call.name, "arguments": ""}
        call_id = f"call_{call.id}"
        yield {"index": index, "id": call_id, "type": "function", "function": function}
        for piece in pieces(encode(call.arguments).decode(), 3):
            yield {"index": index, "function": {"arguments": piece}}


def _event(part: Part, body: Body) -> Event:
    return Event(part, b"data: " + encode(body) + b"\n\n")


def _error(problem: Problem) -> tuple[int, Body]:
    if problem.kind in {"context_length", "content_filter"}:
        table = OPENAI_CONTEXT if problem.kind == "context_length" else OPENAI_FILTER
        wording = choose(table, name=problem.wording)
        return wording.status, wording.error if wording.bare else {"error": wording.error}
    nearest = 500 if problem.status >= 500 else 400
    kind, code, message = _STATUS.get(problem.status, _STATUS[nearest])
    if problem.status == 429 and problem.wording == "quota":
        kind, code, message = _QUOTA
    message = problem.message or message.replace("{model}", problem.model)
    error = {"message": message, "type": kind, "param": None, "code": code}
    return problem.status, {"error": error}


def _error_event(problem: Problem) -> bytes:
    return b"data: " + encode(_error(problem)[1]) + b"\n\n"


def _models(names: Iterable[str]) -> Body:
    rows = [
        {"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "fault-server"}
        for name in names
    ]
    return {"object": "list", "data": rows}


WIRE = Wire(
    name="openai",
    read=_read,
    plain=_plain,
    events=_events,
    error=_error,
    error_event=_error_event,
    heartbeat=b": keep-alive\n\n",
    models=_models,
)
