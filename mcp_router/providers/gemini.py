"""The Gemini wire: generateContent and streamGenerateContent.

Source: https://ai.google.dev/api/generate-content
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

from mcp_router.providers.effort import gemini_thinking
from mcp_router.providers.fit import Fitted, fit
from mcp_router.providers.gemini_answer import GeminiReader, parse_answer
from mcp_router.providers.logprobs import tells_logprobs
from mcp_router.providers.parts import (
    OPENING,
    no_messages,
    own_reasoning,
    own_signature,
    parts_of,
    result_media,
    result_text,
    source_of,
    system_text,
)
from mcp_router.providers.wire import Call, Json, PreparedRequest, Reply, Target
from mcp_router.types import Media, Message, Part, Text, ToolCall, ToolResult

_VERSIONED = re.compile(r"/v\d\w*$")
# Gemini 3 and later refuse a call of the running turn without a signature. This is the documented
# stand-in for calls that another model made.
# Source: https://ai.google.dev/gemini-api/docs/thought-signatures
_UNSIGNED = "skip_thought_signature_validator"
_FIRST_SIGNED = re.compile(r"gemini-(?:[3-9]|\d\d)")
_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY"}


class GeminiWire:
    """generateContent."""

    def request(self, target: Target, call: Call, *, stream: bool) -> PreparedRequest:
        """Write a request to `:generateContent`; raises as `Wire.request` says."""
        fitted = fit(target, call, max_stops=5)
        body: Json = {"contents": _contents(target, call)}
        system = system_text(call.messages, instruction=fitted.instruction)
        if system:
            body["systemInstruction"] = {"parts": [{"text": system}]}
        if call.tools:
            body["tools"] = [{"functionDeclarations": [_tool(one) for one in _specs(call)]}]
        if fitted.tool_choice is not None:
            choice = _tool_choice(fitted.tool_choice)
            body["toolConfig"] = {"functionCallingConfig": choice}
        thinking = gemini_thinking(target, call.reasoning_effort)
        config = _config(fitted) | thinking.body
        if call.logprobs and tells_logprobs(target, tools=bool(call.tools)):
            config["responseLogprobs"] = True
        if config:
            body["generationConfig"] = config
        headers = {"x-goog-api-key": target.api_key} if target.api_key else {}
        return PreparedRequest(
            url=_url(target, stream=stream),
            headers=headers,
            json=body,
            warnings=fitted.warnings + thinking.warnings,
        )

    def parse(self, body: object, *, provider: str) -> Reply:
        """Read a GenerateContentResponse; raises as `Wire.parse` says."""
        return parse_answer(body, provider=provider)

    def reader(self, *, provider: str) -> GeminiReader:
        """Start reading a stream of GenerateContentResponses."""
        return GeminiReader(provider=provider)


def _url(target: Target, *, stream: bool) -> str:
    base = target.provider.base_url.rstrip("/")
    if not _VERSIONED.search(base):
        base = f"{base}/{target.provider.api_version or 'v1beta'}"
    method = "streamGenerateContent?alt=sse" if stream else "generateContent"
    return f"{base}/models/{quote(_id(target))}:{method}"


def _id(target: Target) -> str:
    return target.model.id.removeprefix("models/")


def _config(fitted: Fitted) -> Json:
    config: Json = {}
    if fitted.max_tokens is not None:
        config["maxOutputTokens"] = fitted.max_tokens
    if fitted.temperature is not None:
        config["temperature"] = fitted.temperature
    if fitted.stop:
        config["stopSequences"] = list(fitted.stop)
    if fitted.response_schema is not None or fitted.json_mode:
        config["responseMimeType"] = "application/json"
    if fitted.response_schema is not None:
        # The older responseSchema takes only a subset of JSON schema and refuses the rest.
        config["responseJsonSchema"] = dict(fitted.response_schema)
    return config


def _specs(call: Call) -> list[tuple[str, str, object]]:
    return [(one.name, one.description, one.parameters) for one in call.tools]


def _tool(spec: tuple[str, str, object]) -> Json:
    name, description, parameters = spec
    tool: Json = {"name": name, "description": description or name}
    return {**tool, "parametersJsonSchema": parameters} if parameters else tool


def _tool_choice(choice: str) -> Json:
    if choice in _MODES:
        return {"mode": _MODES[choice]}
    return {"mode": "ANY", "allowedFunctionNames": [choice]}


def _contents(target: Target, call: Call) -> list[Json]:
    """Write the turns: neighbours of one role are joined, for tool results must stand together."""
    names = {
        part.id: part.name
        for message in call.messages
        for part in parts_of(message)
        if isinstance(part, ToolCall)
    }
    turns: list[Json] = []
    for message in call.messages:
        if message.role == "system":
            continue
        role = "model" if message.role == "assistant" else "user"
        parts = list(_parts(target, message, names=names))
        if not parts:
            continue
        if turns and turns[-1]["role"] == role:
            turns[-1]["parts"].extend(parts)
        else:
            turns.append({"role": role, "parts": parts})
    if not turns:
        raise no_messages()
    if turns[0]["role"] == "model" and len(turns) > 1:
        turns.insert(0, {"role": "user", "parts": [{"text": OPENING}]})
    return turns


def _parts(target: Target, message: Message, *, names: dict[str, str]) -> Iterable[Json]:
    parts = parts_of(message)
    if message.role == "assistant":
        yield from _model_parts(target, parts)
        return
    for part in parts:
        if isinstance(part, Text) and part.text:
            yield {"text": part.text}
        elif isinstance(part, Media):
            yield _media(part)
        elif isinstance(part, ToolResult):
            yield _result(part, name=part.name or names.get(part.tool_call_id, "tool"))
            yield from (_media(media) for media in result_media(part))


def _model_parts(target: Target, parts: tuple[Part, ...]) -> Iterable[Json]:
    provider = target.provider.name
    unsigned = _UNSIGNED if _FIRST_SIGNED.match(_id(target)) else None
    for part in parts:
        if isinstance(part, Text) and part.text:
            yield {"text": part.text}
        elif isinstance(part, ToolCall):
            call = {"id": part.id, "name": part.name, "args": dict(part.arguments)}
            written: Json = {"functionCall": call}
            signature = own_signature(part, provider=provider) or unsigned
            # Of several calls in one answer only the first is signed.
            unsigned = None
            yield {**written, "thoughtSignature": signature} if signature else written
    for thought in own_reasoning(parts, provider=provider):
        yield {"text": "", "thoughtSignature": thought.signature}


def _result(result: ToolResult, *, name: str) -> Json:
    response = {"error" if result.is_error else "result": result_text(result)}
    return {"functionResponse": {"id": result.tool_call_id, "name": name, "response": response}}


def _media(media: Media) -> Json:
    source = source_of(media)
    if source.url:
        return {"fileData": {"mimeType": source.media_type, "fileUri": source.url}}
    return {"inlineData": {"mimeType": source.media_type, "data": source.data}}
