"""Limits of calls: per minute as the settings say, and of one call where it has its own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.errors import InvalidRequestError
from mcp_router.money import to_nanos
from mcp_router.storage.budgets import BudgetRule
from mcp_router.storage.limiter import RateLimits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcp_router.catalog.catalog import Catalog
    from mcp_router.config.settings import Settings
    from mcp_router.money import Amount

MAX_SECONDS = 86_400.0
"""The longest deadline, a day, as in the settings."""


class CallLimits(NamedTuple):
    """Limits of one call: seconds for all its attempts, nano-dollars for the request.

    None leaves what the settings say. Every other budget holds all the same.
    """

    seconds: float | None = None
    nanos: int | None = None


AS_SET = CallLimits()
"""The limits of the settings."""


def call_limits(*, timeout_s: float | None, request_limit_usd: Amount | None) -> CallLimits:
    """Check the limits that a caller asks for.

    Raises:
        InvalidRequestError: no time at all, more than a day, or no amount of US dollars.
    """
    if timeout_s is not None and not (math.isfinite(timeout_s) and 0 < timeout_s <= MAX_SECONDS):
        hint = "Give seconds above 0, a day at the most."
        raise InvalidRequestError(field="timeout_s", problem="is out of range", hint=hint)
    if request_limit_usd is None:
        return CallLimits(timeout_s)
    return CallLimits(timeout_s, _amount(request_limit_usd, field="request_limit_usd"))


def shared_budget(tag: str, *, limit_usd: Amount) -> BudgetRule:
    """Build the budget that all requests with a tag share, whenever they come.

    Raises:
        InvalidRequestError: the limit is no amount of US dollars.
    """
    nanos = _amount(limit_usd, field="limit_usd")
    return BudgetRule(tag.partition("=")[0], "total", nanos, tag)


def with_limit(rules: Sequence[BudgetRule], *, nanos: int | None) -> Sequence[BudgetRule]:
    """Let a limit of one call take the place of the limit per request."""
    if nanos is None:
        return rules
    general = [rule for rule in rules if rule.period != "request"]
    return [BudgetRule("request", "request", nanos), *general]


def rate_limits(settings: Settings, *, catalog: Catalog) -> Mapping[str, RateLimits]:
    """Collect the requests and tokens per minute that the settings allow each model."""
    return {
        catalog.resolve(name).name: RateLimits(one.requests_per_minute, one.tokens_per_minute)
        for name, one in settings.models.items()
        if one.requests_per_minute is not None or one.tokens_per_minute is not None
    }


def _amount(usd: Amount, *, field: str) -> int:
    try:
        nanos = to_nanos(usd)
    except ValueError as error:
        raise InvalidRequestError(field=field, problem=str(error)) from error
    if nanos < 0:
        raise InvalidRequestError(field=field, problem="may not be negative")
    return nanos
