"""The numbered SQL files under db/postgres/migrations, applied once each and in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_router.assets import find
from mcp_router.errors import StorageError
from mcp_router.storage.migrations import known_migrations, newer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_router.storage.migrations import Migration
    from mcp_router.storage.postgres.session import Session

OLDEST_SERVER = 130_000
"""The first server version with what the schema uses, as PostgreSQL counts them."""

TABLE = """
CREATE TABLE schema_migrations (
  version BIGINT PRIMARY KEY,
  name TEXT NOT NULL
)"""
_ALONE = "SELECT pg_advisory_xact_lock(hashtext(current_schema() || ' mcp-router schema'))"
_THERE = "SELECT to_regclass(current_schema() || '.schema_migrations') IS NOT NULL"


def postgres_migrations() -> tuple[Migration, ...]:
    """Read the migrations that are shipped, lowest number first.

    Raises:
        FileNotFoundError: the installation lacks its SQL files.
    """
    return known_migrations(find("db") / "postgres" / "migrations")


def migrate(session: Session, *, place: str, steps: Sequence[Migration] | None = None) -> int:
    """Bring the schema up to date and return its version; waits for others who do the same.

    Raises:
        StorageError: a newer program wrote it, the server is too old, or no schema can be used.
        psycopg.Error: a statement failed; nothing was changed.
    """
    steps = postgres_migrations() if steps is None else steps
    newest = steps[-1].version
    server = session.wire.info.server_version
    if server < OLDEST_SERVER:
        problem = f"its server is PostgreSQL {server // 10_000}, and 13 is the oldest that will do"
        raise StorageError(path=place, problem=problem, hint="Upgrade the server.")
    if session.execute("SELECT current_schema()").fetchone() == (None,):
        problem = "the schema of its search_path does not exist"
        raise StorageError(path=place, problem=problem, hint="Create it: CREATE SCHEMA name")
    if _version(session, place=place, newest=newest) == newest:
        return newest
    with session.wire.transaction():
        session.execute(_ALONE)
        # Another process may have migrated while this one waited for the lock.
        applied = _version(session, place=place, newest=newest)
        if not applied and session.execute(_THERE).fetchone() == (False,):
            session.execute(TABLE)
        for step in steps:
            if step.version > applied:
                # Without parameters a whole script is one message.
                session.wire.execute(step.sql.encode())
                row = (step.version, step.name)
                session.execute("INSERT INTO schema_migrations VALUES (?, ?)", row)
    return newest


def _version(session: Session, *, place: str, newest: int) -> int:
    """Read the number of the last applied migration; 0 for an empty schema."""
    if session.execute(_THERE).fetchone() == (False,):
        return 0
    found = session.execute("SELECT coalesce(max(version), 0) FROM schema_migrations").fetchone()
    version: int = found[0] if found else 0
    if version > newest:
        raise newer(place, version=version, newest=newest)
    return version
