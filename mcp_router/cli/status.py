"""The short status: what was spent today, what is left, and which providers could be called."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mcp_router.cli.output import show, show_json
from mcp_router.cli.page import Fields, Line, Notes, Page
from mcp_router.cli.text import usd
from mcp_router.reporting.text import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_router.catalog.catalog import Catalog
    from mcp_router.cli.session import Session
    from mcp_router.config.settings import Settings
    from mcp_router.types import BudgetStatus, StatRow

_HINT = 'Ask with route "…"; also classify, compare, models, stats, cost, budget, explain.'


class Status(NamedTuple):
    """What there is to tell: the sums of today, the budgets, the strategy and who has a key."""

    today: StatRow
    budgets: tuple[BudgetStatus, ...]
    strategy: str
    usable: tuple[str, ...]


def show_status(session: Session, *, as_json: bool) -> None:
    """Read the status and show it.

    Raises:
        ConfigError: a setting is wrong.
        StorageError: the database cannot be used.
    """
    settings = session.settings
    with session.router() as router:
        status = Status(
            today=router.store.totals(period="day", now=router.now()),
            budgets=router.budget(),
            strategy=settings.strategy.value,
            usable=_usable(router.catalog, settings=settings, environ=session.environ),
        )
    if as_json:
        show_json(status_json(status))
    else:
        show(status_page(status))


def status_page(status: Status) -> Page:
    """Build the page: a line for each thing."""
    limited = tuple(one for one in status.budgets if one.limit_usd is not None)
    rows = (
        ("Today", _today(status.today)),
        *((f"Budget {one.name}", _left(one)) for one in limited),
        ("Strategy", status.strategy),
        ("Keys", ", ".join(status.usable) or "none; route recommends without one"),
    )
    alerts = tuple(one.alert for one in status.budgets if one.alert)
    unlimited = Line("" if limited else "No budget is set: nothing is held back.")
    return Page((Fields(rows), unlimited, Notes("warning", alerts), Notes("hint", (_HINT,))))


def status_json(status: Status) -> dict[str, object]:
    """Build the JSON of the status."""
    return {
        "today": status.today.model_dump(mode="json", exclude={"group"}),
        "budgets": [one.model_dump(mode="json") for one in status.budgets],
        "strategy": status.strategy,
        "providers": list(status.usable),
    }


def _usable(catalog: Catalog, *, settings: Settings, environ: Mapping[str, str]) -> tuple[str, ...]:
    from mcp_router.config.credentials import usable_providers

    return tuple(sorted(usable_providers(catalog, settings=settings, environ=environ)))


def _today(row: StatRow) -> str:
    made, called = counted(row.decisions, "decision"), counted(row.calls, "call")
    return f"{made}, {called}, {usd(row.cost_usd)} spent"


def _left(one: BudgetStatus) -> str:
    held = f", {usd(one.reserved_usd)} reserved" if one.reserved_usd else ""
    if one.period == "request":
        return f"{usd(one.limit_usd)} at most"
    return f"{usd(one.left_usd)} of {usd(one.limit_usd)} left{held}"
