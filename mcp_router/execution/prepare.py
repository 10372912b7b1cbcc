"""What a request means for each route: whether it fits, what is sent, and what it may take."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.execution import deadlines
from mcp_router.execution.costs import Ceiling, ceiling
from mcp_router.execution.deadlines import Expected
from mcp_router.execution.trial import Plan
from mcp_router.execution.trim import Trimmed, shortened
from mcp_router.money import to_nanos, to_usd
from mcp_router.providers.wire import Call, call_of
from mcp_router.routing.filters import rejection_after_estimate, rejection_before_estimate
from mcp_router.routing.profile import demand_of, profile
from mcp_router.routing.situation import Situation, Understood, situate
from mcp_router.routing.tokens import RequestCounts, TextCounts, input_tokens, request_counts
from mcp_router.types import Rejection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_router.catalog.catalog import Catalog
    from mcp_router.config.settings import Settings
    from mcp_router.execution.routes import Route
    from mcp_router.execution.services import Services
    from mcp_router.routing.profile import Profile
    from mcp_router.types import Decision, ModelInfo, Performance, Request

_TOO_LONG = "the last turn alone is too long for it"


class Need(NamedTuple):
    """What a model is expected to need; `raw` are the input tokens before past use corrects them.

    `most` is the worst case, and `trimmed` the conversation where it had to be shortened.
    """

    raw: int
    inputs: int
    outputs: int
    seconds: float
    most: Ceiling
    trimmed: Trimmed | None = None


class Preparation:
    """Fits one request to any number of routes; the work for a fallback is done when it comes."""

    def __init__(
        self,
        services: Services,
        *,
        settings: Settings,
        catalog: Catalog,
        request: Request,
        decision: Decision,
        logprobs: bool = False,
    ) -> None:
        self.settings = settings
        self.request = request
        self.decision = decision
        self._services = services
        self._catalog = catalog
        self._logprobs = logprobs
        self._counts = _counts(request, decision)
        self._needs: dict[str, Need] = {}
        self._overflow = 0

    def rejection(self, route: Route, *, spent: int) -> Rejection | None:
        """Apply the filters again, but for the model that was chosen on the same facts.

        `spent` nano-dollars went into earlier attempts and count towards `max_cost_usd`.
        """
        model = route.model
        if model.name == self.decision.model and not (spent or self._overflow):
            return None
        situation = self._remaining(spent)
        rejection = rejection_before_estimate(model, situation)
        if rejection is not None:
            return rejection
        estimate = profile(model, demand_of(situation))
        rejection = rejection_after_estimate(estimate, situation)
        too_long = rejection is not None and rejection.filter == "context"
        overflowed = model.context <= self._overflow
        if not ((too_long and self.settings.fallback.trim_history) or overflowed):
            return rejection
        shorter = shortened(situation, estimate, overflowed=overflowed)
        if shorter is None:
            return rejection or Rejection(model=model.name, filter="context", reason=_TOO_LONG)
        situation = shorter.situation
        estimate = profile(model, demand_of(situation))
        raw = input_tokens(situation.counts, model.family)
        self._needs[model.name] = self._need(estimate, raw=raw)._replace(trimmed=shorter.trimmed)
        return rejection_after_estimate(estimate, situation)

    def need(self, route: Route) -> Need:
        """Estimate what a route needs."""
        model = route.model
        found = self._needs.get(model.name)
        if found is None:
            found = self._needs[model.name] = self._estimated(model)
        return found

    def plan(
        self, route: Route, need: Need, *, most: Ceiling, left: float, others: bool, stream: bool
    ) -> Plan:
        """Lay out an attempt within the `left` seconds, of which `others` may need a share."""
        expected = Expected(need.outputs, need.seconds)
        allowed = deadlines.allowance(
            route.model,
            settings=self.settings.fallback,
            expected=expected,
            seen=self._seen(route.model),
            left=left,
            others=others,
        )
        if others and not stream:
            allowed = deadlines.plain(allowed, expected=expected)
        return Plan(route, self._sent(need, most=most), allowed, need.raw)

    def most(self, route: Route) -> Ceiling:
        """Bound what a route could use if money were no matter."""
        return self.need(route).most

    @property
    def max_cost(self) -> int | None:
        """The nano-dollars that settings, task and request allow this request, if they say."""
        task = self.settings.tasks.get(self.decision.task_type)
        own = task.constraints if task is not None else None
        for said in (self.request.constraints, own, self.settings.constraints):
            if said is not None and said.max_cost_usd is not None:
                return to_nanos(said.max_cost_usd)
        return None

    def warnings(self, route: Route, need: Need) -> Iterator[str]:
        """Say what was changed to make the request fit."""
        name = route.model.name
        if need.trimmed is not None:
            yield f"the {need.trimmed.dropped} oldest messages were left out to fit {name}"

    def overflowed(self, route: Route) -> None:
        """Note that a provider found the request too long for a window of this size."""
        self._overflow = max(self._overflow, route.model.context)

    @cached_property
    def _situation(self) -> Situation:
        decision, state = self.decision, self._services.observe()
        # Breakers and budgets are asked when an attempt begins, and exactly.
        state = state.model_copy(
            update={"blocked": {}, "budget_left_usd": None, "require_credentials": True}
        )
        return situate(
            Understood(self.request, self._counts, decision.classification),
            settings=self.settings,
            catalog=self._catalog,
            state=state,
            now=self._services.clock(),
        )

    def _remaining(self, spent: int) -> Situation:
        situation = self._situation
        limit = situation.constraints.max_cost_usd
        if not spent or limit is None:
            return situation
        left = to_usd(max(0, to_nanos(limit) - spent))
        constraints = situation.constraints.model_copy(update={"max_cost_usd": left})
        return situation._replace(constraints=constraints)

    def _estimated(self, model: ModelInfo) -> Need:
        raw = input_tokens(self._counts, model.family)
        for one in self.decision.candidates:
            if one.model == model.name:
                # What the decision estimated holds for the request as it was asked.
                seconds, most = one.estimated_latency_ms / 1000, self._most(model, one.input_tokens)
                return Need(raw, one.input_tokens, one.output_tokens, seconds, most)
        return self._need(profile(model, demand_of(self._situation)), raw=raw)

    def _need(self, estimate: Profile, *, raw: int) -> Need:
        inputs, outputs = estimate.input_tokens, estimate.output_tokens + estimate.thinking_tokens
        most = self._most(estimate.model, inputs)
        return Need(raw, inputs, outputs, estimate.latency_ms / 1000, most)

    def _most(self, model: ModelInfo, inputs: int) -> Ceiling:
        request = self.request
        return ceiling(
            model, inputs=inputs, max_tokens=request.max_tokens, tools=bool(request.tools)
        )

    def _sent(self, need: Need, *, most: Ceiling) -> Call:
        call = call_of(self.request)
        if need.trimmed is not None:
            call = replace(call, messages=need.trimmed.messages)
        if most.outputs < need.most.outputs:
            call = replace(call, max_tokens=most.outputs)
        return replace(call, logprobs=True) if self._logprobs else call

    def _seen(self, model: ModelInfo) -> Performance | None:
        known = self._services.observe().performance.get(model.name)
        if known is None:
            return None
        return known.get(self.decision.task_type) or known.get("")


def _counts(request: Request, decision: Decision) -> RequestCounts:
    """Take the counts a decision keeps; only one made by hand has none."""
    if not decision.counts:
        return request_counts(request)
    *text, messages, media, context = decision.counts
    return RequestCounts(TextCounts(*text), messages, media, context)
