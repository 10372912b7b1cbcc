"""Answers on the Gemini wire, whole and streamed."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence

from mcp_router.providers.logprobs import GEMINI, Tally, logprobs_of
from mcp_router.providers.parts import marked
from mcp_router.providers.reading import as_list, as_object, as_text, decode, tool_call
from mcp_router.providers.sse import Event
from mcp_router.providers.usage import gemini_usage
from mcp_router.providers.wire import (
    BadAnswer,
    Delta,
    FailureInAnswer,
    FinishDelta,
    Json,
    ReasoningDelta,
    Reply,
    TextDelta,
    ToolCallDelta,
)
from mcp_router.types import Reasoning, ToolCall, Usage

_REASONS = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "MALFORMED_FUNCTION_CALL": "error",
    "MALFORMED_RESPONSE": "error",
    "MISSING_THOUGHT_SIGNATURE": "error",
    "TOO_MANY_TOOL_CALLS": "error",
    "UNEXPECTED_TOOL_CALL": "error",
}
_NOT_ID = re.compile(r"[^A-Za-z0-9_-]")


def parse_answer(body: object, *, provider: str) -> Reply:
    """Read a GenerateContentResponse; raises as `Wire.parse` says."""
    answer = as_object(body)
    candidate = _candidate(answer)
    if not candidate and not _is_blocked(answer):
        raise BadAnswer("the answer holds no candidate")
    text: list[str] = []
    calls: list[ToolCall] = []
    reasoning: list[Reasoning] = []
    for part in _parts(candidate):
        signature = as_text(part.get("thoughtSignature")) or None
        call = as_object(part.get("functionCall"))
        if call:
            mark = marked(provider, signature) if signature else None
            call_id = _call_id(answer, call, number=len(calls))
            name = as_text(call.get("name"))
            calls.append(tool_call(call_id, name, call.get("args"), signature=mark))
        elif part.get("thought"):
            thought = as_text(part.get("text"))
            reasoning.append(Reasoning(text=thought, signature=signature, provider=provider))
        else:
            text.append(as_text(part.get("text")))
            if signature:
                reasoning.append(Reasoning(signature=signature, provider=provider))
    return Reply(
        content="".join(text),
        tool_calls=tuple(calls),
        reasoning=_joined(reasoning),
        finish_reason=_reason(_finish(answer, candidate), has_calls=bool(calls)),
        usage=gemini_usage(answer.get("usageMetadata")),
        model=as_text(answer.get("modelVersion")) or None,
        logprobs=logprobs_of(candidate.get("logprobsResult"), spelling=GEMINI),
    )


def _joined(reasoning: list[Reasoning]) -> tuple[Reasoning, ...]:
    """Join all thoughts into one: they are one thought, cut where the stream was."""
    if not reasoning:
        return ()
    signatures = [part.signature for part in reasoning if part.signature]
    text = "".join(part.text for part in reasoning)
    signature = signatures[-1] if signatures else None
    return (Reasoning(text=text, signature=signature, provider=reasoning[0].provider),)


def _candidate(answer: Json) -> Json:
    if answer.get("error"):
        raise FailureInAnswer(answer["error"])
    return as_object(next(iter(as_list(answer.get("candidates"))), None))


def _is_blocked(answer: Json) -> bool:
    return bool(as_object(answer.get("promptFeedback")).get("blockReason"))


def _finish(answer: Json, candidate: Json) -> str:
    reason = as_text(candidate.get("finishReason"))
    if not reason and _is_blocked(answer):
        return "SAFETY"
    if not reason:
        raise BadAnswer("the answer was cut before it was finished")
    return reason


def _parts(candidate: Json) -> list[Json]:
    return list(map(as_object, as_list(as_object(candidate.get("content")).get("parts"))))


def _reason(reason: str, *, has_calls: bool) -> str:
    normal = _REASONS.get(reason, "other")
    # Gemini has no reason of its own for a tool call.
    return "tool_calls" if has_calls and normal == "stop" else normal


def _call_id(answer: Json, call: Json, *, number: int) -> str:
    """Name a call; where Gemini gives no id, one is made that differs between answers."""
    given = as_text(call.get("id"))
    if given:
        return given
    seed = as_text(answer.get("responseId"))
    if not seed:
        seed = hashlib.blake2b(json.dumps(call).encode(), digest_size=8).hexdigest()
    return f"call_{_NOT_ID.sub('', seed)[:24]}_{number}"


class GeminiReader:
    """Reads a stream of GenerateContentResponses."""

    def __init__(self, *, provider: str) -> None:
        self._provider = provider
        self._reason = ""
        self._model: str | None = None
        self._usage: object = None
        self._calls = 0
        self._words = Tally(GEMINI)
        self.done = False

    @property
    def finished(self) -> bool:
        """Whether the finish reason has been seen."""
        return bool(self._reason)

    def read(self, event: Event) -> Sequence[Delta]:
        """Turn one response into deltas; raises as `Reader.read` says."""
        if not event.data.strip():
            return ()
        answer = as_object(decode(event.data))
        if not answer:
            raise BadAnswer("a chunk of the stream is not a JSON object")
        candidate = _candidate(answer)
        if self._model is None:
            self._model = as_text(answer.get("modelVersion")) or None
        self._usage = answer.get("usageMetadata") or self._usage
        reason = candidate.get("finishReason")
        if reason:
            self._reason = str(reason)
        elif not candidate and _is_blocked(answer):
            self._reason = "SAFETY"
        self._words.add(candidate.get("logprobsResult"))
        return [delta for part in _parts(candidate) for delta in self._part(answer, part)]

    def usage(self) -> Usage | None:
        """Tokens reported so far."""
        return gemini_usage(self._usage)

    def finish(self) -> FinishDelta:
        """Close the answer; raises as `Reader.finish` says."""
        if not self._reason:
            raise BadAnswer("the stream was cut before the answer was finished")
        reason = _reason(self._reason, has_calls=self._calls > 0)
        return FinishDelta(reason, self._model, logprobs=self._words.figures())

    def _part(self, answer: Json, part: Json) -> Sequence[Delta]:
        signature = part.get("thoughtSignature")
        call = part.get("functionCall")
        if call:
            return (self._call(answer, as_object(call), signature=as_text(signature)),)
        text = as_text(part.get("text"))
        if part.get("thought"):
            return (ReasoningDelta(text, as_text(signature) or None),)
        deltas: list[Delta] = [TextDelta(text)] if text else []
        if signature:
            deltas.append(ReasoningDelta(signature=as_text(signature)))
        return deltas

    def _call(self, answer: Json, call: Json, *, signature: str) -> ToolCallDelta:
        number = self._calls
        self._calls += 1
        return ToolCallDelta(
            number=number,
            id=_call_id(answer, call, number=number),
            name=as_text(call.get("name")),
            arguments=json.dumps(call.get("args") or {}),
            signature=marked(self._provider, signature) if signature else None,
        )
