"""Everything a decision depends on, gathered once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mcp_router.routing.constraints import merged, resolved
from mcp_router.routing.tokens import RequestCounts, TextCounts
from mcp_router.types import Classification, Constraints, Request, RoutingState

if TYPE_CHECKING:
    from datetime import datetime

    from mcp_router.catalog.catalog import Catalog
    from mcp_router.config.settings import Settings
    from mcp_router.types import Decision


class Understood(NamedTuple):
    """A request with what was counted and classified in it."""

    request: Request
    counts: RequestCounts
    classification: Classification


class Situation(NamedTuple):
    """What a decision is made from; `constraints` are those of settings, task and request."""

    request: Request
    classification: Classification
    counts: RequestCounts
    constraints: Constraints
    settings: Settings
    catalog: Catalog
    state: RoutingState
    now: datetime


def situate(
    understood: Understood,
    *,
    settings: Settings,
    catalog: Catalog,
    state: RoutingState,
    now: datetime,
) -> Situation:
    """Join a request with the settings, the catalogue and the state; `now` is aware.

    Raises:
        UnknownModelError: a constraint names no model, alias or role.
    """
    request, kind = understood.request, understood.classification
    layers = [settings.constraints]
    task = settings.tasks.get(kind.task_type)
    if task is not None:
        layers.append(task.constraints or Constraints())
        if task.min_quality is not None:
            layers.append(Constraints(min_quality=task.min_quality))
    constraints = merged(*layers, request.constraints)
    return Situation(
        request=request,
        classification=kind,
        counts=understood.counts,
        constraints=resolved(constraints, catalog=catalog),
        settings=settings,
        catalog=catalog,
        state=state,
        now=now,
    )


def without_texts(request: Request) -> Request:
    """Keep of a request what is not its content, for the record."""
    return request.model_copy(
        update={"messages": (), "tools": (), "response_schema": None, "stop": ()}
    )


def flat(counts: RequestCounts) -> tuple[int, ...]:
    """Write counts as the plain numbers that a decision keeps."""
    return (*counts.text, counts.messages, counts.media_tokens, counts.context_tokens)


def understood_before(decision: Decision) -> Understood:
    """Restore what was understood when a decision was made, from its record."""
    *text, messages, media, context = decision.counts
    counts = RequestCounts(TextCounts(*text), messages, media, context)
    # A record names every field; only those that say something may override the settings.
    said = decision.request.constraints.model_dump(exclude_defaults=True)
    request = decision.request.model_copy(update={"constraints": Constraints.model_validate(said)})
    return Understood(request, counts, decision.classification)
