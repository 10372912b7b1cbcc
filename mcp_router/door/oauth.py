"""Tokens of an OAuth authorization server: JWTs by its keys, others by asking it about each.

Source: RFC 9068 (JWT access tokens), RFC 7662 (introspection), RFC 9728 (resource metadata).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, cast

import anyio
import jwt
from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.auth.routes import build_resource_metadata_url, create_protected_resource_routes
from pydantic import AnyHttpUrl

from mcp_router.access.grant import ForbiddenError, Grant, IssuerUnavailableError
from mcp_router.config.schema import printable
from mcp_router.errors import ConfigError
from mcp_router.providers.fetching import FetchError, fetch_json
from mcp_router.storage.tokens import SCOPES, digest_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.routing import Route

    from mcp_router.config.http import OAuthSettings
    from mcp_router.storage.tokens import Scope

# Signatures by a key that only the issuer has; "none" and shared secrets are not among them.
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
SECONDS = 5.0
REFRESH_SECONDS = 10.0
"""How long an unknown key has to wait before the issuer is asked for its keys again."""

REMEMBER_SECONDS = 1.0
"""How long what the issuer said of a token holds."""

MAX_REMEMBERED = 10_000
MAX_TOKEN_CHARS = 16_384
_LEEWAY_SECONDS = 30


class JwtVerifier:
    """Checks a JWT's signature, issuer, audience and times; a `TokenVerifier` of the MCP SDK."""

    def __init__(self, settings: OAuthSettings, *, jwks_url: str, audience: str) -> None:
        self._issuer = settings.issuer
        self._audience = audience
        self._url = jwks_url
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at: float | None = None
        self._lock = anyio.Lock()

    async def verify_token(self, token: str) -> AccessToken | None:
        """Judge a token; None if it is not valid.

        Raises:
            IssuerUnavailableError: its key is not known, and the issuer does not answer.
        """
        try:
            key = await self._key(str(jwt.get_unverified_header(token).get("kid", "")))
            if key is None:
                return None
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=_ALGORITHMS,
                audience=self._audience,
                issuer=self._issuer,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud"]},
            )
        except jwt.PyJWTError:
            return None
        return _access(token, claims, resource=self._audience)

    async def _key(self, name: str) -> jwt.PyJWK | None:
        async with self._lock:
            present = anyio.current_time()
            stale = self._fetched_at is None or present - self._fetched_at > REFRESH_SECONDS
            if name not in self._keys and stale:
                self._fetched_at = present
                self._keys = _keys(await _fetched(self._url))
        return self._keys.get(name)


class IntrospectionVerifier:
    """Asks the issuer about each token; a `TokenVerifier` of the MCP SDK."""

    def __init__(
        self, settings: OAuthSettings, *, url: str, audience: str, secret: str | None
    ) -> None:
        self._issuer = settings.issuer
        self._audience = audience
        self._url = url
        name = settings.client_id
        self._login = (name, secret) if name is not None and secret is not None else None

    async def verify_token(self, token: str) -> AccessToken | None:
        """Judge a token; None if it is not valid.

        Raises:
            IssuerUnavailableError: the issuer does not answer.
        """
        form = {"token": token, "token_type_hint": "access_token"}
        found = _object(await _fetched(self._url, form=form, login=self._login))
        if found.get("active") is not True:
            return None
        if found.get("iss", self._issuer) != self._issuer:
            return None
        audience = found.get("aud")
        named = cast("list[object]", audience) if isinstance(audience, list) else [audience]
        if self._audience not in named:
            return None
        expires = found.get("exp")
        if isinstance(expires, int | float) and expires < time.time():
            return None
        return _access(token, found, resource=self._audience)


class OAuthVerifier:
    """Turns what a verifier says of a token into a grant, and remembers it for a second."""

    def __init__(self, settings: OAuthSettings, *, verifier: TokenVerifier) -> None:
        self._settings = settings
        self._verifier = verifier
        self._known: dict[str, tuple[float, AccessToken | None]] = {}

    async def verify(self, secret: str) -> Grant | None:
        """Return what a token grants, None if it is not valid.

        Raises:
            ForbiddenError: it is valid, but lacks the scopes to do anything here.
            IssuerUnavailableError: the issuer does not answer.
        """
        if len(secret) > MAX_TOKEN_CHARS:
            return None
        token = await self._judged(secret)
        if token is None:
            return None
        prefix = self._settings.scope_prefix
        mine: list[Scope] = [one for one in SCOPES if f"{prefix}{one}" in token.scopes]
        missing = [one for one in self._settings.required_scopes if one not in token.scopes]
        if missing or not mine:
            needed = ", ".join(missing) or " or ".join(f"{prefix}{one}" for one in SCOPES)
            raise ForbiddenError("This token lacks a scope.", hint=f"It needs {needed}.")
        name = "".join(c if c.isalnum() else "-" for c in printable(token.client_id))
        return Grant(name=f"oauth:{name}", scope=mine[-1])

    async def _judged(self, secret: str) -> AccessToken | None:
        digest, present = digest_of(secret), anyio.current_time()
        until, known = self._known.get(digest, (0.0, None))
        if present < until:
            return known
        found = await self._verifier.verify_token(secret)
        if len(self._known) >= MAX_REMEMBERED:
            self._known.clear()
        self._known[digest] = (present + REMEMBER_SECONDS, found)
        return found


def oauth_verifier(settings: OAuthSettings, *, environ: Mapping[str, str]) -> OAuthVerifier | None:
    """Build what judges the tokens of the issuer; None where none is set.

    Raises:
        ConfigError: the settings of the issuer are not whole.
    """
    if settings.issuer is None:
        return None
    audience = settings.audience or settings.resource
    if settings.resource is None or audience is None:
        raise _incomplete("resource", "is needed with an issuer")
    if settings.jwks_url is not None:
        verifier: TokenVerifier = JwtVerifier(
            settings, jwks_url=settings.jwks_url, audience=audience
        )
    elif settings.introspection_url is not None:
        verifier = IntrospectionVerifier(
            settings,
            url=settings.introspection_url,
            audience=audience,
            secret=environ.get(settings.client_secret_env or ""),
        )
    else:
        raise _incomplete("jwks_url", "or introspection_url is needed with an issuer")
    return OAuthVerifier(settings, verifier=verifier)


def metadata_url(settings: OAuthSettings) -> str:
    """Say where clients learn who issues tokens for this server; "" where nobody does."""
    if settings.issuer is None or settings.resource is None:
        return ""
    return str(build_resource_metadata_url(AnyHttpUrl(settings.resource)))


def metadata_routes(settings: OAuthSettings) -> list[Route]:
    """Build the route that tells them."""
    if settings.issuer is None or settings.resource is None:
        return []
    return create_protected_resource_routes(
        resource_url=AnyHttpUrl(settings.resource),
        authorization_servers=[AnyHttpUrl(settings.issuer)],
        scopes_supported=[f"{settings.scope_prefix}{one}" for one in SCOPES],
    )


async def _fetched(
    url: str,
    *,
    form: Mapping[str, str] | None = None,
    login: tuple[str, str] | None = None,
) -> object:
    try:
        return await fetch_json(url, seconds=SECONDS, form=form, login=login)
    except FetchError as error:
        raise IssuerUnavailableError(f"The issuer of tokens gave no answer: {error}.") from error


def _keys(document: object) -> dict[str, jwt.PyJWK]:
    try:
        found = jwt.PyJWKSet.from_dict(_object(document))
    except jwt.PyJWTError as error:
        raise IssuerUnavailableError("The issuer of tokens names no usable key.") from error
    return {key.key_id or "": key for key in found.keys}


def _access(token: str, claims: Mapping[str, Any], *, resource: str) -> AccessToken:
    scopes = claims.get("scope", claims.get("scp", ""))
    named = cast("list[object]", scopes) if isinstance(scopes, list) else str(scopes).split()
    who = claims.get("client_id") or claims.get("azp") or claims.get("sub") or "unknown"
    subject = claims.get("sub")
    return AccessToken(
        token=token,
        client_id=str(who),
        scopes=[str(one) for one in named],
        resource=resource,
        subject=None if subject is None else str(subject),
        claims=dict(claims),
    )


def _object(document: object) -> dict[str, Any]:
    return cast("dict[str, Any]", document) if isinstance(document, dict) else {}


def _incomplete(key: str, problem: str) -> ConfigError:
    return ConfigError(place="settings", key=f"http.oauth.{key}", problem=problem)
