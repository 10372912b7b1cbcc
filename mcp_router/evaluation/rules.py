"""A person's own rule as a policy: what the router would choose under some settings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from mcp_router.catalog.catalog import Catalog
from mcp_router.config.settings import Settings
from mcp_router.errors import InvalidRequestError, NoCandidateError, UnknownModelError
from mcp_router.evaluation.outcomes import Row
from mcp_router.routing.classify import TaskRule, classify
from mcp_router.routing.decide import decide
from mcp_router.routing.intake import as_request
from mcp_router.routing.situation import Understood, situate, understood_before
from mcp_router.routing.tokens import request_counts
from mcp_router.types import Decision, Request, RoutingState


class Rule:
    """Chooses among the models of a pool as the router does under some settings.

    What it observed of models is no part of it: a rule is what a person wrote.
    """

    def __init__(
        self, settings: Settings, *, catalog: Catalog, pool: Iterable[str], now: datetime
    ) -> None:
        """Find the models of the pool in the catalogue.

        Raises:
            InvalidRequestError: fewer than two of them are known.
        """
        self._settings, self._catalog, self._now = settings, catalog, now
        self._named = {name: one for one in pool if (name := _known(catalog, one))}
        if len(self._named) < 2:
            raise InvalidRequestError(
                field="policy",
                problem="the settings know fewer than two of the models that were judged",
                hint='Name the others in the settings as [models."NAME"].',
            )
        self._tasks = {name: TaskRule(task.keywords) for name, task in settings.tasks.items()}
        self._state = RoutingState(usable_providers=frozenset(catalog.providers))

    def choose(self, prompt: str) -> str | None:
        """Choose for a prompt; None where every model is ruled out."""
        request = as_request(prompt)
        counts = request_counts(request)
        kind = classify(request, tasks=self._tasks, counts=counts)
        return self._choose(Understood(request, counts, kind))

    def choose_again(self, decision: Decision) -> str | None:
        """Choose for what was understood when a decision was made."""
        return self._choose(understood_before(decision))

    def _choose(self, understood: Understood) -> str | None:
        request = _among(understood.request, tuple(self._named))
        try:
            situation = situate(
                understood._replace(request=request),
                settings=self._settings,
                catalog=self._catalog,
                state=self._state,
                now=self._now,
            )
            return self._named[decide(situation, decision_id="").model]
        except NoCandidateError:
            return None


def choices(rows: Sequence[Row], *, rule: Rule, otherwise: str) -> tuple[str, ...]:
    """Choose for each row of an outcomes file; `otherwise` where every model is ruled out.

    Raises:
        InvalidRequestError: a row has no prompt, which a rule needs.
    """
    if any(not row.prompt.strip() for row in rows):
        raise InvalidRequestError(
            field="policy",
            problem="a rule needs the prompts, and some requests have none",
            hint="Give a file with prompts, or --history.",
        )
    return tuple(rule.choose(row.prompt) or otherwise for row in rows)


def _known(catalog: Catalog, name: str) -> str:
    try:
        return catalog.resolve(name).name
    except UnknownModelError:
        return ""


def _among(request: Request, models: tuple[str, ...]) -> Request:
    asked = request.constraints
    kept = tuple(one for one in models if not asked.models or one in asked.models)
    limits = asked.model_copy(update={"models": kept or models})
    return request.model_copy(update={"constraints": limits})
