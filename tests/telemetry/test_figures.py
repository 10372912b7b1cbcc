"""What is counted adds up to what happened, and no name can break the page it stands on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from mcp_router.config.telemetry import TelemetrySettings
from mcp_router.errors import StorageError
from mcp_router.routing.decide import decide
from mcp_router.telemetry.observer import Observer
from mcp_router.telemetry.open import open_telemetry
from mcp_router.telemetry.spans import answered, asked, tried
from mcp_router.types import Attempt, BudgetStatus, Completion, Decision, Mode, Request, Usage
from tests.builders import ask, catalog, model, situation

NAMES = st.sampled_from(
    ["m", 'a"b', "a\\b", "a\nb", "ü 世 🙂", "{}", "", "a}b", "le", "x" * 300, '\\"\n\\n']
)
COUNTS = st.integers(0, 10**6)
USAGES = st.builds(
    Usage,
    input_tokens=COUNTS,
    cache_read_tokens=COUNTS,
    cache_write_tokens=COUNTS,
    reasoning_tokens=COUNTS,
    output_tokens=COUNTS,
)
ATTEMPTS = st.builds(
    Attempt,
    model=NAMES,
    provider=st.sampled_from(["google", "mistral", "p\n", 'q"']),
    outcome=st.sampled_from(["ok", "timeout", "cut"]),
    reason=st.just("the secret reason"),
    latency_ms=st.integers(0, 10**7),
    first_token_ms=st.none() | st.integers(0, 10**5),
    usage=st.none() | USAGES,
    cost_usd=st.none() | st.integers(0, 10**10).map(lambda nanos: Decimal(nanos) / 10**9),
)
Budgets = Sequence[BudgetStatus]


@contextmanager
def observing(budgets: Any = lambda: ()) -> Iterator[Observer]:
    observer = open_telemetry(TelemetrySettings(enabled=True), environ={}, budgets=budgets)
    try:
        yield observer
    finally:
        observer.close()


def decision() -> Decision:
    return decide(situation(catalog(model("m"))), decision_id="d")


def samples(observer: Observer, name: str) -> list[Sample]:
    """Read the page as Prometheus does."""
    page = observer.exposition().decode()
    families = text_string_to_metric_families(page)
    return [one for family in families for one in family.samples if one.name == name]


@settings(max_examples=15, deadline=None)
@given(attempts=st.lists(ATTEMPTS, max_size=8))
def test_the_page_adds_up_to_the_attempts_whatever_they_are_called(
    attempts: list[Attempt],
) -> None:
    made, told = decision(), ask("hello")
    tries: dict[tuple[str, str], int] = defaultdict(int)
    cost: dict[str, float] = defaultdict(float)
    tokens: dict[tuple[str, str], int] = defaultdict(int)
    with observing() as observer:
        for one in attempts:
            observer.attempt(one, told, made)
            tries[one.model, one.outcome] += 1
            cost[one.model] += float(one.cost_usd or 0)
            used = one.usage or Usage()
            tokens[one.model, "output"] += used.output_tokens + used.reasoning_tokens
            tokens[one.model, "input"] += (
                used.input_tokens + used.cache_read_tokens + used.cache_write_tokens
            )
        page = observer.exposition()
        counted = summed(samples(observer, "mcp_router_attempts_total"), "mcp_router_outcome")
        spent = samples(observer, "mcp_router_cost_total")
        read = summed(samples(observer, "gen_ai_client_token_usage_sum"), "gen_ai_token_type")
    assert counted == {key: number for key, number in tries.items() if number}
    assert {key: number for key, number in read.items() if number} == {
        key: number for key, number in tokens.items() if number
    }
    paid = summed(spent, "mcp_router_task_type")
    assert sum(paid.values()) == pytest.approx(sum(cost.values()))
    assert b"secret" not in page


def summed(found: list[Sample], label: str) -> dict[tuple[str, str], float]:
    """Add up by model and another label; the same model may be at several providers."""
    sums: dict[tuple[str, str], float] = defaultdict(float)
    for one in found:
        sums[one.labels.get("gen_ai_request_model", ""), one.labels[label]] += one.value
    return dict(sums)


@given(attempt=ATTEMPTS, limit=st.none() | st.integers(1, 9))
def test_attributes_of_a_call_are_plain_values_and_hold_no_words(
    attempt: Attempt, limit: int | None
) -> None:
    told = tried(attempt, request=ask("the secret prompt", max_tokens=limit))
    assert all(isinstance(one, str | int | float) for one in told.values())
    assert "secret" not in str(told)
    assert ("error.type" in told) == (attempt.outcome != "ok")
    assert ("gen_ai.request.max_tokens" in told) == (limit is not None)
    if attempt.usage is not None:
        both = ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens")
        assert sum(int(told[one]) for one in both) == sum(attempt.usage.model_dump().values())


@given(mode=st.sampled_from(Mode), chain=st.sampled_from([None, "fast", ("a", "b")]))
def test_attributes_of_a_request_hold_its_shape_and_not_its_texts(mode: Mode, chain: Any) -> None:
    request: Request = ask("the secret prompt", **({} if chain is None else {"chain": chain}))
    told = asked(request, mode=mode)
    assert told["mcp_router.mode"] == mode
    assert told.get("mcp_router.chain") == (list(chain) if isinstance(chain, tuple) else chain)
    done = Completion(
        decision_id="d",
        model="m",
        provider="p",
        content="the secret answer",
        finish_reason="stop",
        usage=Usage(),
        cost_usd=None,
        latency_ms=1,
        attempts=(),
    )
    assert "secret" not in str(told) + str(answered(done))
    assert "mcp_router.cost_usd" not in answered(done)


def test_budgets_that_cannot_be_read_leave_the_rest_of_the_page(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def lost() -> Budgets:
        raise StorageError(path="router.db", problem="is away")

    with observing(lost) as observer:
        observer.attempt(
            Attempt(model="m", provider="p", outcome="ok", latency_ms=5), ask("x"), decision()
        )
        assert samples(observer, "mcp_router_attempts_total")
        assert not samples(observer, "mcp_router_budget_spent")


def test_a_budget_without_a_limit_shows_what_was_spent_alone() -> None:
    day = BudgetStatus(
        name='team="a"\n',
        period="day",
        limit_usd=None,
        spent_usd=Decimal("0.000000001"),
        reserved_usd=Decimal(0),
        left_usd=None,
    )
    with observing(lambda: (day,)) as observer:
        (spent,) = samples(observer, "mcp_router_budget_spent")
        assert not samples(observer, "mcp_router_budget_limit")
    assert spent.labels["mcp_router_budget"] == 'team="a"\n'
    assert spent.value == pytest.approx(1e-9)


async def test_who_hears_nothing_passes_everything_on(anyio_backend_name: str) -> None:
    nobody = open_telemetry(TelemetrySettings(), environ={}, budgets=lambda: ())

    async def events() -> Any:
        yield "one"
        yield "two"

    nobody.attempt(Attempt(model="m", provider="p", outcome="ok"), ask("x"), decision())
    with nobody.request(ask("x"), mode=Mode.SINGLE) as observed:
        observed.decided(decision())
        assert [one async for one in observed.over(events())] == ["one", "two"]
    assert nobody.exposition() == b""
    nobody.close()
