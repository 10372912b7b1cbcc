"""A server over a real router in a folder of its own, and clients of every protocol era."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from mcp import Client
from mcp.server import MCPServer

from mcp_router.config.settings import Settings
from mcp_router.router import Router
from mcp_router.server.app import build_server
from mcp_router.testing.server import FaultServer
from tests.server.upstream import Upstream

Era = Literal["auto", "legacy", "2026-07-28"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def open_router(tmp_path: Path) -> Callable[[], Router]:
    settings = Settings(db=str(tmp_path / "router.db"))
    return lambda: Router.open(settings, environ={"ANTHROPIC_API_KEY": "sk-test-key"})


@pytest.fixture
def server(open_router: Callable[[], Router]) -> MCPServer[None]:
    return build_server(open_router)


# In memory "auto" is the later era; over stdio it is tried by itself.
@pytest.fixture(params=["legacy", "2026-07-28"])
def era(request: pytest.FixtureRequest) -> Era:
    return request.param


@pytest.fixture
def client(server: MCPServer[None], era: Era) -> Client:
    return Client(server, mode=era)


@pytest.fixture
async def upstream(tmp_path: Path) -> AsyncIterator[Upstream]:
    async with FaultServer() as faults:
        yield Upstream(faults, folder=tmp_path)


@pytest.fixture
def distant(tmp_path: Path) -> Iterator[Upstream]:
    """The same on a thread of its own, for tests that block while a server process works."""
    with FaultServer.run_in_thread() as faults:
        yield Upstream(faults, folder=tmp_path)
