"""Bearer tokens of the HTTP server: kept as hashes, listed, revoked; what each may do and spend."""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from mcp_router.storage.budgets import BudgetRule

if TYPE_CHECKING:
    from mcp_router.storage.database import Database

Scope = Literal["read", "execute", "admin"]
"""What a token may do; each includes the ones before it."""

SCOPES: tuple[Scope, ...] = get_args(Scope)
PREFIX = "mrt_"
"""What every token begins with, so that scanners for leaked secrets can know it."""

TAG = "token"
"""The tag of requests that a token makes: its budgets are budgets on "token=name"."""


class AccessToken(NamedTuple):
    """A token without its secret; amounts are nano-dollars, times UTC ms, None is no limit.

    `digest` is the SHA-256 of the secret in hex. An empty `models` allows all models.
    """

    name: str
    digest: str
    scope: Scope
    models: tuple[str, ...] = ()
    daily_nanos: int | None = None
    monthly_nanos: int | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    created_ms: int = 0
    expires_ms: int | None = None
    revoked_ms: int | None = None

    def is_live(self, now: int) -> bool:
        """Say whether it may still be used at a time."""
        return self.revoked_ms is None and (self.expires_ms is None or now < self.expires_ms)


_ADD = """
INSERT INTO access_tokens (
  name, digest, scopes, models, daily_nanos, monthly_nanos, requests_per_minute,
  tokens_per_minute, created_ms, expires_ms, revoked_ms
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)
"""
_FREE = "DELETE FROM access_tokens WHERE name = ? AND (revoked_ms IS NOT NULL OR expires_ms <= ?)"
_TAKEN = "SELECT 1 FROM access_tokens WHERE name = ?"
_READ = """
SELECT name, digest, scopes, models, daily_nanos, monthly_nanos, requests_per_minute,
  tokens_per_minute, created_ms, expires_ms, revoked_ms
FROM access_tokens ORDER BY name
"""
_REVOKE = "UPDATE access_tokens SET revoked_ms = ? WHERE name = ? AND revoked_ms IS NULL"


def new_secret() -> str:
    """Draw a token: 32 random bytes, in letters that need no quoting."""
    return PREFIX + secrets.token_urlsafe(32)


def digest_of(secret: str) -> str:
    """Hash a token. It is long and random, so that a slow hash would protect it no better."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def add_token(database: Database, token: AccessToken) -> bool:
    """Keep a token; False if one that is neither revoked nor expired has its name.

    Raises:
        StorageError: the database cannot be written.
    """
    scopes = SCOPES[: SCOPES.index(token.scope) + 1]
    row = (
        token.name,
        token.digest,
        json.dumps(scopes),
        json.dumps(token.models),
        *token[4:10],
    )
    with database.transaction() as connection:
        connection.execute(_FREE, (token.name, token.created_ms))
        if connection.execute(_TAKEN, (token.name,)).fetchone() is not None:
            return False
        connection.execute(_ADD, row)
    return True


def read_tokens(database: Database) -> tuple[AccessToken, ...]:
    """Return all tokens by name, also those that were revoked.

    Raises:
        StorageError: the database cannot be read.
    """
    with database.reading() as connection:
        rows = connection.execute(_READ).fetchall()
    return tuple(
        AccessToken(name, digest, json.loads(scopes)[-1], tuple(json.loads(models)), *rest)
        for name, digest, scopes, models, *rest in rows
    )


def revoke_token(database: Database, name: str, *, now: int) -> bool:
    """Revoke a token for good; False if there is none of this name, or it was revoked before.

    Raises:
        StorageError: the database cannot be written.
    """
    with database.transaction() as connection:
        return connection.execute(_REVOKE, (now, name)).rowcount == 1


def token_tag(name: str) -> str:
    """Name the budgets' tag of a token."""
    return f"{TAG}={name}"


def token_rules(token: AccessToken) -> tuple[BudgetRule, BudgetRule]:
    """Name the two budgets of a token; without a limit they still tell what it spent."""
    tag = token_tag(token.name)
    return (
        BudgetRule(f"{tag} day", "day", token.daily_nanos, tag),
        BudgetRule(f"{tag} month", "month", token.monthly_nanos, tag),
    )
