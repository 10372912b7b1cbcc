"""The router inside an agent: every step goes to the model that suits what the agent knows then."""

from __future__ import annotations

import weakref
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, NotRequired, TypedDict

import anyio.to_thread
from langchain.agents.middleware.types import (
    AgentMiddleware,
    AgentState,
    ContextT,
    ExtendedModelResponse,
    ModelCallResult,
    ModelRequest,
    ModelResponse,
    OmitFromInput,
    ResponseT,
)
from langchain_core.language_models import BaseChatModel
from langgraph.types import Command

from langchain_mcp_router.bridge import Bridge
from langchain_mcp_router.chat_model import ChatModelRouter
from langchain_mcp_router.failures import standard_error
from langchain_mcp_router.options import configured, thread_of, together
from langchain_mcp_router.partners import LoopCopies
from langchain_mcp_router.steps import (
    Fit,
    Handler,
    StepCaller,
    able,
    answer_of,
    laid_out_step,
    plain,
    targets_of,
    without_retries,
)
from mcp_router import Completion, Constraints, Router, RouterError, Settings, Strategy

Options = Mapping[str, Any]
"""What a step may choose: strategy, constraints, chain, category, budget_tags, session."""


class RouterStep(TypedDict):
    """What the router did for the last step of an agent; costs are decimal USD as text."""

    model: str
    provider: str
    decision_id: str
    cost_usd: str | None
    attempts: list[dict[str, Any]]


class RoutedState(AgentState[Any]):
    """The state of an agent whose steps are routed."""

    router: NotRequired[Annotated[RouterStep, OmitFromInput]]


class ModelRouterMiddleware(AgentMiddleware[RoutedState, ContextT, ResponseT]):
    """Chooses the model of every step of an agent, calls it and falls back where it fails.

    With `targets` the router calls your own chat models through the agent, so that middleware
    listed after this one sees the chosen model; list this one first. Settings, history and tools
    that only another provider understands are cleaned for each model. Without targets the router
    calls the models itself, and the agent sees a `ChatModelRouter`.

    A step sees the conversation, the tools offered and, through `choose`, the whole request. It
    stays with the model of the step before unless another is worth the switch. What was done is
    written to the state under `router`.
    """

    state_schema = RoutedState

    def __init__(
        self,
        targets: Mapping[str, BaseChatModel] | None = None,
        *,
        strategy: Strategy | str | None = None,
        chain: str | Sequence[str] | None = None,
        constraints: Constraints | None = None,
        choose: Callable[[ModelRequest[Any]], Options] | None = None,
        router: Router | None = None,
        settings: Settings | None = None,
    ) -> None:
        """Prepare a middleware.

        Args:
            targets: your chat models by the name of a model of the catalogue.
            strategy: how models are ranked, instead of what the settings say.
            chain: models to try in order, or the name of a chain.
            constraints: what a chosen model must satisfy.
            choose: gives the options of one step from its request, which holds state and tools.
            router: an open router to share; its owner closes it.
            settings: settings of a router of its own, where no router is given.

        Raises:
            ConfigError: a setting is wrong; names the file, the key and what is allowed.
            UnknownModelError: a target's name is no model of the catalogue.
        """
        super().__init__()
        self.tools = []
        self._options = _given(strategy=strategy, chain=chain, constraints=constraints)
        self._choose = choose
        self._bridge = Bridge()
        self._copies = LoopCopies()
        self._router = router or Router.open(settings)
        if router is None:
            weakref.finalize(self, self._router.close)
        self._targets = targets_of(targets or {}, router=self._router)

    def wrap_model_call(
        self,
        request: ModelRequest[ContextT],
        handler: Callable[[ModelRequest[ContextT]], ModelResponse[ResponseT]],
    ) -> ModelCallResult[ResponseT]:
        """Carry out one step.

        Raises:
            ModelError: no model gave an answer; it is the router's error as well.
        """
        if not self._targets:
            return _told(handler(self._as_router(request)))

        async def handle(asked: ModelRequest[Any]) -> ModelResponse[Any]:
            # One that is given up is left to end on its own: nothing can stop a thread.
            return await anyio.to_thread.run_sync(handler, asked, abandon_on_cancel=True)

        return self._bridge.run(partial(self._step, request, handle, fit=without_retries))

    async def awrap_model_call(
        self,
        request: ModelRequest[ContextT],
        handler: Callable[[ModelRequest[ContextT]], Awaitable[ModelResponse[ResponseT]]],
    ) -> ModelCallResult[ResponseT]:
        """Carry out one step; raises as `wrap_model_call`."""
        if not self._targets:
            return _told(await handler(self._as_router(request)))
        return await self._step(request, handler, fit=self._copies.of)

    async def _step(
        self, request: ModelRequest[Any], handle: Handler, *, fit: Fit
    ) -> ExtendedModelResponse[Any]:
        caller: StepCaller | None = None
        try:
            options = self._step_options(request)
            call = laid_out_step(request, options=options, router=self._router)
            caller = StepCaller(request, handle, targets=able(self._targets, request), fit=fit)
            done = await self._router.delegated(caller).execute(call.messages, **call.asked)
        except RouterError as error:
            cause = caller.failure if caller is not None else None
            raise standard_error(error) from cause or error.__cause__
        return _with_state(caller.answered(done), done)

    def _step_options(self, request: ModelRequest[Any]) -> dict[str, Any]:
        """Lay the options of the call over those of the middleware, and the step's over both."""
        options, thread = dict(self._options), thread_of(None)
        for given in (configured(None), self._choose(request) if self._choose else {}):
            limits = together(options.get("constraints"), given.get("constraints"))
            options |= {**given, "constraints": limits}
        return _given(**({"session": thread} | options))

    def _as_router(self, request: ModelRequest[Any]) -> ModelRequest[Any]:
        model = ChatModelRouter(router=self._router, **self._step_options(request))
        return replace(plain(request), model=model)


def _with_state(response: ModelResponse[Any], done: Completion) -> ExtendedModelResponse[Any]:
    told = done.model_dump(mode="json", include={*RouterStep.__annotations__})
    return ExtendedModelResponse(model_response=response, command=Command(update={"router": told}))


def _told(response: ModelResponse[Any]) -> ExtendedModelResponse[Any]:
    """Write to the state what the chat model said of its own work."""
    said = answer_of(response).response_metadata
    step = RouterStep(
        model=said["model_name"],
        provider=said["model_provider"],
        decision_id=said["decision_id"],
        cost_usd=said["cost_usd"],
        attempts=said["router"]["attempts"],
    )
    return ExtendedModelResponse(model_response=response, command=Command(update={"router": step}))


def _given(**given: object) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}
