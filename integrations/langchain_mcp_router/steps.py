"""One step of an agent: its request fitted to each model that is tried, and called as agents do."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, NamedTuple, cast

from langchain.agents.middleware.types import ModelRequest, ModelResponse
from langchain.agents.structured_output import (
    AutoStrategy,
    ProviderStrategy,
    ResponseFormat,
    ToolStrategy,
)
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from langchain_mcp_router.answers import response_metadata
from langchain_mcp_router.binding import neutral_tools
from langchain_mcp_router.calls import ChatCall, Standing, laid_out
from langchain_mcp_router.faults import Translation
from langchain_mcp_router.foreign import (
    native_to,
    own_messages,
    own_settings,
    own_system,
    own_tools,
    provider_of,
    takes_cache_marks,
)
from langchain_mcp_router.heard import Delta, reply_of
from langchain_mcp_router.profile import profile_of
from mcp_router import (
    Call,
    Completion,
    FinishDelta,
    InvalidRequestError,
    ModelInfo,
    Reply,
    Router,
    TextDelta,
    ToolCallDelta,
    UsageDelta,
)

Handler = Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
Fit = Callable[[BaseChatModel], Awaitable[BaseChatModel]]

# Gemini before its third generation takes either tools or a schema, not both.
_TOOLS_OR_SCHEMA = re.compile(r"gemini-[12]\b")


class Target(NamedTuple):
    """One of the agent's chat models, and its row in the catalogue."""

    info: ModelInfo
    model: BaseChatModel


def targets_of(targets: Mapping[str, BaseChatModel], *, router: Router) -> Mapping[str, Target]:
    """Find each chat model's row in the catalogue.

    Raises:
        UnknownModelError: a name is no model, alias or role.
    """
    rows = ((router.catalog.resolve(name), model) for name, model in targets.items())
    return {info.name: Target(info, model) for info, model in rows}


def able(targets: Mapping[str, Target], request: ModelRequest[Any]) -> Mapping[str, Target]:
    """Keep the targets that can carry out the built-in tools of a request.

    Raises:
        InvalidRequestError: no target can.
    """
    natives = {native_to(tool) for tool in request.tools} - {None}
    left = {name: one for name, one in targets.items() if natives <= {provider_of(one.model)}}
    if not left:
        needed = " and ".join(sorted(filter(None, natives)))
        raise InvalidRequestError(
            field="tools",
            problem=f"no target carries out the built-in tools of {needed}",
            hint=f"Add a target of {needed}, or leave the tools out.",
        )
    return left


def laid_out_step(
    request: ModelRequest[Any], *, options: Mapping[str, Any], router: Router
) -> ChatCall:
    """Lay out what the router is asked for a step.

    The conversation's model is the one the step before went to.

    Raises:
        InvalidRequestError: a message or an option that cannot be used.
    """
    system = [request.system_message] if request.system_message else []
    shared = [tool for tool in request.tools if native_to(tool) is None]
    call = laid_out(
        [*system, *request.messages],
        standing=Standing(),
        stop=None,
        given=options,
        tools=neutral_tools(shared, strict=None),
    )
    before = cast("Mapping[str, Any] | None", request.state.get("router"))
    if before:
        call = call._replace(asked={**call.asked, "current_model": before["model"]})
    return call.known_to(router)


def fitted(request: ModelRequest[Any], target: Target) -> ModelRequest[Any]:
    """Clean a request of what this target does not take, and hand it to the target."""
    provider, marks = provider_of(target.model), takes_cache_marks(target.model)
    return replace(
        request,
        model=target.model,
        messages=own_messages(request.messages, provider=provider, cache_marks=marks),
        system_message=own_system(request.system_message, cache_marks=marks),
        tools=own_tools(request.tools, cache_marks=marks),
        model_settings=own_settings(request.model_settings, provider=provider),
        response_format=_format(request, target),
    )


def plain(request: ModelRequest[Any]) -> ModelRequest[Any]:
    """Clean a request of all that only one provider takes."""
    return replace(
        request,
        model_settings=own_settings(request.model_settings, provider=""),
        tools=own_tools(request.tools, cache_marks=False),
    )


def _format(request: ModelRequest[Any], target: Target) -> ResponseFormat[Any] | None:
    """Choose how this target is to give its structured answer, where that was left open.

    A profile of the target says more than the catalogue does; without one langchain would guess
    from the model's name.
    """
    # Another middleware may have put a bare schema there.
    wanted = cast("Any", request.response_format)
    if wanted is None or isinstance(wanted, ProviderStrategy | ToolStrategy):
        return request.response_format
    profile = target.model.profile or profile_of(target.info)
    either = bool(request.tools) and _TOOLS_OR_SCHEMA.search(target.info.id)
    if not profile.get("structured_output") or either:
        return request.response_format
    left_open = isinstance(wanted, AutoStrategy)
    return ProviderStrategy(cast("AutoStrategy[Any]", wanted).schema if left_open else wanted)


async def without_retries(model: BaseChatModel) -> BaseChatModel:
    """Copy a chat model so that its synchronous calls are tried once: trying again is ours.

    Knows the packages for OpenAI and Anthropic, whose SDKs try twice more by default.
    """
    for name in ("root_client", "_client"):
        known = name in type(model).model_fields or hasattr(type(model), name)
        client = cast("Any", getattr(model, name, None)) if known else None
        if client is None or not hasattr(client, "with_options"):
            continue
        once = client.with_options(max_retries=0)
        if name == "_client":
            same = model.model_copy()
            vars(same)[name] = once
            return same
        return model.model_copy(update={name: once, "client": once.chat.completions})
    return model


class StepCaller:
    """Calls the targets of one step, each through the agent's handler.

    Attributes:
        failure: what the first target raised; None while none has failed.
    """

    def __init__(
        self,
        request: ModelRequest[Any],
        handle: Handler,
        *,
        targets: Mapping[str, Target],
        fit: Fit,
    ) -> None:
        """Prepare; `fit` makes a target fit for the running event loop."""
        self.failure: BaseException | None = None
        self._request = request
        self._handle = handle
        self._targets = targets
        self._fit = fit
        self._response: ModelResponse[Any] | None = None

    @property
    def models(self) -> Collection[str]:
        """The names of the targets."""
        return self._targets.keys()

    async def complete(self, model: ModelInfo, call: Call) -> Reply:
        """Let the agent call a target.

        Raises:
            ProviderError: it gave no answer.
        """
        target = self._targets[model.name]
        target = target._replace(model=await self._fit(target.model))
        asked = fitted(self._request, target)
        if call.max_tokens is not None:
            settings = {**asked.model_settings, "max_tokens": call.max_tokens}
            asked = replace(asked, model_settings=settings)
        with Translation(model):
            try:
                self._response = await self._handle(asked)
            except Exception as error:
                self.failure = self.failure or error
                raise
        message = answer_of(self._response)
        return reply_of(ChatResult(generations=[ChatGeneration(message=message)]))

    async def stream(self, model: ModelInfo, call: Call) -> AsyncGenerator[Delta]:
        """Give the whole answer as one piece; what the agent streams, it streams itself.

        Raises:
            ProviderError: it gave no answer.
        """
        reply = await self.complete(model, call)
        yield TextDelta(reply.content)
        for number, one in enumerate(reply.tool_calls):
            yield ToolCallDelta(number, one.id, one.name, json.dumps(dict(one.arguments)))
        if reply.usage is not None:
            yield UsageDelta(reply.usage)
        yield FinishDelta(reply.finish_reason)

    def answered(self, done: Completion) -> ModelResponse[Any]:
        """Give the agent's own answer, with what the router has to say of it."""
        response = self._response
        if response is None:
            raise RuntimeError("the router completed a step that no target answered")
        message = answer_of(response)
        theirs = message.response_metadata
        added = {name: one for name, one in response_metadata(done).items() if name not in theirs}
        told = message.model_copy(update={"response_metadata": {**theirs, **added}})
        result = [told if one is message else one for one in response.result]
        return replace(response, result=result)


def answer_of(response: ModelResponse[Any]) -> AIMessage:
    """Find the model's own message in an answer."""
    return next(one for one in response.result if isinstance(one, AIMessage))
