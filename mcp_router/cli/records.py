"""Opens the recorded history for the commands that analyse it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from mcp_router.cli.session import Session
    from mcp_router.storage.sqlite import SqliteStore


def open_records(session: Session) -> SqliteStore:
    """Open the database with the budgets and the time zone of the settings.

    Raises:
        ConfigError: a setting is wrong.
        StorageError: the database cannot be used.
    """
    from mcp_router.storage.opened import database_place
    from mcp_router.storage.rules import budget_rules
    from mcp_router.storage.sqlite import SqliteStore

    budget = session.settings.budget
    return SqliteStore.open(
        database_place(session.settings),
        timezone=ZoneInfo(budget.timezone),
        rules=budget_rules(budget),
    )
