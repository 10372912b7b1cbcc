"""Targets: the user's own chat models, which make the calls that the router has planned."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import aclosing
from typing import Any, cast

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage

from langchain_mcp_router.calls import ChatCall, Standing
from langchain_mcp_router.faults import Translation
from langchain_mcp_router.foreign import (
    native_to,
    provider_of,
)
from langchain_mcp_router.heard import Hearing, reply_of
from langchain_mcp_router.late import prepared
from langchain_mcp_router.messages import OriginalMessage
from langchain_mcp_router.options import together
from langchain_mcp_router.partners import Hooks, LoopCopies
from langchain_mcp_router.turns import Turn
from mcp_router import (
    Call,
    Constraints,
    FinishDelta,
    InvalidRequestError,
    ModelInfo,
    ReasoningDelta,
    Reply,
    Router,
    TextDelta,
    ToolCallDelta,
    UsageDelta,
)

Delta = TextDelta | ReasoningDelta | ToolCallDelta | UsageDelta | FinishDelta


class Targets:
    """Calls chat models by the names that the catalogue has for them."""

    def __init__(self, models: Mapping[str, BaseChatModel]) -> None:
        self._given = dict(models)
        self._by_name = self._given
        self._copies = LoopCopies()

    @property
    def models(self) -> Collection[str]:
        """The names under which the chat models were given."""
        return self._given.keys()

    @property
    def profiles(self) -> list[Mapping[str, Any] | None]:
        """What each chat model says that it can do."""
        return [cast("Mapping[str, Any] | None", one.profile) for one in self._given.values()]

    @property
    def identity(self) -> Mapping[str, Any]:
        """What tells these chat models from others."""
        return {name: Hooks.identity(one) for name, one in self._given.items()}

    def known_to(self, router: Router) -> Router:
        """Let a router plan for these chat models.

        Raises:
            UnknownModelError: a name that is not in the catalogue.
            InvalidRequestError: two names mean the same model.
        """
        by_name = {router.catalog.resolve(name).name: one for name, one in self._given.items()}
        if len(by_name) < len(self._given):
            raise InvalidRequestError(
                field="targets", problem="two of its names mean the same model of the catalogue"
            )
        self._by_name = by_name
        return router.delegated(self)

    def narrowed(self, standing: Standing, *, tools: Sequence[object]) -> Standing:
        """Keep to the targets that can carry out the built-in tools among those bound."""
        owners = {native_to(cast("Any", one)) for one in tools} - {None}
        if not owners:
            return standing
        able = [name for name, one in self._given.items() if {provider_of(one)} == owners]
        if not able:
            raise InvalidRequestError(
                field="tools",
                problem=f"no target has the built-in tools of {', '.join(map(str, owners))}",
            )
        wanted = together(standing.constraints, Constraints(models=tuple(able)))
        return standing._replace(constraints=wanted)

    def turn(self, call: ChatCall, *, tools: Sequence[object], given: Mapping[str, Any]) -> Turn:
        """Begin a call: from now on its messages lead to what was asked with them."""
        kept = {name: given[name] for name in ("response_format",) if name in given}
        turn = Turn(tools=tools, given={**call.left, **kept})
        for message in call.messages:
            message.attach(turn)
        return turn

    async def complete(self, model: ModelInfo, call: Call) -> Reply:
        """Get a whole answer from a target.

        Raises:
            ProviderError: it gave none.
        """
        turn, inner = _turn(call), await self._copies.of(self._by_name[model.name])
        messages, arguments = prepared(inner, call, turn, _origins(call))
        with Translation(model):
            result = await Hooks.complete(inner, messages, arguments)
        turn.answered(model.name, result)
        return reply_of(result)

    async def stream(self, model: ModelInfo, call: Call) -> AsyncGenerator[Delta]:
        """Get an answer from a target piece by piece.

        Raises:
            ProviderError: it gave none, or broke off.
        """
        turn, inner = _turn(call), await self._copies.of(self._by_name[model.name])
        messages, arguments = prepared(inner, call, turn, _origins(call))
        hearing = Hearing()
        turn.begun()
        with Translation(model) as translation:
            async with aclosing(Hooks.pieces(inner, messages, arguments)) as chunks:
                async for chunk in chunks:
                    turn.heard(chunk)
                    for delta in hearing.deltas(chunk):
                        translation.spoke = hearing.spoke
                        yield delta
        for delta in hearing.end():
            yield delta


# The router sends the messages it was given, or leaves some of them out.
def _turn(call: Call) -> Turn:
    return cast("Turn", cast("OriginalMessage", call.messages[0]).attached)


def _origins(call: Call) -> list[BaseMessage]:
    return [cast("OriginalMessage", one).origin for one in call.messages]
