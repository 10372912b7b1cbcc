"""A plausible history: two months of a small team at work, the same every time it is made.

Run `python -m tests.reporting.history FILE` to look at it with the commands.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from mcp_router.catalog.catalog import Catalog
from mcp_router.catalog.pricing import Buckets, cost_of
from mcp_router.config.settings import Settings
from mcp_router.money import to_nanos, to_usd
from mcp_router.routing.classify import classify
from mcp_router.routing.decide import decide
from mcp_router.routing.situation import Understood, situate
from mcp_router.routing.tokens import request_counts
from mcp_router.storage.budgets import BudgetRule
from mcp_router.storage.ledger import Purpose
from mcp_router.storage.periods import to_ms
from mcp_router.storage.sqlite import SqliteStore
from mcp_router.storage.store import Context, Fallback
from mcp_router.types import Decision, Outcome, Request, RoutingState, Usage

NOW = datetime(2026, 11, 21, 15, 30, tzinfo=UTC)
DAYS = 75
RULES = (
    BudgetRule("day", "day", to_nanos(6), warn_percent=75),
    BudgetRule("month", "month", to_nanos(60), warn_percent=80),
)

_PROMPTS = (
    "Fix the login bug: sessions expire after one minute",
    "Design the architecture of a multi-tenant billing service with audit logs",
    "Write unit tests for the date parser",
    "Summarise this incident report in five bullet points",
    "Translate the release notes into German",
    "Extract all invoice numbers and totals as JSON",
    "Refactor the payment module to remove the global state",
    "Prove that the sum of two odd numbers is even",
    "Classify these tickets as bug, question or wish",
    "Review this pull request for race conditions",
    "What is the capital of Mongolia?",
    "Write a Python function that merges overlapping intervals",
)
_WEEK = (1.25, 1.3, 1.2, 1.15, 1.0, 0.25, 0.15)
_FAILURES = ("timeout", "overloaded", "rate_limited", "malformed")
_COMPARED = ("architecture", "debugging", "refactoring", "testing", "summarization")
_PROJECTS = ("billing", "website", "mobile", "")


class Work(NamedTuple):
    """What the history is drawn from: real decisions, and a source of chance."""

    decisions: tuple[Decision, ...]
    catalog: Catalog
    chance: random.Random


def make(path: Path, *, days: int = DAYS, per_day: float = 40, now: datetime = NOW) -> SqliteStore:
    """Fill a new database with `days` days of work up to `now`; the caller closes it."""
    store = SqliteStore.open(path, rules=RULES)
    catalog = Catalog.load(on=now.date())
    work = Work(tuple(_decided(catalog)), catalog, random.Random(7))
    with store.database.transaction():
        for moment in _moments(work.chance, days=days, per_day=per_day, now=now):
            _task(store, work=work, at=moment)
    return store


def _decided(catalog: Catalog) -> Iterator[Decision]:
    strategies = ("balanced", "quality_first", "cost_first", "balanced")
    state = RoutingState(usable_providers=frozenset(("openai", "anthropic", "google", "cerebras")))
    for index, prompt in enumerate(_PROMPTS * 2):
        words = {"role": "user", "content": prompt}
        request = Request.model_validate({"messages": [words], "strategy": strategies[index % 4]})
        situation = situate(
            Understood(request, request_counts(request), classify(request)),
            settings=Settings(),
            catalog=catalog,
            state=state,
            now=NOW,
        )
        yield decide(situation, decision_id=f"dec_{index}")


def _moments(
    chance: random.Random, *, days: int, per_day: float, now: datetime
) -> Iterator[datetime]:
    midnight = now.replace(hour=0, minute=0)
    for age in range(days - 1, -1, -1):
        day = midnight - timedelta(days=age)
        growth = 1.4 - 0.8 * age / days
        mean = per_day * _WEEK[day.weekday()] * growth * chance.uniform(0.6, 1.4)
        hours = sorted(min(23.9, max(0, chance.gauss(13.5, 3.5))) for _ in range(round(mean)))
        for hour in hours:
            moment = day + timedelta(hours=hour)
            if moment <= now:
                yield moment


def _task(store: SqliteStore, *, work: Work, at: datetime) -> None:
    chance = work.chance
    decision = chance.choice(work.decisions)
    decision = decision.model_copy(
        update={"decision_id": f"dec_{chance.getrandbits(64):016x}", "created_at": at}
    )
    project = chance.choices(_PROJECTS, weights=(5, 3, 2, 1))[0]
    store.record_decision(decision, context=Context(project=project))
    if chance.random() < 0.08:
        return
    chain = (decision.model, *decision.fallbacks)
    # Now and then a person asks for another model, so that there is something to compare.
    lot = chance.random()
    if lot < 0.06 and decision.baseline and decision.task_type in _COMPARED:
        chain = (decision.baseline.model, *chain)
    elif lot > 0.6:
        chain = chain[1:]
    for place, model in enumerate(chain[:3]):
        outcome = _attempt(decision, model=model, work=work, at=at)
        store.record_outcome(outcome)
        _pay(store, outcome)
        if outcome.ok:
            _judge(store, outcome, work=work)
            return
        following = chain[place + 1] if place + 1 < len(chain[:3]) else ""
        store.record_fallback(_fallback(outcome, to=following, catalog=work.catalog))


def _attempt(decision: Decision, *, model: str, work: Work, at: datetime) -> Outcome:
    chance, info = work.chance, work.catalog.resolve(model)
    ok = chance.random() > {"small": 0.05, "standard": 0.04}.get(info.tier, 0.02)
    scale = math.exp(chance.gauss(0, 0.5))
    usage = Buckets(
        round(chance.uniform(2_000, 30_000) * scale),
        round(chance.uniform(0, 9_000)),
        0,
        round(400 * info.thinking_factor * scale),
        round(decision.estimated.output_tokens * scale) if ok else 0,
    )
    cost = cost_of(info, usage, now=at)
    speed = info.latency
    latency = speed.first_token_ms + 1000 * usage.output_tokens / speed.tokens_per_second
    return Outcome(
        decision_id=decision.decision_id,
        created_at=at,
        model=model,
        provider=info.provider,
        task_type=decision.task_type,
        complexity=decision.complexity,
        ok=ok,
        failure="" if ok else chance.choice(_FAILURES),
        latency_ms=round(latency * math.exp(chance.gauss(0, 0.35))),
        usage=Usage(**usage._asdict()),
        cost_usd=None if cost is None else to_usd(sum(cost)),
    )


def _judge(store: SqliteStore, outcome: Outcome, *, work: Work) -> None:
    chance = work.chance
    if chance.random() > 0.7:
        return
    good = chance.random() < min(0.98, work.catalog.resolve(outcome.model).quality.value + 0.12)
    verdict = {"source": "judge", "score": 1.0 if good else 0.0, "ok": good, "usage": None}
    verdict |= {"cost_usd": Decimal("0.0004"), "latency_ms": None}
    store.record_outcome(outcome.model_copy(update=verdict))


def _fallback(outcome: Outcome, *, to: str, catalog: Catalog) -> Fallback:
    return Fallback(
        decision_id=outcome.decision_id,
        created_at=outcome.created_at,
        task_type=outcome.task_type,
        from_model=outcome.model,
        from_provider=outcome.provider,
        to_model=to,
        to_provider=catalog.resolve(to).provider if to else "",
        failure=outcome.failure,
    )


def _pay(store: SqliteStore, outcome: Outcome) -> None:
    nanos = to_nanos(outcome.cost_usd or 0)
    at = to_ms(outcome.created_at)
    purpose = Purpose(outcome.decision_id, outcome.model)
    entry = store.ledger.reserve(nanos, rules=(), purpose=purpose, lease_s=60, now=at)
    store.ledger.settle(entry, nanos, now=at)


if __name__ == "__main__":
    make(Path(sys.argv[1])).close()
