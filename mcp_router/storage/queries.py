"""The SQL files under db/queries, read once."""

from __future__ import annotations

from functools import cache

from mcp_router.assets import find


@cache
def query(name: str) -> str:
    """Return the text of db/queries/`name`.sql.

    Raises:
        FileNotFoundError: the installation lacks its SQL files.
    """
    return (find("db") / "queries" / f"{name}.sql").read_text(encoding="utf-8")
