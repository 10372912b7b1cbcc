"""A server over a real router in a folder of its own, and clients of every protocol era."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from mcp import Client
from mcp.server import MCPServer

from mcp_router.config.settings import Settings
from mcp_router.router import Router
from mcp_router.server.app import build_server

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


@pytest.fixture(params=["auto", "legacy", "2026-07-28"])
def era(request: pytest.FixtureRequest) -> Era:
    return request.param


@pytest.fixture
def client(server: MCPServer[None], era: Era) -> Client:
    return Client(server, mode=era)
