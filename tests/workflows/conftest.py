"""A fault server, and routers over it that share one database file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mcp_router import Completion, Router, Usage
from mcp_router.config.settings import Settings
from mcp_router.storage.run_leases import Lease, RunLeases
from mcp_router.storage.workflows import WorkflowRuns
from mcp_router.testing import Answer, FaultServer
from mcp_router.types import Attempt
from mcp_router.workflows.hold import Hold


@pytest.fixture
def anyio_backend() -> str:
    """The fault server runs on asyncio."""
    return "asyncio"


class Bench:
    """A fault server and the means to open routers over it; prices are 1 and 2 USD a million."""

    def __init__(self, server: FaultServer, folder: Path) -> None:
        self.server = server
        self.folder = folder

    def open(self, **overrides: object) -> Router:
        fields: dict[str, Any] = {**self.server.settings(), "db": str(self.folder / "r.db")}
        return Router.open(Settings.model_validate({**fields, **overrides}), environ={})

    def tasks(self) -> list[str]:
        """The last message of every call that arrived."""
        return [call.body["messages"][-1]["content"] for call in self.server.calls]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with FaultServer() as server:
        for name in ("first", "second"):
            server.script(name, [Answer()], then="repeat last")
        bench = Bench(server, tmp_path)
        yield bench
        async with bench.open() as router:
            with router.store.database.reading() as found:
                held = found.execute("SELECT 1 FROM ledger_entries WHERE state <> 'settled'")
                assert held.fetchall() == []
                assert found.execute("SELECT * FROM v_overspends").fetchall() == []


def held(runs: WorkflowRuns, run_id: str) -> Hold:
    """The hold of this process on a run that nobody else has."""
    lease = RunLeases(runs.database).take(run_id)
    assert isinstance(lease, Lease)
    return Hold(runs.database, lease)


def completion(text: str = "fine", *, cost: str | None = "0.001") -> Completion:
    """An answer as a router would give it."""
    price = None if cost is None else Decimal(cost)
    tried = Attempt(model="m", provider="p", outcome="ok", cost_usd=price)
    return Completion(
        decision_id="d",
        model="m",
        provider="p",
        content=text,
        finish_reason="stop",
        usage=Usage(),
        cost_usd=price,
        latency_ms=3,
        attempts=(tried,),
    )
