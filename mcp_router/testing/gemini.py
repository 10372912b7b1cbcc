"""The Gemini generateContent wire, field by field, as its public API reference describes it."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qs, unquote, urlsplit

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
    total_input,
)
from mcp_router.testing.wordings import GEMINI_CONTEXT, choose

_STATUS: dict[int, tuple[str, str]] = {
    400: ("INVALID_ARGUMENT", "The request is not valid."),
    401: ("UNAUTHENTICATED", "Request had invalid authentication credentials."),
    403: ("PERMISSION_DENIED", "This key may not use this model."),
    404: ("NOT_FOUND", "models/{model} is not found for API version v1beta."),
    429: ("RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
    500: ("INTERNAL", "An internal error has occurred."),
    503: ("UNAVAILABLE", "The model is overloaded. Please try again later."),
    504: ("DEADLINE_EXCEEDED", "The deadline expired before the operation could complete."),
}
_FINISH: dict[Finish, str] = {
    "stop": "STOP",
    "length": "MAX_TOKENS",
    "tool_calls": "STOP",
    "content_filter": "SAFETY",
}
_SIGNATURE = "ZmF1bHQtc2VydmVy"
_TYPES = "type.googleapis.com/google.rpc."


def _read(path: str, _headers: dict[str, str], body: Body) -> Asked | Problem:
    address = urlsplit(path)
    model, _, method = unquote(address.path).partition("/models/")[2].rpartition(":")
    contents = as_list(body.get("contents"))
    if not contents:
        message = "* GenerateContentRequest.contents: contents is not specified"
        return Problem(400, message=message, model=model)
    parts = [as_object(part) for part in as_list(as_object(contents[-1]).get("parts"))]
    config = as_object(body.get("generationConfig"))
    schema = config.get("responseJsonSchema") or config.get("responseSchema")
    tools = _tools(body)
    return Asked(
        wire="gemini",
        model=model,
        text="\n".join(filter(None, map(_text, parts))),
        stream=method == "streamGenerateContent",
        sse="sse" in parse_qs(address.query).get("alt", []),
        tools=tools,
        tool_choice=_tool_choice(body),
        answered=any("functionResponse" in part for part in parts),
        schema=as_object(schema) or None,
        json_mode=config.get("responseMimeType") == "application/json",
        logprobs=config.get("responseLogprobs") is True,
    )


def _text(part: Body) -> str:
    if "functionResponse" in part:
        return encode(as_object(part["functionResponse"]).get("response")).decode()
    return as_text(part.get("text"))


def _tools(body: Body) -> tuple[Tool, ...]:
    groups = [as_object(group) for group in as_list(body.get("tools"))]
    functions = [
        as_object(function)
        for group in groups
        for function in as_list(group.get("functionDeclarations"))
    ]
    return tuple(
        Tool(
            as_text(function.get("name")),
            as_object(function.get("parametersJsonSchema") or function.get("parameters")),
        )
        for function in functions
    )


def _tool_choice(body: Body) -> str:
    config = as_object(as_object(body.get("toolConfig")).get("functionCallingConfig"))
    mode = as_text(config.get("mode")).lower()
    allowed = as_list(config.get("allowedFunctionNames"))
    if mode == "any" and len(allowed) == 1:
        return as_text(allowed[0]) or "any"
    return mode if mode in {"any", "none"} else "auto"


def _plain(reply: Reply) -> Body:
    parts: list[Body] = []
    if reply.reasoning:
        parts.append({"text": reply.reasoning, "thought": True})
    if reply.text:
        parts.append({"text": reply.text})
    parts += [_function_call(call) for call in reply.calls]
    return _chunk(reply, parts, said=reply.text, finish=_FINISH[reply.finish])


def _chunk(reply: Reply, parts: list[Body], *, said: str = "", finish: str = "") -> Body:
    content: Body = {"parts": parts, "role": "model"} if parts else {"role": "model"}
    candidate: Body = {"content": content, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    if said and reply.logprob is not None:
        candidate["logprobsResult"] = _logprobs(said, each=reply.logprob)
    body: Body = {"candidates": [candidate]}
    if reply.usage is not None:
        body["usageMetadata"] = _usage(reply, final=bool(finish))
    return body | {"modelVersion": reply.model, "responseId": f"resp{reply.serial:020x}"}


def _logprobs(text: str, *, each: float) -> Body:
    """Tell the probability of each token of a text, four characters being one."""
    tokens = [text[at : at + 4] for at in range(0, len(text), 4)]
    return {"chosenCandidates": [{"token": one, "logProbability": each} for one in tokens]}


def _function_call(call: Called) -> Body:
    function = {"id": call.id, "name": call.name, "args": call.arguments}
    return {"functionCall": function, "thoughtSignature": _SIGNATURE}


def _usage(reply: Reply, *, final: bool) -> Body:
    """Count the prompt in every chunk, the answer only in the last one."""
    usage = reply.usage
    if usage is None:
        return {}
    prompt = total_input(usage)
    body: Body = {
        "promptTokenCount": prompt,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt}],
        "totalTokenCount": prompt,
    }
    if usage.cache_read_tokens:
        body["cachedContentTokenCount"] = usage.cache_read_tokens
    if final:
        body["candidatesTokenCount"] = usage.output_tokens
        body["totalTokenCount"] = prompt + usage.output_tokens + usage.reasoning_tokens
        if usage.reasoning_tokens:
            body["thoughtsTokenCount"] = usage.reasoning_tokens
    return body


def _events(reply: Reply) -> list[Event]:
    parts: list[tuple[Part, Body]] = [
        *(
            ("reasoning", {"text": p, "thought": True})
            for p in pieces(reply.reasoning, reply.chunks)
        ),
        *(("text", {"text": piece}) for piece in pieces(reply.text, reply.chunks)),
        *(("tool", _function_call(call)) for call in reply.calls),
    ]
    events = [
        _event(part, _chunk(reply, [body], said=body["text"] if part == "text" else ""))
        for part, body in parts
    ]
    # This wire has no end marker of its own: the chunk with the finish reason is the end.
    last = _chunk(reply, [{"text": ""}], finish=_FINISH[reply.finish])
    return [*events, _event("end", last)]


def _event(part: Part, body: Body) -> Event:
    return Event(part, b"data: " + encode(body) + b"\r\n\r\n")


def _error(problem: Problem) -> tuple[int, Body]:
    if problem.kind == "context_length":
        wording = choose(GEMINI_CONTEXT, name=problem.wording)
        return wording.status, {"error": wording.error}
    if problem.kind == "content_filter":
        # A blocked prompt is a 200 without candidates on this wire.
        return 200, {
            "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
            "usageMetadata": {"promptTokenCount": 1, "totalTokenCount": 1},
        }
    if problem.kind == "invalid_key":
        return 400, {"error": _invalid_key()}
    nearest = 500 if problem.status >= 500 else 400
    status, message = _STATUS.get(problem.status, _STATUS[nearest])
    message = problem.message or message.replace("{model}", problem.model)
    error: Body = {"code": problem.status, "message": message, "status": status}
    if problem.retry_after is not None and problem.retry_after.replace(".", "", 1).isdigit():
        delay = f"{problem.retry_after}s"
        error["details"] = [{"@type": f"{_TYPES}RetryInfo", "retryDelay": delay}]
    return problem.status, {"error": error}


def _invalid_key() -> Body:
    info = {
        "@type": f"{_TYPES}ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
    }
    return {
        "code": 400,
        "message": "API key not valid. Please pass a valid API key.",
        "status": "INVALID_ARGUMENT",
        "details": [info],
    }


def _error_event(problem: Problem) -> bytes:
    return b"data: " + encode(_error(problem)[1]) + b"\r\n\r\n"


def _models(names: Iterable[str]) -> Body:
    methods = ["generateContent", "streamGenerateContent"]
    rows = [
        {
            "name": f"models/{name}",
            "displayName": name,
            "inputTokenLimit": 128_000,
            "outputTokenLimit": 16_384,
            "supportedGenerationMethods": methods,
        }
        for name in names
    ]
    return {"models": rows}


WIRE = Wire(
    name="gemini",
    read=_read,
    plain=_plain,
    events=_events,
    error=_error,
    error_event=_error_event,
    heartbeat=b": keep-alive\r\n\r\n",
    models=_models,
)
