"""The budget rules that the settings ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_router.money import to_nanos
from mcp_router.storage.budgets import BudgetRule

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from mcp_router.config.experiments import ShadowSettings
    from mcp_router.config.settings import BudgetSettings

SHADOW = "shadow"
"""The pot that shadow traffic is paid from."""


def budget_rules(settings: BudgetSettings) -> tuple[BudgetRule, ...]:
    """List the budgets in the order they are enforced and shown.

    Day and month are there without a limit too, so that their spending can be shown.
    """
    daily, monthly = settings.alerts.daily_warning, settings.alerts.monthly_warning
    rules = [
        BudgetRule("day", "day", _nanos(settings.daily), warn_percent=daily),
        BudgetRule("month", "month", _nanos(settings.monthly), warn_percent=monthly),
    ]
    if settings.per_request is not None:
        rules.insert(0, BudgetRule("request", "request", _nanos(settings.per_request)))
    return (*rules, *_tag_rules(settings))


def shadow_rules(settings: ShadowSettings) -> tuple[BudgetRule, ...]:
    """List the budget of shadow traffic, if there is any; it is apart from all others."""
    if not settings.on:
        return ()
    return (BudgetRule(SHADOW, "day", _nanos(settings.daily_usd), SHADOW),)


def _tag_rules(settings: BudgetSettings) -> Iterator[BudgetRule]:
    daily, monthly = settings.alerts.daily_warning, settings.alerts.monthly_warning
    for tag, limits in settings.tags.items():
        if limits.daily is not None:
            yield BudgetRule(f"{tag} day", "day", _nanos(limits.daily), tag, daily)
        if limits.monthly is not None:
            yield BudgetRule(f"{tag} month", "month", _nanos(limits.monthly), tag, monthly)
        if limits.total is not None:
            yield BudgetRule(tag, "total", _nanos(limits.total), tag, monthly)


def _nanos(usd: Decimal | None) -> int | None:
    return None if usd is None else to_nanos(usd)
