"""The settings of the HTTP server: where it listens, whom it answers, and how long it waits."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from mcp_router.config.checks import address, host_name, not_bool, origin, variable_name
from mcp_router.types import Value

Name = Annotated[str, Field(min_length=1, max_length=200)]
Whole = Annotated[int, BeforeValidator(not_bool)]
Milliseconds = Annotated[Whole, Field(ge=1, le=86_400_000)]
Address = Annotated[str, AfterValidator(address)]


class OAuthSettings(Value):
    """Tokens of an OAuth authorization server, taken beside those made here; not from a project."""

    issuer: Address | None = Field(
        default=None, description="Who issues the tokens; sets OAuth up, not from a project's file."
    )
    resource: Address | None = Field(
        default=None, description="The address of /mcp as clients know it; required with an issuer."
    )
    audience: Name | None = Field(
        default=None, description="Whom a token must be made for; the resource unless set."
    )
    jwks_url: Address | None = Field(
        default=None, description="Where the issuer's keys are, for tokens that are JWTs."
    )
    introspection_url: Address | None = Field(
        default=None, description="Where the issuer is asked about tokens that are no JWTs."
    )
    client_id: Name | None = Field(default=None, description="Our name at the introspection.")
    client_secret_env: Annotated[str, AfterValidator(variable_name)] | None = Field(
        default=None, description="The variable that holds our secret at the introspection."
    )
    required_scopes: tuple[Name, ...] = Field(
        default=(), description="Scopes that every token must have."
    )
    scope_prefix: Annotated[str, Field(max_length=100)] = Field(
        default="", description='What stands before read, execute and admin, such as "router:".'
    )


class HttpSettings(Value):
    """The server of `serve --http`."""

    host: Annotated[str, AfterValidator(host_name)] = Field(
        default="127.0.0.1", description="Where it listens; 0.0.0.0 is every address."
    )
    port: Whole = Field(default=8787, ge=0, le=65_535, description="Its port; 0 is any free one.")
    allowed_hosts: tuple[Annotated[str, AfterValidator(host_name)], ...] = Field(
        default=(), description="Names it answers to, besides this machine's and bare addresses."
    )
    allowed_origins: tuple[Annotated[str, AfterValidator(origin)], ...] = Field(
        default=(), description="Web pages that may call it, such as https://chat.example.com."
    )
    max_body_bytes: Whole = Field(
        default=20_971_520, ge=1_024, le=1_073_741_824, description="Most bytes of a request."
    )
    max_requests: Whole = Field(
        default=256, ge=1, le=100_000, description="Most requests at the same time."
    )
    header_ms: Milliseconds = Field(
        default=10_000, description="How long the headers of a request may take."
    )
    body_ms: Milliseconds = Field(
        default=30_000, description="How long the body of a request may take."
    )
    write_ms: Milliseconds = Field(
        default=30_000, description="How long a client may read nothing of its answer."
    )
    keep_alive_ms: Milliseconds = Field(
        default=15_000, description="How long an idle connection stays open."
    )
    drain_ms: Milliseconds = Field(
        default=30_000, description="How long requests may go on after a signal to stop."
    )
    access_log: bool = Field(
        default=True, description="Whether each request is a line of the log, at its end."
    )
    oauth: OAuthSettings = Field(
        default_factory=OAuthSettings.model_construct, description="Tokens of an OAuth server."
    )
