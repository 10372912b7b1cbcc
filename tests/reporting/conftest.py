"""A database with two months of plausible work, made once, and one that a test fills itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_router.catalog.catalog import Catalog
from mcp_router.storage.sqlite import SqliteStore
from tests.reporting.history import NOW, RULES, make


@pytest.fixture(scope="session")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteStore]:
    """Sixty days of about a dozen tasks; tests only read it."""
    path = tmp_path_factory.mktemp("history") / "router.db"
    with make(path, days=60, per_day=12) as store:
        yield store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with SqliteStore.open(tmp_path / "router.db", rules=RULES) as opened:
        yield opened


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return Catalog.load(on=NOW.date())
