"""The store that the settings ask for, opened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from mcp_router.config.folders import data_folder
from mcp_router.storage.rules import budget_rules
from mcp_router.storage.sqlite import SqliteStore

if TYPE_CHECKING:
    from mcp_router.config.settings import Settings

DATABASE_NAME = "router.db"


def database_path(settings: Settings) -> Path:
    """Return the database file: the one the settings name, else one in the user's data folder."""
    return Path(settings.db) if settings.db else data_folder() / DATABASE_NAME


def open_store(settings: Settings) -> SqliteStore:
    """Open the store, creating it as needed.

    Raises:
        StorageError: the database cannot be used.
    """
    return SqliteStore.open(
        database_path(settings),
        timezone=ZoneInfo(settings.budget.timezone),
        rules=budget_rules(settings.budget),
        keep_days=settings.history.keep_days,
    )
