"""A router over a fault server: models are put on with `serve`, and share a task with `play`."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from mcp_router import Completion, ModeOptions, Router
from mcp_router.config.load import load_settings
from mcp_router.money import to_nanos
from mcp_router.testing import FaultServer
from mcp_router.testing.behaviours import Behaviour, Repeat
from mcp_router.testing.neutral import WireName

PROMPT = "Say something nice about the sea."
QUICK = {"connect_ms": 2_000, "first_token_ms": 500, "idle_ms": 500, "timeout_ms": 6_000}
GOOD = "The sea is calm today, and the light on it is a joy to see from every window of the house."
FINE = "Waves come in one after another, and each brings a little salt and a little peace with it."
POOR = "I'm sorry, but I cannot help with that request."


class Theatre:
    """What is set before the first `play` holds; one database for the whole test."""

    def __init__(self, server: FaultServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.names: list[str] = []
        self.models: dict[str, dict[str, Any]] = {}
        self.fallback: dict[str, Any] = dict(QUICK)
        self.more: dict[str, Any] = {}
        self.environ: dict[str, str] = {}
        self.scorers: dict[str, Any] = {}
        self.alerts: list[str] = []
        self.announced: list[tuple[int, str]] = []

    def serve(
        self, name: str, *behaviours: Behaviour | Repeat, wire: WireName = "openai", **fields: Any
    ) -> None:
        """Put a model on the bill, behind those before it."""
        then = "repeat last" if behaviours else "healthy"
        self.server.script(name, list(behaviours), then=then, wire=wire)
        self.names.append(name)
        self.models[name] = fields

    @cached_property
    def router(self) -> Router:
        """The router of this test."""
        given = self.server.settings()
        speed = {"latency": {"first_token_ms": 50, "tokens_per_second": 1000}}
        models = {
            name: {**fields, **speed, **self.models.get(name, {})}
            for name, fields in given["models"].items()
        }
        loaded = load_settings(
            environ={},
            cwd=self.folder,
            overrides={
                "db": str(self.folder / "router.db"),
                "providers": given["providers"],
                "models": models,
                "fallback": self.fallback,
                **self.more,
            },
        )
        return Router.open(
            loaded.settings,
            environ=self.environ,
            on_alert=self.alerts.append,
            scorers=self.scorers,
        )

    async def play(self, mode: str, task: Any = PROMPT, **asked: Any) -> Completion:
        """Have the models on the bill do a task; options of the mode may stand among the rest."""
        given = {name: asked.pop(name) for name in tuple(asked) if name in ModeOptions.model_fields}
        if "models" in asked:
            asked["chain"] = asked.pop("models")
        asked.setdefault("chain", self.names)
        asked.setdefault("max_tokens", 400)
        return await self.router.execute(
            task,
            mode=mode,
            options=ModeOptions(**given),
            on_attempt=lambda event: self.announced.append((event.number, event.model)),
            **asked,
        )

    def calls_of(self, model: str) -> int:
        """How many requests a model got."""
        return sum(call.model == model for call in self.server.calls)

    def rows(self, query: str) -> list[Any]:
        """Read the database."""
        with self.router.store.database.reading() as connection:
            return connection.execute(query).fetchall()

    def spent(self) -> int:
        """Nano-dollars the ledger has settled today."""
        day = self.router.store.budget_status(now=datetime.now(UTC))
        return next(to_nanos(one.spent_usd) for one in day if one.name == "day")

    def evidence(self) -> list[tuple[str, str, int, float]]:
        """What was judged: source, model, whether good, score; in order."""
        return self.rows(
            "SELECT source, model, ok, score FROM routing_outcomes "
            "WHERE source <> 'execution' ORDER BY seq"
        )


def costs(done: Completion) -> int:
    """Add up what the attempts of a result cost; nano-dollars."""
    return sum(to_nanos(one.cost_usd) for one in done.attempts if one.cost_usd)
