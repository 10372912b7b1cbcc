"""How long one attempt may take, within the one deadline that bounds them all; in seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mcp_router.providers.deadlines import Deadlines

if TYPE_CHECKING:
    from mcp_router.config.settings import FallbackSettings
    from mcp_router.types import ModelInfo, Performance

_LEARNED_CALLS = 20
_SLACK = 1.5


class Expected(NamedTuple):
    """The answer a model is expected to give: its tokens, hidden ones included, and the time."""

    outputs: int
    seconds: float


class Allowance(NamedTuple):
    """The deadlines of one attempt; `fair` tells that missing them speaks against the route."""

    deadlines: Deadlines
    fair: bool


def allowance(
    model: ModelInfo,
    *,
    settings: FallbackSettings,
    expected: Expected,
    seen: Performance | None,
    left: float,
    others: bool,
) -> Allowance:
    """Divide the `left` seconds; `others` tells that they must do for further routes as well."""
    first = first_token_limit(model, settings=settings, expected=expected, seen=seen)
    share = left / 2 if others else left
    deadlines = Deadlines(
        connect=min(settings.connect_ms / 1000, share),
        first_token=min(first, share),
        idle=min(settings.idle_ms / 1000, left),
        total=left,
    )
    return Allowance(deadlines, fair=first <= share)


def first_token_limit(
    model: ModelInfo,
    *,
    settings: FallbackSettings,
    expected: Expected,
    seen: Performance | None,
) -> float:
    """Choose how long a model may be silent before its first token.

    Longer than the setting where the model thinks before it speaks, by the time that takes, and
    where it is known to take longer.
    """
    limit = settings.first_token_ms / 1000
    if model.thinking_factor:
        hidden = expected.outputs * model.thinking_factor / (1.0 + model.thinking_factor)
        limit += _SLACK * hidden / model.latency.tokens_per_second
    if seen is None or seen.first_token_p95_ms is None or seen.calls < _LEARNED_CALLS:
        return limit
    return max(limit, _SLACK * seen.first_token_p95_ms / 1000)


def plain(allowed: Allowance, *, expected: Expected) -> Allowance:
    """Bound a plain call, which shows no sign of life before its end, for others to come.

    It gets the first token's deadline and twice the expected time. That is cut to half of what
    is left, but not below one and a half times the expected time where that fits at all.
    """
    deadlines = allowed.deadlines
    left, first = deadlines.total or 0.0, deadlines.first_token or 0.0
    most = left / 2
    if expected.seconds <= left:
        most = max(most, min(left, _SLACK * expected.seconds))
    return allowed._replace(
        deadlines=deadlines._replace(total=min(first + 2 * expected.seconds, most))
    )
