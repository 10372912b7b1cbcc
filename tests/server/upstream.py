"""Providers that answer or fail as a test says, and a server whose settings know only them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from mcp_router.config.settings import Settings
from mcp_router.router import Router
from mcp_router.server.app import build_server
from mcp_router.server.stdio import StdioServer
from mcp_router.testing.behaviours import Behaviour
from mcp_router.testing.neutral import WireName
from mcp_router.testing.server import FaultServer

TOOL = "execute_with_fallback"
PROMPT = "Say something nice about the sea."
DELIBERATE: dict[str, Any] = {"first_token_ms": 60_000, "timeout_ms": 60_000, "max_retries": 0}


class Upstream:
    """Models are scripted with `serve`; the settings then name them, and no others have a key."""

    def __init__(self, faults: FaultServer, *, folder: Path) -> None:
        self.faults = faults
        self.folder = folder
        self.fallback: dict[str, Any] = {}
        self.budget: dict[str, Any] = {}
        self.more: dict[str, Any] = {}

    def serve(self, model: str, *behaviours: Behaviour, wire: WireName = "openai") -> None:
        """Script a model; without behaviours it is healthy."""
        then = "repeat last" if behaviours else "healthy"
        self.faults.script(model, list(behaviours), then=then, wire=wire)

    def settings(self) -> dict[str, Any]:
        """Write what the scripted models need, as a settings file holds it."""
        given = self.faults.settings(latency={"first_token_ms": 50, "tokens_per_second": 1000})
        return {
            **given,
            "db": str(self.folder / "router.db"),
            "fallback": self.fallback,
            "budget": self.budget,
            **self.more,
        }

    def router(self) -> Router:
        return Router.open(Settings.model_validate(self.settings()), environ={})

    def server(self) -> StdioServer:
        return build_server(self.router)

    def file(self) -> str:
        """Write the settings into a file, for a server process, and return its path."""
        path = self.folder / "settings.json"
        path.write_text(json.dumps(self.settings()), encoding="utf-8")
        return str(path)

    def calls_of(self, model: str) -> int:
        return sum(call.model == model for call in self.faults.calls)

    def rows(self, query: str) -> list[Any]:
        with closing(sqlite3.connect(self.folder / "router.db")) as database:
            return database.execute(query).fetchall()

    def held(self) -> list[Any]:
        """List what is still held: money that is reserved, leases, and probes that are out."""
        return [
            *self.rows("SELECT name FROM budget_tracking WHERE reserved_nanos <> 0"),
            *self.rows("SELECT entry_id FROM ledger_entries WHERE state <> 'settled'"),
            *self.rows("SELECT model FROM breakers WHERE probe_until <> 0"),
        ]
