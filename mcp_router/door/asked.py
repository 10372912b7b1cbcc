"""What the two dialects share of a request: the call that comes of it, and our own field in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from mcp_router.config.schema import printable
from mcp_router.errors import InvalidRequestError
from mcp_router.money import Usd
from mcp_router.types import Capability, Constraints, Media, Need, Request

if TYPE_CHECKING:
    from collections.abc import Iterable

# Where calls go and with which key is for the settings alone to say.
_NEVER = frozenset(
    (
        *("base_url", "api_base", "api_url", "api_key", "api_version", "endpoint", "proxy"),
        *("extra_headers", "custom_llm_provider", "provider_url"),
    )
)
_MAX_NAMED = 20
_EXTRA = ConfigDict(extra="forbid", allow_inf_nan=False)


class RouterField(BaseModel):
    """The field `router` of a body: what neither dialect has a word for."""

    model_config = _EXTRA

    max_cost_usd: Usd | None = None
    max_latency_ms: Annotated[int, Field(gt=0)] | None = None
    min_quality: Annotated[float, Field(ge=0, le=1)] | None = None
    requires: tuple[Need | Capability, ...] | None = None
    timeout_s: Annotated[float, Field(gt=0, le=3600)] | None = None
    category: Annotated[str, Field(max_length=200)] | None = None
    project: Annotated[str, Field(max_length=200)] | None = None
    session: Annotated[str, Field(max_length=200)] | None = None

    def constraints(self) -> Constraints:
        """Build the constraints that were given."""
        fields = ("max_cost_usd", "max_latency_ms", "min_quality", "requires")
        given = {name: getattr(self, name) for name in fields}
        return Constraints.model_validate({k: v for k, v in given.items() if v is not None})

    def tags(self) -> Mapping[str, str]:
        """Build the tags that were given."""
        given = {"project": self.project, "session": self.session}
        return {name: value for name, value in given.items() if value}


class Asked(NamedTuple):
    """A request read from a body.

    `ignored` are fields that cannot be carried to every model and change nothing but the style;
    `stream_usage` asks for the usage at the end of a stream.
    """

    request: Request
    stream: bool = False
    stream_usage: bool = False
    timeout_s: float | None = None
    ignored: tuple[str, ...] = ()


def ignored_fields(extra: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Name the fields that we do not know.

    Raises:
        InvalidRequestError: one of them would say where the call goes.
    """
    given = [name for name, value in (extra or {}).items() if value is not None]
    never = _NEVER & {name.lower().replace("-", "_") for name in given}
    if never:
        problem = "cannot be set by a request"
        hint = "Providers and keys are the settings' alone."
        raise InvalidRequestError(field=min(never), problem=problem, hint=hint)
    return tuple(printable(name, limit=40) for name in given[:_MAX_NAMED])


def refuse_fields(body: Mapping[str, Any], names: Iterable[str]) -> None:
    """Refuse what would change the answer's form in a way that is not carried.

    Raises:
        InvalidRequestError: one of the fields is there and says something.
    """
    for name in names:
        if body.get(name) not in (None, False, [], {}, 0):
            raise InvalidRequestError(field=name, problem="is not supported here")


def media(url: str, *, field: str, media_type: str = "image/png") -> Media:
    """Build a media part of an address, which the provider fetches, or of data in one.

    Raises:
        InvalidRequestError: it is neither http(s) nor data in base64.
    """
    head, mark, data = url.partition(",")
    if head.lower().startswith("data:"):
        kind, _, encoding = head[5:].partition(";")
        if not mark or encoding.lower().rpartition(";")[2] != "base64" or not data:
            raise InvalidRequestError(field=field, problem="holds no base64 data")
        return Media(media_type=kind or media_type, data=data)
    if not url.lower().startswith(("https://", "http://")):
        raise InvalidRequestError(field=field, problem="is no http address and holds no data")
    return Media(media_type=media_type, url=url)
