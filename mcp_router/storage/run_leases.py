"""Leases on runs of workflows: of all processes one at a time carries a run out.

A lease ends by a clock that all who share the database read alike, and that no change of a
computer's time moves: for a file the one that counts from the start of the computer, for a server
the server's own. A holder that stopped renewing keeps a run for `TERM_MS` at the most.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.storage.rows import clean

if TYPE_CHECKING:
    from mcp_router.storage.database import Connection, Database

TERM_MS = 30_000

# Only the start of the computer, or a server whose clock was set back, leaves more than a term.
_SHORTEN = "UPDATE workflow_leases SET until_ms = ? WHERE run_id = ? AND until_ms > ?"
_TAKE = """
INSERT INTO workflow_leases (run_id, holder, until_ms) VALUES (?, ?, ?)
ON CONFLICT (run_id) DO UPDATE SET holder = excluded.holder, until_ms = excluded.until_ms
WHERE workflow_leases.until_ms <= ?
"""
_UNTIL = "SELECT until_ms FROM workflow_leases WHERE run_id = ?"
_RENEW = "UPDATE workflow_leases SET until_ms = ? WHERE run_id = ? AND holder = ?"
_RELEASE = "DELETE FROM workflow_leases WHERE run_id = ? AND holder = ?"
_SERVER_TIME = "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint"


class Lease(NamedTuple):
    """Leave to carry a run out, until somebody takes over what was not renewed in time."""

    run_id: str
    holder: str


class Taken(NamedTuple):
    """Somebody else has the run, for `left_ms` more or until they have done with it."""

    left_ms: int


class RunLeases:
    """Leases on the runs of a database; every method may raise `StorageError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, run_id: str) -> Lease | Taken:
        """Take a run of the store that nobody holds, or whose lease has run out."""
        lease = Lease(clean(run_id), secrets.token_hex(8))
        with self._database.transaction() as connection:
            now = self._now(connection)
            until = now + TERM_MS
            connection.execute(_SHORTEN, (until, lease.run_id, until))
            if connection.execute(_TAKE, (*lease, until, now)).rowcount == 1:
                return lease
            (ends,) = connection.execute(_UNTIL, (lease.run_id,)).fetchone()
        return Taken(ends - now)

    def renew(self, lease: Lease) -> bool:
        """Prolong a lease to a whole term from now; False if somebody else has the run."""
        with self._database.shared_transaction() as connection:
            until = self._now(connection) + TERM_MS
            return connection.execute(_RENEW, (until, *lease)).rowcount == 1

    def release(self, lease: Lease) -> None:
        """Let others have the run at once."""
        self._database.write(_RELEASE, lease)

    def _now(self, connection: Connection) -> int:
        if self._database.remote:
            (now,) = connection.execute(_SERVER_TIME).fetchone()
            return int(now)
        return round(time.monotonic() * 1000)
