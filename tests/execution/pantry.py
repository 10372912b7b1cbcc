"""Kitchens by the dozen, for properties that need a new one for every example."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

from mcp_router.providers.client import ProviderClient
from mcp_router.storage.sqlite import SqliteStore
from mcp_router.testing.server import FaultServer
from tests.execution.conftest import assert_books_hold
from tests.execution.kitchen import Kitchen


@cache
def _template() -> bytes:
    """Set a database up once, which takes longer than most of what is tested in it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "router.db"
        SqliteStore.open(path).close()
        return path.read_bytes()


@asynccontextmanager
async def new_kitchen() -> AsyncIterator[Kitchen]:
    """Open a kitchen over a new database; in the end its books must hold."""
    folder = Path(tempfile.mkdtemp())
    (folder / "router.db").write_bytes(_template())
    try:
        async with FaultServer() as server, ProviderClient() as client:
            kitchen = Kitchen(server, client=client, folder=folder)
            yield kitchen
            assert_books_hold(kitchen)
            kitchen.store.close()
    finally:
        shutil.rmtree(folder)
