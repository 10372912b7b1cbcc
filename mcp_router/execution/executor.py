"""The executor: carries a decided request out, whole or streamed, with fallback."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import anyio

from mcp_router.errors import InvalidRequestError, ProviderError
from mcp_router.execution.balance import Balance, Balancer
from mcp_router.execution.check import Verdict
from mcp_router.execution.holding import shortest_answer
from mcp_router.execution.limits import AS_SET, CallLimits
from mcp_router.execution.off_loop import off_loop
from mcp_router.execution.prepare import Preparation
from mcp_router.execution.routes import Route, Routes
from mcp_router.execution.run import Run
from mcp_router.execution.share import Quote, Share
from mcp_router.execution.warming import warm_up
from mcp_router.providers.wire import Reply
from mcp_router.storage.periods import to_ms
from mcp_router.types import DoneEvent, RestartEvent, ToolCallEvent

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable

    from mcp_router.catalog.catalog import Catalog
    from mcp_router.config.settings import Settings
    from mcp_router.execution.check import Check
    from mcp_router.execution.holding import Holding
    from mcp_router.execution.services import Services
    from mcp_router.execution.trial import Trial
    from mcp_router.providers.wire import Delta
    from mcp_router.storage.sqlite import SqliteStore
    from mcp_router.types import AttemptEvent, Completion, Decision, Request, StreamEvent


class Executor:
    """Carries requests out; one serves any number of concurrent calls on any event loop."""

    def __init__(
        self,
        services: Services,
        *,
        settings: Settings,
        catalog: Catalog,
        balance: Balance | None = None,
    ) -> None:
        self._services = services
        self._settings = settings
        self._catalog = catalog
        self._balance: Balance = balance or settings.fallback.balance
        self._balancer = Balancer(rng=services.rng)
        self.routes = Routes(catalog, settings=settings, environ=services.environ)

    async def execute(
        self,
        request: Request,
        *,
        decision: Decision,
        limits: CallLimits = AS_SET,
        on_attempt: Callable[[AttemptEvent], None] | None = None,
        share: Share | None = None,
        check: Check | None = None,
    ) -> Completion:
        """Get the whole answer to a request from the first of the decided models that gives one.

        Args:
            request: what is asked, with its texts.
            decision: the models to try, in order.
            limits: what this call may take, where that differs from the settings.
            on_attempt: is told of every attempt as it begins.
            share: its part of a task that several runs have in common.
            check: says of each answer whether it is good enough; where it is not, the next model
                is tried.

        Raises:
            FallbackExhaustedError: every attempt failed; holds each with its reason.
            BudgetExceededError, UnpricedModelError: no attempt could be paid for.
            ProviderError: the one cause that ends a request: its content or form was refused, or
                it is too long for every model.
            InvalidRequestError: the messages make no sense to any provider.
            StorageError: the database failed.
        """
        run = await self._run(request, decision, limits=limits, share=share)
        while (trial := await run.advance(stream=False)) is not None:
            with trial:
                if on_attempt is not None:
                    on_attempt(run.announcement(trial))
                try:
                    reply = trial.checked(await self._complete(trial))
                except (ProviderError, InvalidRequestError) as error:
                    run.failed(trial, error)
                else:
                    done = run.completed(trial, reply)
                    verdict = Verdict() if check is None else await check(done)
                    if not verdict.refusal:
                        return done
                    run.refused(trial, verdict)
        raise run.error()

    async def stream(
        self,
        request: Request,
        *,
        decision: Decision,
        limits: CallLimits = AS_SET,
        share: Share | None = None,
    ) -> AsyncGenerator[StreamEvent]:
        """Give the answer piece by piece, ending in exactly one DoneEvent.

        Until the first piece a fallback goes unseen. When a stream breaks later, a RestartEvent
        voids what was given and the whole answer comes from the next model, or the cause is
        raised where `on_stream_cut` is "error". Close the generator to stop early.

        Raises:
            RouterError: as `execute` raises.
        """
        run = await self._run(request, decision, limits=limits, share=share)
        void: RestartEvent | None = None
        while (trial := await run.advance(stream=True)) is not None:
            # Every yield stands inside, so that a caller who stops here leaves nothing reserved.
            with trial:
                if void is not None:
                    yield void
                yield run.announcement(trial)
                try:
                    async with aclosing(self._deltas(trial)) as deltas:
                        async for delta in deltas:
                            event = trial.hear(delta)
                            if event is not None:
                                yield event
                    reply = trial.whole()
                except (ProviderError, InvalidRequestError) as error:
                    tried = run.failed(trial, error)
                    void = RestartEvent(tried.model, tried.reason) if trial.told else None
                    continue
                result = run.completed(trial, reply)
            for call in result.tool_calls:
                yield ToolCallEvent(call)
            yield DoneEvent(result)
            return
        raise run.error()

    async def warm_up(self, models: Iterable[str]) -> dict[str, int | None]:
        """Connect to the providers of some models ahead of the first call, at no cost.

        Returns milliseconds by provider, None for one that cannot be reached.

        Raises:
            UnknownModelError: a name that is no model.
        """
        routes = [route for name in models for route in self.routes.of(name)]
        connect = self._settings.fallback.connect_ms / 1000
        return await warm_up(self._services.client, routes, connect=connect)

    async def aclose(self) -> None:
        """Close the connections of the running event loop; those of other loops close with them."""
        await self._services.client.aclose()

    def beside(self, store: SqliteStore) -> Executor:
        """Return one over connections of its own, whose records and money go to another store."""
        from mcp_router.providers.client import ProviderClient

        services = replace(self._services, client=ProviderClient(), store=store)
        return Executor(services, settings=self._settings, catalog=self._catalog)

    def quote(self, request: Request, *, decision: Decision) -> Quote:
        """Say what a request can use at the model of a decision.

        Raises:
            UnknownModelError: the decision names none of the catalogue.
        """
        prepared = self._prepared(request, decision)
        need = prepared.need(self.routes.of(decision.model)[0])
        least = need.most.outputs
        if request.max_tokens is None:
            least = min(least, shortest_answer(need.outputs))
        return Quote(
            self._catalog.resolve(decision.model),
            need.most,
            need.most._replace(outputs=least),
            prepared.max_cost,
        )

    def _prepared(
        self, request: Request, decision: Decision, *, logprobs: bool = False
    ) -> Preparation:
        return Preparation(
            self._services,
            settings=self._settings,
            catalog=self._catalog,
            request=request,
            decision=decision,
            logprobs=logprobs,
        )

    async def _run(
        self, request: Request, decision: Decision, *, limits: CallLimits, share: Share | None
    ) -> Run:
        return Run(
            self._services,
            preparation=self._prepared(
                request, decision, logprobs=share is not None and share.logprobs
            ),
            routes=await self._ordered(decision),
            balancer=self._balancer,
            limits=limits,
            share=share,
        )

    async def _ordered(self, decision: Decision) -> list[Route]:
        """List the routes of a decision: its model, its fallbacks, then every other candidate."""
        names = [decision.model]
        if self._settings.fallback.enabled:
            names += [*decision.fallbacks, *(one.model for one in decision.candidates)]
            # Those whose breakers are open come last: everything open means the least bad.
            late = (
                {"unavailable", "context"}
                if self._settings.fallback.trim_history
                else {"unavailable"}
            )
            names += [one.model for one in decision.rejected if one.filter in late]
        ordered: list[Route] = []
        for name in dict.fromkeys(names):
            routes = self.routes.of(name)
            ordered += routes if len(routes) == 1 else await self._balanced(routes)
        return ordered

    async def _balanced(self, routes: tuple[Route, ...]) -> list[Route]:
        now, keys = to_ms(self._services.clock()), [one.key for one in routes]
        check = partial(self._services.breaker.check, keys, now=now)
        verdicts = await off_loop(self._services.store.database, check)
        return self._balancer.order(routes, balance=self._balance, verdicts=verdicts)

    def _deltas(self, trial: Trial) -> AsyncGenerator[Delta]:
        plan = trial.plan
        return self._services.client.stream(
            plan.route.target, plan.call, deadlines=plan.allowed.deadlines
        )

    async def _complete(self, trial: Trial) -> Reply:
        plan = trial.plan
        deadlines = plan.allowed.deadlines
        coming = self._services.client.complete(plan.route.target, plan.call, deadlines=deadlines)
        lease = self._services.lease
        # Most calls end before their lease does, and a task group costs as much as a commit.
        if (deadlines.total or 0.0) <= lease:
            return await coming
        answer: Reply | ProviderError | InvalidRequestError | None = None
        async with anyio.create_task_group() as group:
            group.start_soon(_keep, trial.holding, lease / 3)
            try:
                answer = await coming
            except (ProviderError, InvalidRequestError) as error:
                # Raised in here, it would leave the group as an exception group.
                answer = error
            group.cancel_scope.cancel()
        if not isinstance(answer, Reply):
            raise answer or RuntimeError("a call ended without an answer")
        return answer


async def _keep(holding: Holding, seconds: float) -> None:
    """Prolong a lease again and again while a call runs."""
    while True:
        await anyio.sleep(seconds)
        holding.prolong()
