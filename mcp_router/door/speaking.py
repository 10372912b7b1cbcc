"""Carries a request out for a call, and sends its answer: whole, or piece by piece."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Protocol

from mcp_router.access.charging import charged
from mcp_router.access.grant import granted
from mcp_router.door.call import unless_gone
from mcp_router.door.facts import headers_of, ignored_header
from mcp_router.door.faults import fault_of
from mcp_router.door.reply import break_off, send_body, send_start
from mcp_router.errors import MalformedResponseError, RouterError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_router.door.asked import Asked
    from mcp_router.door.call import Call
    from mcp_router.router import Router
    from mcp_router.types import AttemptEvent, Completion, StreamEvent, ToolCall


class Speech(Protocol):
    """Writes the answer to one request in a dialect."""

    def whole(self, done: Completion) -> dict[str, Any]:
        """Write an answer that has ended."""
        ...

    def begin(self, model: str) -> bytes:
        """Begin a stream."""
        ...

    def text(self, text: str) -> bytes:
        """Write a piece of the answer."""
        ...

    def thought(self, text: str) -> bytes:
        """Write a piece of the thinking."""
        ...

    def tool_call(self, call: ToolCall) -> bytes:
        """Write a tool call."""
        ...

    def end(self, done: Completion) -> bytes:
        """End a stream that is whole."""
        ...


async def answer(call: Call, asked: Asked, *, router: Router, speech: Speech) -> None:
    """Answer a call; it is given up, and its money settled, once the client hangs up.

    Raises:
        RouterError: there is no answer, and nothing was sent yet.
    """
    request = granted(asked.request, catalog=router.catalog)
    asked = asked._replace(request=request)
    if asked.stream:
        stream = _Stream(call, asked, router=router, speech=speech)
        await unless_gone(call.receive, stream.send)
        return

    async def work() -> Completion:
        async with charged(request) as used:
            done = await router.execute(request, timeout_s=asked.timeout_s)
            used(done.usage)
        return done

    done = await unless_gone(call.receive, work)
    if done is not None:
        headers = headers_of(done, asked=asked)
        body = speech.whole(done)
        await send_body(call.send, body, status=200, caller=call.caller, headers=headers)


class _Stream:
    """Sends nothing before the first piece, so that until then a failure has a status."""

    def __init__(self, call: Call, asked: Asked, *, router: Router, speech: Speech) -> None:
        self._call = call
        self._asked = asked
        self._router = router
        self._speech = speech
        self._attempt: AttemptEvent | None = None
        self._begun = False

    async def send(self) -> None:
        try:
            async with charged(self._asked.request) as used:
                stream = self._router.stream(self._asked.request, timeout_s=self._asked.timeout_s)
                async with aclosing(stream) as events:
                    async for event in events:
                        await self._hear(event)
                        if event.type == "done":
                            used(event.result.usage)
        except RouterError as error:
            if not self._begun:
                raise
            self._call.visit.cause = "failed"
            await break_off(self._call.send, fault_of(error), caller=self._call.caller)

    async def _hear(self, event: StreamEvent) -> None:
        speech = self._speech
        match event.type:
            case "attempt":
                self._attempt = event
            case "restart":
                raise _void(event.model)
            case "delta":
                await self._piece(await self._opening(event) + speech.text(event.text))
            case "reasoning":
                await self._piece(await self._opening(event) + speech.thought(event.text))
            case "tool_call":
                await self._piece(await self._opening(event) + speech.tool_call(event.tool_call))
            case "done":
                opening = await self._opening(event)
                await self._piece(opening + speech.end(event.result), more=False)

    async def _opening(self, event: StreamEvent) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        model = event.result.model if event.type == "done" else ""
        attempt = self._attempt
        await send_start(
            self._call.send,
            status=200,
            caller=self._call.caller,
            headers={
                "content-type": "text/event-stream; charset=utf-8",
                "x-accel-buffering": "no",
                **_known(attempt),
                **ignored_header(self._asked),
            },
        )
        return self._speech.begin(attempt.model if attempt else model)

    async def _piece(self, content: bytes, *, more: bool = True) -> None:
        message = {"type": "http.response.body", "body": content, "more_body": more}
        await self._call.send(message)


def _known(attempt: AttemptEvent | None) -> Mapping[str, str]:
    """Write what is known of a stream when it begins."""
    if attempt is None:
        return {}
    return {
        "x-router-decision-id": attempt.decision_id,
        "x-router-model": attempt.model,
        "x-router-provider": attempt.provider,
        "x-router-attempts": str(attempt.number),
    }


def _void(model: str) -> MalformedResponseError:
    # These protocols have no word to take back what was said, so nothing may follow it.
    return MalformedResponseError(provider="", model=model, problem="the stream was cut")
