"""Addresses of PostgreSQL databases: read, checked, and shown without their secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from mcp_router.errors import StorageError

if TYPE_CHECKING:
    from typing import Any

CONNECT_SECONDS = 3
_HINT = "Write it as postgresql://USER@HOST:PORT/NAME; PGPASSWORD or ~/.pgpass hold the password."


def shown(address: str) -> str:
    """Name a database as people may see it: host, port and name, no user's secrets."""
    try:
        parts = conninfo_to_dict(address)
    except ProgrammingError:
        return "postgresql://…"
    host, port = parts.get("host") or "localhost", parts.get("port") or "5432"
    return f"postgresql://{host}:{port}/{parts.get('dbname') or ''}"


def conninfo(address: str) -> str:
    """Add to an address what makes a lost server known within seconds.

    Raises:
        StorageError: it is no address.
    """
    try:
        given: dict[str, Any] = dict(conninfo_to_dict(address))
    except ProgrammingError:
        raise StorageError(
            path=shown(address), problem="its address cannot be read", hint=_HINT
        ) from None
    usual: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS,
        "keepalives_idle": 10,
        "keepalives_interval": 3,
        "keepalives_count": 3,
        "tcp_user_timeout": 8_000,
        "application_name": "mcp-router",
    }
    return make_conninfo("", **{**usual, **given})
