"""A fault server and a kitchen for each test, and what must hold after every one of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mcp_router.providers.client import ProviderClient
from mcp_router.testing.server import FaultServer
from tests.execution.kitchen import Kitchen


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def kitchen(tmp_path: Path) -> AsyncIterator[Kitchen]:
    async with FaultServer() as server, ProviderClient() as client:
        kitchen = Kitchen(server, client=client, folder=tmp_path)
        yield kitchen
        assert_books_hold(kitchen)
        kitchen.store.close()


def assert_books_hold(kitchen: Kitchen) -> None:
    """Nothing is held any more, no probe is out, and records and ledger agree."""
    assert kitchen.rows("SELECT entry_id FROM ledger_entries WHERE state <> 'settled'") == []
    assert kitchen.rows("SELECT name FROM budget_tracking WHERE reserved_nanos <> 0") == []
    assert kitchen.rows("SELECT model FROM breakers WHERE probe_until <> 0") == []
    assert kitchen.rows("SELECT * FROM v_overspends") == []
    (settled,) = kitchen.rows("SELECT coalesce(sum(spent_nanos), 0) FROM ledger_entries")[0]
    (recorded,) = kitchen.rows("SELECT coalesce(sum(cost_nanos), 0) FROM routing_outcomes")[0]
    assert settled == recorded
    for spent in kitchen.rows("SELECT spent_nanos FROM budget_tracking WHERE name = 'day'"):
        assert spent[0] == settled
