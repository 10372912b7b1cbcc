"""One attempt on its way: what it heard so far, and what that costs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import anyio

from mcp_router.errors import ContentFilteredError, MalformedResponseError
from mcp_router.execution.costs import Bill, assumed_usage, at_least, bill
from mcp_router.execution.records import Timing
from mcp_router.providers.assemble import Assembler
from mcp_router.providers.verdict import verdict
from mcp_router.providers.wire import (
    BadAnswer,
    Call,
    Delta,
    ReasoningDelta,
    Reply,
    TextDelta,
    ToolCallDelta,
    UsageDelta,
)
from mcp_router.types import DeltaEvent, ReasoningEvent

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from mcp_router.execution.deadlines import Allowance
    from mcp_router.execution.holding import Holding
    from mcp_router.execution.routes import Route
    from mcp_router.types import Usage


class Plan(NamedTuple):
    """What one attempt sends where, and within which time; `inputs` estimates its prompt."""

    route: Route
    call: Call
    allowed: Allowance
    inputs: int


class Trial:
    """A context manager that gives back what the attempt holds, if nobody has by then.

    Attributes:
        open: whether it still holds anything.
        told: whether the caller was given a piece of the answer.
        first_token_at: when the answer began, by the event loop's clock; None for not yet.
    """

    def __init__(
        self, plan: Plan, *, holding: Holding, on_abandoned: Callable[[Trial], None]
    ) -> None:
        self.plan = plan
        self.holding = holding
        self.open = True
        self.told = False
        self.first_token_at: float | None = None
        self._on_abandoned = on_abandoned
        self._began = anyio.current_time()
        self._usage: Usage | None = None
        self._unspoken: list[str] = []
        self._reply: Reply | None = None

    def __enter__(self) -> Trial:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.open:
            self._on_abandoned(self)

    @property
    def route(self) -> Route:
        """Where it was sent."""
        return self.plan.route

    @property
    def spoke(self) -> bool:
        """Whether anything of an answer has arrived."""
        return self.first_token_at is not None

    def hear(self, delta: Delta) -> DeltaEvent | ReasoningEvent | None:
        """Take in a piece of a streamed answer, and give what the caller is told of it.

        Tool calls are told only when they are whole, and the answer with them.
        """
        self._assembler.add(delta)
        if isinstance(delta, TextDelta):
            return DeltaEvent(delta.text) if self._tells(delta.text) else None
        if isinstance(delta, ReasoningDelta):
            self._unspoken.append(delta.text)
            return ReasoningEvent(delta.text) if self._tells(delta.text) else None
        if isinstance(delta, ToolCallDelta):
            self._unspoken.append((delta.name or "") + delta.arguments)
            self._note()
        elif isinstance(delta, UsageDelta):
            self._usage = delta.usage
        return None

    def whole(self) -> Reply:
        """Put the streamed answer together.

        Raises:
            ProviderError: it is empty, filtered or has a broken tool call.
        """
        try:
            reply = self._assembler.reply()
        except BadAnswer as fault:
            raise verdict(self.route.target, fault) from None
        return self.checked(reply)

    def checked(self, reply: Reply) -> Reply:
        """Refuse an answer that ended well and is none.

        Raises:
            MalformedResponseError: neither text nor tool call.
            ContentFilteredError: a filter broke it off.
        """
        self._reply, self._usage = reply, reply.usage
        names = {"provider": self.route.provider, "model": self.route.model.name}
        if reply.finish_reason == "content_filter":
            raise ContentFilteredError(**names)
        if not reply.tool_calls and not reply.content.strip():
            raise MalformedResponseError(**names, problem="its answer is empty")
        return reply

    def used(self, usage: Usage | None) -> None:
        """Note what a failure says was used; None says nothing."""
        self._usage = usage or self._usage

    def bill(self, *, whole: bool) -> Bill | None:
        """Say what is owed; None if nothing is known to have been used."""
        model, usage, at = self.route.model, self._usage, self.holding.began
        if usage is not None and (whole or self._reply is not None):
            return bill(model, usage, now=at)
        guess = assumed_usage(model, inputs=self.plan.inputs, texts=self._texts())
        if usage is not None:
            return bill(model, at_least(usage, outputs=guess.output_tokens), now=at)
        if whole or guess.output_tokens:
            return bill(model, guess, now=at, estimated=True)
        return None

    def timing(self) -> Timing:
        """Measure the attempt up to now."""
        first = self.first_token_at
        return Timing(
            latency_ms=_ms(anyio.current_time() - self._began),
            first_token_ms=None if first is None else _ms(first - self._began),
        )

    @cached_property
    def _assembler(self) -> Assembler:
        return Assembler(provider=self.route.provider)

    def _tells(self, text: str) -> bool:
        if not text:
            return False
        if self.told:
            self.holding.keep()
        else:
            self.told = True
            self._note()
        return True

    def _note(self) -> None:
        if self.first_token_at is None:
            self.first_token_at = anyio.current_time()
        self.holding.keep()

    def _texts(self) -> Iterator[str]:
        """Give all that was heard of the answer, thoughts and arguments included."""
        if self._reply is None:
            yield self._assembler.text
            yield "".join(self._unspoken)
            return
        yield self._reply.content
        for thought in self._reply.reasoning:
            yield thought.text
        for call in self._reply.tool_calls:
            yield call.name + json.dumps(call.arguments, default=dict)


def _ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))
