"""The tokens in force, read from the store again and again, so that a revocation holds at once."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

import anyio
from anyio import to_thread

from mcp_router.access.grant import Grant
from mcp_router.config.settings import TagBudget
from mcp_router.errors import LostDatabaseError
from mcp_router.money import to_usd
from mcp_router.storage.tokens import PREFIX, AccessToken, digest_of, read_tokens, token_tag

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_router.config.settings import Settings
    from mcp_router.storage.database import Database

MAX_AGE_MS = 500
"""How old what is known of the tokens may be: the longest that a revoked one still works."""

NEW_AGE_MS = 20
"""How old it may be where a token is not known."""

MAX_LOST_MS = 300_000
"""How long they are believed while the database is away and calls go on without it."""

_HEAD = 8
MAX_SECRET_CHARS = 4_096


class TokenBook:
    """Knows the tokens of a database; one for a server, used on its event loop."""

    def __init__(self, database: Database, *, now: Callable[[], int]) -> None:
        """Prepare; `now` tells the time in UTC milliseconds."""
        self._database = database
        self._now = now
        self._lock = anyio.Lock()
        self._read_at: float | None = None
        self._tokens: tuple[AccessToken, ...] = ()
        self._by_head: dict[str, list[AccessToken]] = {}

    async def grant(self, secret: str) -> Grant | None:
        """Find whom a secret belongs to; None if it is no token, revoked or expired.

        Raises:
            StorageError: the tokens could not be read, so nobody is let in.
        """
        if not secret.startswith(PREFIX) or len(secret) > MAX_SECRET_CHARS:
            return None
        await self._refresh_if_there()
        digest = digest_of(secret)
        found = self._find(digest)
        if found is None:
            # It may be new. Whoever guesses makes one read in so many milliseconds, not one each.
            await anyio.sleep_until((self._read_at or 0) + NEW_AGE_MS / 1000)
            await self.refresh(max_age_ms=NEW_AGE_MS)
            found = self._find(digest)
        return None if found is None or not found.is_live(self._now()) else _grant(found)

    async def refresh(self, *, max_age_ms: int = MAX_AGE_MS) -> None:
        """Read the tokens again unless that was done just now.

        Raises:
            StorageError: they could not be read.
        """
        async with self._lock:
            present = anyio.current_time()
            if self._read_at is not None and present < self._read_at + max_age_ms / 1000:
                return
            tokens = await to_thread.run_sync(read_tokens, self._database)
            self._read_at = present
            if tokens != self._tokens:
                self._tokens = tokens
                self._by_head = {}
                for token in tokens:
                    self._by_head.setdefault(token.digest[:_HEAD], []).append(token)

    async def begin(self) -> None:
        """Read the tokens, or later where calls go on without a database that is away.

        Raises:
            StorageError: they could not be read.
        """
        try:
            await self.refresh()
        except LostDatabaseError:
            if self._database.on_lost == "closed":
                raise

    async def _refresh_if_there(self) -> None:
        """Read them again; where calls go on without the database, so do those known already."""
        try:
            await self.refresh()
        except LostDatabaseError:
            known = self._database.on_lost == "open" and self._read_at is not None
            if not known or anyio.current_time() > (self._read_at or 0) + MAX_LOST_MS / 1000:
                raise

    def _find(self, digest: str) -> AccessToken | None:
        # The first digits of a hash say nothing of its secret; the rest takes the same time always.
        for token in self._by_head.get(digest[:_HEAD], ()):
            if hmac.compare_digest(token.digest, digest):
                return token
        return None

    def is_live(self, digest: str) -> bool:
        """Say whether the token of this digest is in force, as far as was read."""
        found = self._find(digest)
        return found is not None and found.is_live(self._now())

    @property
    def is_empty(self) -> bool:
        """Whether no token is in force, as far as was read."""
        if self._read_at is None:
            return False
        return not any(token.is_live(self._now()) for token in self._tokens)

    def stamp(self) -> object:
        """Return what differs once the budgets of the tokens do."""
        return tuple(
            (one.name, one.daily_nanos, one.monthly_nanos)
            for one in self._tokens
            if one.revoked_ms is None
        )

    def with_budgets(self, settings: Settings) -> Settings:
        """Add the budgets of the tokens to the settings, as budgets on their tags."""
        tags = dict(settings.budget.tags)
        for one in self._tokens:
            if one.revoked_ms is None and (one.daily_nanos, one.monthly_nanos) != (None, None):
                tag = token_tag(one.name)
                set_before = tags.get(tag, TagBudget())
                limits = {
                    "daily": None if one.daily_nanos is None else to_usd(one.daily_nanos),
                    "monthly": None if one.monthly_nanos is None else to_usd(one.monthly_nanos),
                }
                given = {name: usd for name, usd in limits.items() if usd is not None}
                tags[tag] = set_before.model_copy(update=given)
        budget = settings.budget.model_copy(update={"tags": tags})
        return settings.model_copy(update={"budget": budget})


def _grant(token: AccessToken) -> Grant:
    return Grant(
        name=token.name,
        scope=token.scope,
        models=token.models,
        requests_per_minute=token.requests_per_minute,
        tokens_per_minute=token.tokens_per_minute,
    )
