"""One span for a request, and below it one for each call of a model."""

from __future__ import annotations

import json
import time
from contextlib import AbstractContextManager, aclosing
from typing import TYPE_CHECKING, Self

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from mcp_router.telemetry.names import provider_name

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping
    from contextvars import Token
    from types import TracebackType

    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer
    from opentelemetry.util.types import AttributeValue

    from mcp_router.telemetry.metrics import Metrics
    from mcp_router.types import Attempt, Completion, Decision, Message, Mode, Request, StreamEvent

_OWN = "mcp_router."


class Spans:
    """Writes spans and counts metrics; `prompts` says whether texts are written."""

    def __init__(self, tracer: Tracer, metrics: Metrics, *, prompts: bool) -> None:
        self._tracer = tracer
        self._metrics = metrics
        self._prompts = prompts

    def request(self, request: Request, *, mode: Mode, streamed: bool) -> OpenRequest:
        """Begin the span of a request."""
        span = self._tracer.start_span(
            f"{'stream' if streamed else 'execute'} {mode}", attributes=asked(request, mode=mode)
        )
        if self._prompts:
            span.set_attribute("gen_ai.input.messages", _messages(request.messages))
        return OpenRequest(span, self._metrics, mode=mode, streamed=streamed, prompts=self._prompts)

    def attempt(self, attempt: Attempt, request: Request) -> None:
        """Write the span of an attempt that has just ended, below the running request."""
        now = time.time_ns()
        span = self._tracer.start_span(
            f"chat {attempt.model}",
            kind=SpanKind.CLIENT,
            start_time=now - attempt.latency_ms * 1_000_000,
            attributes=tried(attempt, request=request),
        )
        if attempt.outcome != "ok":
            span.set_status(Status(StatusCode.ERROR, attempt.outcome))
        span.end(now)


class OpenRequest(AbstractContextManager["OpenRequest"]):
    """The span of a request while it is carried out, the current one meanwhile."""

    def __init__(
        self, span: Span, metrics: Metrics, *, mode: Mode, streamed: bool, prompts: bool
    ) -> None:
        self._span = span
        self._metrics = metrics
        self._mode = mode
        self._streamed = streamed
        self._prompts = prompts
        self._began = time.perf_counter()
        self._context = trace.set_span_in_context(span)
        self._token: Token[Context] | None = None

    def __enter__(self) -> Self:
        # Between the pieces of a stream its caller runs, in whose work this span is no parent.
        if not self._streamed:
            self._token = contexts.attach(self._context)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        outcome = _outcome(error)
        if outcome not in {"ok", "cancelled"}:
            self._span.set_attribute("error.type", outcome)
            self._span.set_status(Status(StatusCode.ERROR, outcome))
        self._span.set_attribute(f"{_OWN}outcome", outcome)
        self._span.end()
        if self._token is not None:
            contexts.detach(self._token)
        took = time.perf_counter() - self._began
        self._metrics.request(seconds=took, outcome=outcome, mode=self._mode)

    def decided(self, decision: Decision) -> None:
        """Note which model is to be tried first, and for what kind of task."""
        self._span.set_attributes(
            {
                f"{_OWN}decision_id": decision.decision_id,
                f"{_OWN}model": decision.model,
                f"{_OWN}task_type": decision.task_type,
                f"{_OWN}complexity": decision.complexity,
                f"{_OWN}strategy": decision.strategy,
            }
        )

    def done(self, result: Completion) -> None:
        """Note what came of it."""
        # Tokens stand in the spans below; here a backend that sums them up would count them twice.
        self._span.set_attributes(answered(result))
        if self._prompts:
            answer = [{"role": "assistant", "parts": [_text(result.content)]}]
            self._span.set_attribute("gen_ai.output.messages", json.dumps(answer))

    async def over(self, events: AsyncGenerator[StreamEvent]) -> AsyncGenerator[StreamEvent]:
        """Pass a stream on; its calls are below this span, its caller's work is not."""
        async with aclosing(events):
            while True:
                token = contexts.attach(self._context)
                try:
                    event = await anext(events)
                except StopAsyncIteration:
                    return
                finally:
                    contexts.detach(token)
                if event.type == "done":
                    self.done(event.result)
                yield event


def asked(request: Request, *, mode: Mode) -> Mapping[str, AttributeValue]:
    """Write what was asked as attributes, without its texts."""
    found: dict[str, AttributeValue] = {
        f"{_OWN}mode": mode,
        f"{_OWN}messages": len(request.messages),
    }
    chain = request.chain
    if chain:
        found[f"{_OWN}chain"] = chain if isinstance(chain, str) else list(chain)
    return found


def tried(attempt: Attempt, *, request: Request) -> Mapping[str, AttributeValue]:
    """Write a call of a model as the attributes of the GenAI conventions."""
    found: dict[str, AttributeValue] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider_name(attempt.provider),
        "gen_ai.request.model": attempt.model,
        f"{_OWN}outcome": attempt.outcome,
    }
    if request.max_tokens is not None:
        found["gen_ai.request.max_tokens"] = request.max_tokens
    if attempt.outcome != "ok":
        found["error.type"] = attempt.outcome
    if attempt.first_token_ms is not None:
        found["gen_ai.response.time_to_first_chunk"] = attempt.first_token_ms / 1000
    if attempt.cost_usd is not None:
        found[f"{_OWN}cost_usd"] = float(attempt.cost_usd)
    usage = attempt.usage
    if usage is not None:
        # The conventions count what was read from and written to a cache as input as well.
        cached = usage.cache_read_tokens + usage.cache_write_tokens
        found["gen_ai.usage.input_tokens"] = usage.input_tokens + cached
        found["gen_ai.usage.output_tokens"] = usage.output_tokens + usage.reasoning_tokens
        found["gen_ai.usage.cache_read.input_tokens"] = usage.cache_read_tokens
        found["gen_ai.usage.cache_creation.input_tokens"] = usage.cache_write_tokens
        found["gen_ai.usage.reasoning.output_tokens"] = usage.reasoning_tokens
    return found


def answered(result: Completion) -> Mapping[str, AttributeValue]:
    """Write what came of a request as attributes, without its texts."""
    found: dict[str, AttributeValue] = {
        "gen_ai.response.model": result.model,
        "gen_ai.response.finish_reasons": [result.finish_reason],
        f"{_OWN}attempts": len(result.attempts),
        f"{_OWN}cached": result.cached,
    }
    if result.cost_usd is not None:
        found[f"{_OWN}cost_usd"] = float(result.cost_usd)
    if result.confidence is not None:
        found[f"{_OWN}confidence"] = result.confidence
    return found


def _outcome(error: BaseException | None) -> str:
    if error is None:
        return "ok"
    # Cancellation, a closed stream and Ctrl-C are no failures.
    return type(error).__name__ if isinstance(error, Exception) else "cancelled"


def _messages(messages: tuple[Message, ...]) -> str:
    return json.dumps(
        [
            {
                "role": one.role,
                "parts": [_text(one.content)]
                if isinstance(one.content, str)
                else [part.model_dump(mode="json", exclude_none=True) for part in one.content],
            }
            for one in messages
        ],
        ensure_ascii=False,
    )


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "content": text}
