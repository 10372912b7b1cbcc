"""The metrics: the names of the GenAI conventions where they have one, else our own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.metrics import CallbackOptions, Observation

from mcp_router.telemetry.names import provider_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from opentelemetry.metrics import Meter

    from mcp_router.types import Attempt, BudgetStatus, Decision

# Bucket boundaries as the conventions advise: docs/gen-ai/gen-ai-metrics.md of OpenTelemetry.
SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)
FIRST = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)


class Metrics:
    """Counts requests and attempts, their time, tokens and money."""

    def __init__(self, meter: Meter) -> None:
        histogram, counter = meter.create_histogram, meter.create_counter
        self._took = histogram(
            "gen_ai.client.operation.duration",
            unit="s",
            description="How long one call of a model took.",
            explicit_bucket_boundaries_advisory=SECONDS,
        )
        self._first = histogram(
            "gen_ai.client.operation.time_to_first_chunk",
            unit="s",
            description="How long a call waited for the first piece of its answer.",
            explicit_bucket_boundaries_advisory=FIRST,
        )
        self._tokens = histogram(
            "gen_ai.client.token.usage",
            unit="{token}",
            description="Tokens of one call, input and output.",
            explicit_bucket_boundaries_advisory=TOKENS,
        )
        self._requests = histogram(
            "mcp_router.request.duration",
            unit="s",
            description="How long a request took, all its attempts together.",
            explicit_bucket_boundaries_advisory=SECONDS,
        )
        self._attempts = counter(
            "mcp_router.attempts", unit="{attempt}", description="Calls of models by what became."
        )
        self._cost = counter(
            "mcp_router.cost", unit="{USD}", description="US dollars that calls cost."
        )

    def attempt(self, attempt: Attempt, *, decision: Decision) -> None:
        """Count an attempt that ended."""
        labels = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": provider_name(attempt.provider),
            "gen_ai.request.model": attempt.model,
        }
        failed = {} if attempt.outcome == "ok" else {"error.type": attempt.outcome}
        self._attempts.add(1, {**labels, "mcp_router.outcome": attempt.outcome})
        self._took.record(attempt.latency_ms / 1000, {**labels, **failed})
        if attempt.first_token_ms is not None:
            self._first.record(attempt.first_token_ms / 1000, labels)
        if attempt.cost_usd:
            task = {"mcp_router.task_type": decision.task_type}
            self._cost.add(float(attempt.cost_usd), {**labels, **task})
        usage = attempt.usage
        if usage is not None:
            read = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
            written = usage.reasoning_tokens + usage.output_tokens
            self._tokens.record(read, {**labels, "gen_ai.token.type": "input"})
            self._tokens.record(written, {**labels, "gen_ai.token.type": "output"})

    def request(self, *, seconds: float, outcome: str, mode: str) -> None:
        """Count a request that ended; `outcome` is ok, cancelled or the name of an error."""
        labels = {"mcp_router.outcome": outcome, "mcp_router.mode": mode}
        self._requests.record(seconds, labels)


def watch_budgets(meter: Meter, *, read: Callable[[], Sequence[BudgetStatus]]) -> None:
    """Show every budget whenever the metrics are read."""

    def limits(_options: CallbackOptions) -> Iterable[Observation]:
        return _observed(read(), lambda one: one.limit_usd)

    def spent(_options: CallbackOptions) -> Iterable[Observation]:
        return _observed(read(), lambda one: one.spent_usd)

    def reserved(_options: CallbackOptions) -> Iterable[Observation]:
        return _observed(read(), lambda one: one.reserved_usd)

    for name, callback in (("limit", limits), ("spent", spent), ("reserved", reserved)):
        meter.create_observable_gauge(
            f"mcp_router.budget.{name}",
            callbacks=[callback],
            unit="{USD}",
            description=f"The {name} US dollars of a budget in its running period.",
        )


def _observed(
    budgets: Sequence[BudgetStatus], pick: Callable[[BudgetStatus], object]
) -> Iterator[Observation]:
    for one in budgets:
        value = pick(one)
        if value is not None:
            labels = {"mcp_router.budget": one.name, "mcp_router.period": one.period}
            yield Observation(float(str(value)), labels)
