"""A store in a fresh folder, and makers of values with sensible defaults."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from mcp_router.storage.database import Database
from mcp_router.storage.reset import clear_records
from mcp_router.storage.sqlite import SqliteStore
from mcp_router.types import Decision, Outcome
from tests.storage.servers import ENGINES, fresh_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture(params=ENGINES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path | str]:
    """Name a fresh database of each engine: a file, and a schema of its own on the test server."""
    if request.param == "sqlite":
        yield tmp_path / "router.db"
        return
    with fresh_schema() as address:
        yield address


@pytest.fixture
def store(place: Path | str) -> Iterator[SqliteStore]:
    with SqliteStore.open(place) as opened:
        yield opened


@pytest.fixture
def database(place: Path | str) -> Iterator[Database]:
    with Database.open(place) as opened:
        yield opened


@pytest.fixture(scope="module", params=ENGINES)
def lasting(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """One database of each engine for all tests of a file, for property tests and many small ones.

    A schema of its own takes a while to make; `emptied` empties it.
    """
    with ExitStack() as stack:
        place: Path | str = tmp_path_factory.mktemp("lasting") / "router.db"
        if request.param == "postgres":
            place = stack.enter_context(fresh_schema())
        yield stack.enter_context(Database.open(place))


@pytest.fixture
def cleared(lasting: Database) -> Database:
    return emptied(lasting)


def emptied(database: Database) -> Database:
    """Delete every record, and what a reset keeps of the trials."""
    clear_records(database)
    database.write("DELETE FROM learning_trials", ())
    return database


@pytest.fixture
def make_decision() -> Callable[..., Decision]:
    return decision


@pytest.fixture
def make_outcome() -> Callable[..., Outcome]:
    return outcome


def decision(number: int = 1, **changes: Any) -> Decision:
    shared = {"task_type": "debugging", "complexity": "medium", "pattern": "single_shot"}
    counts = {"input_tokens": 900, "output_tokens": 300}
    parts = dict.fromkeys(("capability", "cost", "quality", "latency", "historical"), 0.5)
    values: dict[str, Any] = {
        "decision_id": f"decision-{number}",
        "created_at": NOON,
        "model": "sonnet",
        "provider": "anthropic",
        "strategy": "balanced",
        "confidence": 0.75,
        "reason": "Good enough, and the cheapest of those.",
        "reasons": ("It clears the floor.",),
        "estimated": {"cost_usd": "0.012", "latency_ms": 2_000, **counts},
        "fallbacks": ("haiku",),
        "candidates": [
            {
                "model": "sonnet",
                "provider": "anthropic",
                "score": 0.7,
                "parts": parts,
                "estimated_cost_usd": "0.012",
                "estimated_latency_ms": 2_000,
                "quality": 0.8,
                **counts,
            }
        ],
        "rejected": [{"model": "tiny", "filter": "context", "reason": "It takes 4096 tokens."}],
        "counterfactuals": ("At twice the price haiku would win.",),
        "classification": {**shared, **counts, "confidence": 0.8},
        "request": {"messages": ()},
        "prompt_hash": "abc123",
        **shared,
    }
    return Decision.model_validate(values | changes)


def outcome(number: int = 1, **changes: Any) -> Outcome:
    values: dict[str, Any] = {
        "decision_id": f"decision-{number}",
        "created_at": NOON,
        "model": "sonnet",
        "provider": "anthropic",
        "task_type": "debugging",
        "complexity": "medium",
        "ok": True,
        "latency_ms": 1_500,
        "first_token_ms": 400,
        "estimated_tokens": 1_000,
        "usage": {"input_tokens": 1_000, "cache_read_tokens": 200, "output_tokens": 50},
        "cost_usd": "0.003",
    }
    return Outcome.model_validate(values | changes)
