"""The store that the settings ask for, opened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from mcp_router.config.checks import is_database_address
from mcp_router.config.folders import data_folder
from mcp_router.storage.rules import budget_rules, shadow_rules
from mcp_router.storage.sqlite import SqliteStore

if TYPE_CHECKING:
    from mcp_router.config.settings import Settings
    from mcp_router.storage.database import Database

DATABASE_NAME = "router.db"
OUTBOX_NAME = "outbox.db"
"""What a machine keeps until it is in a shared database."""


def database_place(settings: Settings) -> Path | str:
    """Return the database file: the one the settings name, else one in the user's data folder.

    A str is the address of a server.
    """
    if settings.db and is_database_address(settings.db):
        return settings.db
    return Path(settings.db) if settings.db else data_folder() / DATABASE_NAME


def is_far(settings: Settings) -> bool:
    """Say whether the database is on a server."""
    return isinstance(database_place(settings), str)


def is_there(settings: Settings) -> bool:
    """Say whether the database exists; a server is taken to be there."""
    place = database_place(settings)
    try:
        return isinstance(place, str) or place.exists()
    except OSError:
        # What cannot even be looked at is told of when it is opened.
        return True


def local_folder(settings: Settings) -> Path:
    """Return the folder for what is kept beside the database, on this machine."""
    place = database_place(settings)
    return data_folder() if isinstance(place, str) else place.parent


def open_store(settings: Settings) -> SqliteStore:
    """Open the store, creating it as needed.

    Raises:
        StorageError: the database cannot be used; where calls go on without it, it may be away.
    """
    store = SqliteStore.open(
        database_place(settings),
        timezone=ZoneInfo(settings.budget.timezone),
        rules=(*budget_rules(settings.budget), *shadow_rules(settings.shadow)),
        keep_days=settings.history.keep_days,
        on_lost=settings.budget.on_lost_database,
    )
    if store.database.remote:
        keep_in_reserve(store.database, folder=local_folder(settings))
    return store


def keep_in_reserve(database: Database, *, folder: Path) -> None:
    """Have what is recorded kept on this machine until it is in a shared database.

    Raises:
        StorageError: the file for it cannot be used.
    """
    from mcp_router.storage.postgres.database import PostgresDatabase

    if isinstance(database, PostgresDatabase):
        database.keep_in(folder / OUTBOX_NAME)
