"""The OpenAI wire: chat completions, as OpenAI and everything compatible with it speaks them.

Source: https://platform.openai.com/docs/api-reference/chat, and the same page of DeepSeek,
Mistral, Groq, xAI, OpenRouter, Ollama and vLLM where they differ.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress

from mcp_router.providers.effort import openai_thinking
from mcp_router.providers.fit import Fitted, fit
from mcp_router.providers.logprobs import tells_logprobs
from mcp_router.providers.openai_answer import THOUGHT_FIELDS, OpenAIReader, parse_answer
from mcp_router.providers.parts import (
    NO_PARAMETERS,
    no_messages,
    own_reasoning,
    own_signature,
    parts_of,
    result_media,
    result_text,
    short_id,
    source_of,
    text_of,
    unsupported,
)
from mcp_router.providers.prefix import prefix_key
from mcp_router.providers.reading import decode
from mcp_router.providers.schema import is_strict
from mcp_router.providers.wire import BadAnswer, Call, Json, PreparedRequest, Reply, Target
from mcp_router.types import Media, Message, Need, Part, Text, ToolCall, ToolResult

# OpenAI takes ids of up to 40 characters; Mistral takes exactly nine letters and digits.
_ANY_ID = re.compile(r"[!-~]{1,40}")
_MISTRAL_ID = re.compile(r"[A-Za-z0-9]{9}")
_AUDIO = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3"}


class OpenAIWire:
    """Chat completions."""

    def request(self, target: Target, call: Call, *, stream: bool) -> PreparedRequest:
        """Write a request to `/chat/completions`; raises as `Wire.request` says."""
        fitted, thinking = fit(target, call), openai_thinking(target, call.reasoning_effort)
        messages = _messages(target, call, instruction=fitted.instruction)
        body: Json = {"model": target.model.id, "messages": messages, **_parameters(target, fitted)}
        body |= thinking.body
        if call.tools:
            body["tools"] = [_tool(one.name, one.description, one.parameters) for one in call.tools]
        if fitted.tool_choice is not None:
            body["tool_choice"] = _tool_choice(fitted.tool_choice)
        if fitted.response_schema is not None:
            body["response_format"] = _schema_format(dict(fitted.response_schema))
        elif fitted.json_mode:
            body["response_format"] = {"type": "json_object"}
        key = prefix_key(target, call) if fitted.cache else None
        if key is not None:
            body["prompt_cache_key"] = key
        if call.logprobs and tells_logprobs(target, tools=bool(call.tools)):
            body["logprobs"] = True
        if stream:
            body["stream"] = True
            if "stream_options" not in target.model.rejects:
                body["stream_options"] = {"include_usage": True}
        headers = {"authorization": f"Bearer {target.api_key}"} if target.api_key else {}
        url = target.provider.base_url.rstrip("/") + "/chat/completions"
        warnings = fitted.warnings + thinking.warnings
        return PreparedRequest(url=url, headers=headers, json=body, warnings=warnings)

    def parse(self, body: object, *, provider: str) -> Reply:
        """Read a chat completion; raises as `Wire.parse` says."""
        return parse_answer(body, provider=provider)

    def reader(self, *, provider: str) -> OpenAIReader:
        """Start reading a stream of chat completion chunks."""
        return OpenAIReader(provider=provider)


def _parameters(target: Target, fitted: Fitted) -> Json:
    body: Json = {}
    if fitted.max_tokens is not None:
        body[_max_tokens_name(target)] = fitted.max_tokens
    if fitted.temperature is not None:
        body["temperature"] = fitted.temperature
    if fitted.stop:
        body["stop"] = list(fitted.stop)
    return body


def _max_tokens_name(target: Target) -> str:
    # OpenAI's reasoning models refuse the old name; most compatible servers know no other.
    new = target.provider.name in ("openai", "azure") or "max_tokens" in target.model.rejects
    return "max_completion_tokens" if new else "max_tokens"


def _tool(name: str, description: str, parameters: Mapping[str, object]) -> Json:
    function: Json = {"name": name}
    if description:
        function["description"] = description
    function["parameters"] = parameters or NO_PARAMETERS
    return {"type": "function", "function": function}


def _tool_choice(choice: str) -> object:
    if choice in ("auto", "none", "required"):
        return choice
    return {"type": "function", "function": {"name": choice}}


def _schema_format(schema: Json) -> Json:
    named = {"name": "answer", "schema": schema, "strict": is_strict(schema)}
    return {"type": "json_schema", "json_schema": named}


def _messages(target: Target, call: Call, *, instruction: str) -> list[Json]:
    written: list[Json] = []
    for message in call.messages:
        written.extend(_message(target, message))
    if not any(one["role"] != "system" for one in written):
        raise no_messages()
    if instruction:
        at = next(at for at, one in enumerate(written) if one["role"] != "system")
        written.insert(at, {"role": "system", "content": instruction})
    return written


def _message(target: Target, message: Message) -> list[Json]:
    parts = parts_of(message)
    if message.role == "system":
        text = text_of(parts, between="\n")
        return [{"role": "system", "content": text}] if text else []
    if message.role == "assistant":
        answer = _assistant(target, parts)
        # An answer of foreign thinking alone leaves nothing, which strict servers refuse.
        return [answer] if answer["content"] or "tool_calls" in answer else []
    results = [part for part in parts if isinstance(part, ToolResult)]
    # A tool message holds text only, so what a tool has drawn follows as the user's.
    rest: list[Text | Media] = [one for result in results for one in result_media(result)]
    rest += [part for part in parts if isinstance(part, Text | Media)]
    written = [_result(target, result) for result in results]
    if rest:
        written.append({"role": "user", "content": _content(target, rest)})
    return written


def _assistant(target: Target, parts: tuple[Part, ...]) -> Json:
    message: Json = {"role": "assistant", "content": text_of(parts)}
    calls = [part for part in parts if isinstance(part, ToolCall)]
    if calls:
        message["content"] = message["content"] or None
        message["tool_calls"] = [_call(target, call) for call in calls]
        for thought in own_reasoning(parts, provider=target.provider.name):
            # The signature is the field it came in; a history may hold any other.
            name = thought.signature
            if name in THOUGHT_FIELDS:
                message[name] = message.get(name, "") + thought.text
    if target.provider.name == "deepseek" and Need.THINKING in target.model.features:
        # Thinking models of DeepSeek refuse any history without it, also another model's.
        message.setdefault("reasoning_content", "")
    return message


def _call(target: Target, call: ToolCall) -> Json:
    arguments = json.dumps(call.arguments, ensure_ascii=False, default=dict)
    written: Json = {
        "id": _id(target, call.id),
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    }
    signature = own_signature(call, provider=target.provider.name)
    if signature is not None:
        # A history may hold what was made on another wire, which is no JSON.
        with suppress(BadAnswer):
            written["extra_content"] = decode(signature)
    return written


def _result(target: Target, result: ToolResult) -> Json:
    text = result_text(result)
    content = f"Error: {text}" if result.is_error else text
    return {"role": "tool", "tool_call_id": _id(target, result.tool_call_id), "content": content}


def _id(target: Target, call_id: str) -> str:
    if target.provider.name == "mistral":
        return short_id(call_id, pattern=_MISTRAL_ID, length=9)
    return short_id(call_id, pattern=_ANY_ID, length=32)


def _content(target: Target, parts: list[Text | Media]) -> str | list[Json]:
    if all(isinstance(part, Text) for part in parts):
        return text_of(parts, between="\n")
    return [_part(target, part) for part in parts]


def _part(target: Target, part: Text | Media) -> Json:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    source = source_of(part)
    inline = f"data:{source.media_type};base64,{source.data}"
    if source.media_type.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": source.url or inline}}
    if source.data and source.media_type in _AUDIO:
        clip = {"data": source.data, "format": _AUDIO[source.media_type]}
        return {"type": "input_audio", "input_audio": clip}
    if source.data and source.media_type == "application/pdf":
        name = part.name or "document.pdf"
        return {"type": "file", "file": {"filename": name, "file_data": inline}}
    raise unsupported(target, source)
