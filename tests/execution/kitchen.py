"""A place to cook in: an executor over a fault server, a real client and a real database file."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from mcp_router.catalog.catalog import Catalog
from mcp_router.config.apply import configured_catalog
from mcp_router.config.settings import Settings
from mcp_router.execution.balance import Balance
from mcp_router.execution.executor import Executor
from mcp_router.execution.services import Services
from mcp_router.money import to_nanos
from mcp_router.providers.client import ProviderClient
from mcp_router.routing.classify import classify
from mcp_router.routing.decide import decide
from mcp_router.routing.situation import Understood, situate
from mcp_router.routing.tokens import request_counts
from mcp_router.storage.limiter import RateLimits
from mcp_router.storage.rules import budget_rules
from mcp_router.storage.sqlite import SqliteStore
from mcp_router.testing.answers import echo
from mcp_router.testing.behaviours import Behaviour, Repeat
from mcp_router.testing.neutral import WireName
from mcp_router.testing.server import FaultServer
from mcp_router.types import (
    Completion,
    Decision,
    Message,
    Request,
    RoutingState,
    StreamEvent,
    ToolSpec,
)

PROMPT = "Say something nice about the sea."
WEATHER = ToolSpec(
    name="weather",
    description="Tells the weather.",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}},
)
# Short enough for a test, long enough for a machine that is busy.
QUICK: dict[str, Any] = {
    "connect_ms": 2_000,
    "first_token_ms": 400,
    "idle_ms": 400,
    "timeout_ms": 4_000,
}


@cache
def built_in() -> Catalog:
    return Catalog.load(on=datetime.now(UTC).date())


class Kitchen:
    """Models are scripted with `serve`; then `execute` and `stream` run through all of them."""

    def __init__(self, server: FaultServer, *, client: ProviderClient, folder: Path) -> None:
        self.server = server
        self.client = client
        self.names: list[str] = []
        self.waits: list[float] = []
        self.fallback: dict[str, Any] = dict(QUICK)
        self.budget: dict[str, Any] = {}
        self.models: dict[str, dict[str, Any]] = {}
        self.providers: dict[str, dict[str, Any]] = {}
        self.limits: dict[str, RateLimits] = {}
        self.performance: Mapping[str, Any] = {}
        self.environ: dict[str, str] = {}
        self.store = SqliteStore.open(folder / "router.db")
        self._number = 0

    def serve(
        self,
        name: str,
        *behaviours: Behaviour | Repeat,
        wire: WireName = "openai",
        healthy_then: bool = False,
        **fields: Any,
    ) -> None:
        """Put a model on the menu, after those before it."""
        then = "healthy" if healthy_then or not behaviours else "repeat last"
        self.server.script(name, list(behaviours), then=then, wire=wire)
        self.names.append(name)
        self.models[name] = fields

    @cached_property
    def settings(self) -> Settings:
        """The settings of this test, fixed at first use."""
        given = self.server.settings()
        models = {
            name: {"latency": {"first_token_ms": 50, "tokens_per_second": 1000}, **fields}
            for name, fields in given["models"].items()
        }
        for name, fields in self.models.items():
            models[name] = {**models[name], **fields}
        providers = {
            name: {**fields, **self.providers.get(name, {})}
            for name, fields in given["providers"].items()
        }
        return Settings.model_validate(
            {
                "providers": providers,
                "models": models,
                "fallback": self.fallback,
                "budget": self.budget,
            }
        )

    @cached_property
    def executor(self) -> Executor:
        return self.build()

    def build(self, *, balance: Balance | None = None, **changes: Any) -> Executor:
        settings = self.settings
        self.store.rules = budget_rules(settings.budget)
        given: dict[str, Any] = {
            "client": self.client,
            "store": self.store,
            "observe": self.state,
            "environ": self.environ,
            "limits": self.limits,
            "sleep": self._sleep,
        }
        services = Services(**{**given, **changes})
        return Executor(services, settings=settings, catalog=self.catalog, balance=balance)

    @cached_property
    def catalog(self) -> Catalog:
        return configured_catalog(self.settings, base=built_in())

    def state(self) -> RoutingState:
        return RoutingState(
            usable_providers=frozenset(self.settings.providers), performance=self.performance
        )

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(seconds)

    def request(self, prompt: str | Sequence[Message] = PROMPT, **fields: Any) -> Request:
        messages = (
            (Message(role="user", content=prompt),) if isinstance(prompt, str) else tuple(prompt)
        )
        return Request.model_validate(
            {"messages": messages, "max_tokens": 500, "chain": tuple(self.names), **fields}
        )

    def decide(self, request: Request) -> Decision:
        self._number += 1
        situation = situate(
            Understood(request, request_counts(request), classify(request)),
            settings=self.settings,
            catalog=self.catalog,
            state=self.state(),
            now=datetime.now(UTC),
        )
        decision = decide(situation, decision_id=f"dec_{self._number}")
        self.store.record_decision(decision)
        return decision

    async def execute(self, request: Request | None = None, **fields: Any) -> Completion:
        request = request or self.request(**fields)
        return await self.executor.execute(request, decision=self.decide(request))

    async def stream(self, request: Request | None = None, **fields: Any) -> list[StreamEvent]:
        request = request or self.request(**fields)
        decision = self.decide(request)
        return [event async for event in self.executor.stream(request, decision=decision)]

    async def answer(self, *, stream: bool, **fields: Any) -> Completion:
        """Get the answer either way; a stream is put together and must agree with its end."""
        if not stream:
            return await self.execute(**fields)
        return whole(await self.stream(**fields))

    def calls_of(self, model: str) -> int:
        return sum(call.model == model for call in self.server.calls)

    def spent(self) -> int:
        """Nano-dollars the ledger has settled."""
        day = self.store.budget_status(now=datetime.now(UTC))
        return next(to_nanos(one.spent_usd) for one in day if one.name == "day")

    def reserved(self) -> int:
        day = self.store.budget_status(now=datetime.now(UTC))
        return next((to_nanos(one.reserved_usd) for one in day if one.name == "day"), 0)

    def rows(self, query: str) -> list[Any]:
        with self.store.database.reading() as connection:
            return connection.execute(query).fetchall()


def whole(events: Sequence[StreamEvent]) -> Completion:
    """Put a stream together as a caller would, and compare it with what its end says."""
    text: list[str] = []
    calls: list[object] = []
    for number, event in enumerate(events):
        match event.type:
            case "delta":
                assert event.text
                text.append(event.text)
            case "restart":
                text.clear()
                assert not calls, "a tool call was told and then taken back"
            case "tool_call":
                calls.append(event.tool_call)
            case "done":
                assert number == len(events) - 1
                assert "".join(text) == event.result.content
                assert calls == list(event.result.tool_calls)
                return event.result
            case _:
                pass
    raise AssertionError("a stream ended without its end")


def assert_whole(done: Completion, prompt: str = PROMPT) -> None:
    """The answer is the echo of this prompt, whole."""
    assert done.content == echo(prompt)
    assert done.finish_reason == "stop"
    assert done.attempts[-1].outcome == "ok"
