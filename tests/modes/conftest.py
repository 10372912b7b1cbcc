"""A theatre for each test, and what must hold after every one of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mcp_router.testing import FaultServer
from tests.modes.theatre import Theatre


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def theatre(tmp_path: Path) -> AsyncIterator[Theatre]:
    async with FaultServer() as server:
        theatre = Theatre(server, tmp_path)
        tasks = len(asyncio.all_tasks())
        yield theatre
        assert len(asyncio.all_tasks()) <= tasks, "a task runs on"
        assert_nothing_is_left(theatre)
        await theatre.router.aclose()


def assert_nothing_is_left(theatre: Theatre) -> None:
    """No money is held, no probe is out, and ledger and records agree to the nano-dollar."""
    assert theatre.rows("SELECT entry_id FROM ledger_entries WHERE state <> 'settled'") == []
    assert theatre.rows("SELECT name FROM budget_tracking WHERE reserved_nanos <> 0") == []
    assert theatre.rows("SELECT model FROM breakers WHERE probe_until <> 0") == []
    assert theatre.rows("SELECT * FROM v_overspends") == []
    (settled,) = theatre.rows("SELECT coalesce(sum(spent_nanos), 0) FROM ledger_entries")[0]
    (recorded,) = theatre.rows("SELECT coalesce(sum(cost_nanos), 0) FROM routing_outcomes")[0]
    assert settled == recorded
