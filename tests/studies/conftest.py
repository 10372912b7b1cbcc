"""A theatre for each test, and what must hold after every one of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mcp_router.testing import FaultServer
from tests.modes.conftest import assert_nothing_is_left
from tests.studies.laboratory import Laboratory


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Laboratory]:
    async with FaultServer() as server:
        lab = Laboratory(server, tmp_path)
        tasks = len(asyncio.all_tasks())
        yield lab
        # What runs beside the calls is waited for, or given up, and leaves nothing.
        await lab.router.end_calls()
        assert len(asyncio.all_tasks()) <= tasks, "a task runs on"
        assert_nothing_is_left(lab)
        await server.wait_until(lambda server: server.connections == 0)
        await lab.router.aclose()
