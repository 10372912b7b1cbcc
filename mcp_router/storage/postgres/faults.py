"""What a failed PostgreSQL call means for the person at the keyboard."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
from psycopg_pool import PoolClosed, PoolTimeout

from mcp_router.errors import LostDatabaseError, StorageError

if TYPE_CHECKING:
    from collections.abc import Generator

_RETRY = "Try again; if it stays so, look at what else uses the database."
_START = "Start the server, or check the address in ROUTING_DB."
_RIGHTS = "Give the user of the address the right to create and change tables in its schema."

# SQLSTATE, or its class: https://www.postgresql.org/docs/current/errcodes-appendix.html
_MEANINGS: dict[str, tuple[str, str]] = {
    "28P01": ("the password was refused", "Set it in PGPASSWORD, in ~/.pgpass or in the address."),
    "28": ("the server does not let this user in", "Check the user name, and pg_hba.conf there."),
    "3D": ("there is no database of this name", "Create it: createdb NAME"),
    "42501": ("access is denied", _RIGHTS),
    "40P01": ("another transaction was in the way", _RETRY),
    "40001": ("another transaction was in the way", _RETRY),
    "55P03": ("another process kept it locked for too long", _RETRY),
    "57014": ("it took too long", _RETRY),
    "53300": ("all its connections are taken", "Raise max_connections there, or start fewer."),
    "53": ("the server has no room left", "Free disk space or memory there, then try again."),
    "25006": ("it is read-only", "Name the primary server, not a standby."),
}
_LOST = ("57P01", "57P02", "57P03", "08")
_REFUSED: tuple[tuple[str, str, str], ...] = (
    ("password authentication failed", *_MEANINGS["28P01"]),
    ("no password supplied", *_MEANINGS["28P01"]),
    ("no pg_hba.conf entry", *_MEANINGS["28"]),
    ("role ", *_MEANINGS["28"]),
    ("database ", *_MEANINGS["3D"]),
    ("does not support SSL", "the server offers no TLS", "Set it up there, or use sslmode=prefer."),
    ("certificate", "its TLS certificate is not trusted", "Check sslmode and sslrootcert."),
)
"""What a server, or the way to it, says where no later attempt can succeed."""


@contextmanager
def mapped(place: str) -> Generator[None]:
    """Turn every PostgreSQL error of the block into a `StorageError` that names `place`.

    Raises:
        StorageError: a call failed; a `LostDatabaseError` where the server cannot be reached.
    """
    try:
        yield
    except (psycopg.Error, PoolTimeout) as error:
        raise storage_error(place, error=error) from error


def storage_error(place: str, *, error: psycopg.Error | PoolTimeout) -> StorageError:
    """Say in one sentence what `error` means, and what to do next; never what it was sent."""
    if isinstance(error, PoolTimeout):
        return lost(place)
    if isinstance(error, PoolClosed):
        return StorageError(path=place, problem="it is closed", hint="")
    state = getattr(error, "sqlstate", None) or ""
    if is_lost(error):
        return _unreached(place, said=str(error))
    for key in (state, state[:2]):
        if key in _MEANINGS:
            problem, hint = _MEANINGS[key]
            return StorageError(path=place, problem=problem, hint=hint)
    code = f" (SQLSTATE {state})" if state else ""
    problem = f"PostgreSQL refused a statement{code}"
    return StorageError(path=place, problem=problem, hint="Check it with `mcp-router doctor`.")


def is_lost(error: Exception) -> bool:
    """Say whether the server is out of reach, so that the same may work later."""
    if isinstance(error, PoolTimeout):
        return not isinstance(error, PoolClosed)
    if not isinstance(error, psycopg.OperationalError):
        return False
    state = error.sqlstate or ""
    return not state or state.startswith(_LOST)


def lost(place: str) -> LostDatabaseError:
    """Say that the server does not answer."""
    return LostDatabaseError(path=place, problem="the server does not answer", hint=_START)


def _unreached(place: str, *, said: str) -> StorageError:
    # libpq has no codes for what fails before a session begins. Its text may hold the user's name.
    for phrase, problem, hint in _REFUSED:
        if f" {phrase}" in said and "server closed" not in said:
            return StorageError(path=place, problem=problem, hint=hint)
    if "too many clients" in said or "connection slots" in said:
        problem, hint = _MEANINGS["53300"]
        return LostDatabaseError(path=place, problem=problem, hint=hint)
    return lost(place)
