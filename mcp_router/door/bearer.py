"""Finds who calls, by the bearer token of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from mcp_router.access.grant import Grant
from mcp_router.door.faults import Fault
from mcp_router.storage.tokens import PREFIX, digest_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcp_router.access.book import TokenBook


class Verifier(Protocol):
    """Judges tokens that are not of our making."""

    async def verify(self, secret: str) -> Grant | None:
        """Return what a token grants, None if it is not valid."""
        ...


class Bearer:
    """Takes tokens of the book, and those of an OAuth server where one is set up.

    `metadata_url` is where clients learn which server that is.
    """

    def __init__(
        self, book: TokenBook, *, others: Verifier | None = None, metadata_url: str = ""
    ) -> None:
        self._book = book
        self._others = others
        self._metadata_url = metadata_url

    async def grant(self, headers: Mapping[bytes, bytes]) -> Grant | Fault:
        """Find what the token of a request grants, else why there is none.

        Raises:
            StorageError: the tokens could not be read.
        """
        secret = _secret(headers)
        if not secret:
            return self._unknown("missing_token", "This needs a bearer token.")
        found = await self._book.grant(secret)
        if found is None and self._others is not None:
            found = await self._others.verify(secret)
        if found is None:
            return self._unknown("invalid_token", "The bearer token is unknown, expired or revoked")
        return found

    def digest(self, headers: Mapping[bytes, bytes]) -> str:
        """Return by what the book knows the token of a request; "" for one that is not of ours."""
        secret = _secret(headers)
        return digest_of(secret) if secret.startswith(PREFIX) else ""

    def _unknown(self, code: str, problem: str) -> Fault:
        parts: Sequence[str] = ['realm="mcp-router"']
        if code == "invalid_token":
            parts = [*parts, 'error="invalid_token"']
        if self._metadata_url:
            parts = [*parts, f'resource_metadata="{self._metadata_url}"']
        hint = "Create one with `mcp-router token create NAME --scope execute`."
        return Fault(
            401,
            "authentication",
            f"{problem.rstrip('.')}. {hint}",
            code,
            headers={"www-authenticate": f"Bearer {', '.join(parts)}"},
        )


def _secret(headers: Mapping[bytes, bytes]) -> str:
    """Read the token; Anthropic's clients send it as `x-api-key`."""
    scheme, _, secret = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    if scheme.lower() == "bearer" and secret.strip():
        return secret.strip()
    return headers.get(b"x-api-key", b"").decode("latin-1").strip()
