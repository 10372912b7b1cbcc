"""A fault server for each test, on asyncio, which it is made for."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from mcp_router.testing.server import FaultServer


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def server() -> AsyncIterator[FaultServer]:
    async with FaultServer() as running:
        yield running
