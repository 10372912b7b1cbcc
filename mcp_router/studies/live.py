"""The experiments that run now, as all processes see them: who meets which arm."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import ValidationError

from mcp_router.errors import LostDatabaseError, UnknownModelError
from mcp_router.routing.intake import prompt_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from mcp_router.catalog.catalog import Catalog
    from mcp_router.config.settings import Settings
    from mcp_router.experiments.treatment import Running, Treatment
    from mcp_router.storage.exposures import Result, StoredExperiment
    from mcp_router.storage.sqlite import SqliteStore
    from mcp_router.types import Decision, Request

AGE = timedelta(seconds=1)
"""How long nobody looks again after no experiment was running; a running one is read each time."""


class Experiments:
    """Assigns requests to the arms of the experiments in the store, and takes in the results."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._none_at: datetime | None = None
        self._known: dict[str, tuple[StoredExperiment, Running | None]] = {}

    def treat(
        self, request: Request, *, kind: Callable[[], str], store: SqliteStore, now: datetime
    ) -> Treatment | None:
        """Say which arms a request meets; None where no experiment changes it.

        `kind` gives the task type of the request, and is asked only when needed.

        Raises:
            StorageError: the store could not be read.
        """
        if self._none_at is not None and timedelta() <= now - self._none_at < AGE:
            return None
        running = self._running(store)
        self._none_at = None if running else now
        if not running:
            return None
        from mcp_router.experiments.treatment import treat

        # To judge a task takes as long as all the rest.
        task_type = kind() if any(one.plan.tasks for one in running) else ""
        found = treat(request, task_type=task_type, prompt=prompt_hash(request), running=running)
        return found if found.reasons else None

    def settings_for(self, decision: Decision, *, settings: Settings) -> Settings:
        """Return the settings with the weights of the arms that a decision was made under."""
        for name, arm in decision.experiments.items():
            _, running = self._known.get(name, (None, None))
            weights = running.plan.arms[arm].weights if running else None
            if weights is not None:
                settings = settings.model_copy(update={"weights": weights})
        return settings

    def expose(
        self, treatment: Treatment, decision: Decision, *, store: SqliteStore, ruled_out: bool
    ) -> None:
        """Keep which arms a decision met, before its call is made.

        An arm that ruled every model out has failed already.

        Raises:
            StorageError: it could not be kept.
        """
        from mcp_router.storage.exposures import Exposures, Result

        database = store.database
        log, now = Exposures(database), decision.created_at
        with database.transaction():
            for met in treatment.met:
                log.expose(
                    met.experiment,
                    arm=met.arm,
                    unit=met.unit,
                    decision_id=decision.decision_id,
                    now=now,
                )
                if ruled_out:
                    failed = Result(answered=False, ok=False)
                    log.finish(
                        met.experiment, decision_id=decision.decision_id, result=failed, now=now
                    )

    def threshold(self, name: str) -> float:
        """Return the confidence from which on an answer counts as good in an experiment."""
        _, running = self._known.get(name, (None, None))
        return running.plan.threshold if running else 0.5

    def finish(
        self, name: str, *, decision_id: str, result: Result, store: SqliteStore, now: datetime
    ) -> Sequence[str]:
        """Take in what came of a call, and stop what must stop; return what there is to tell.

        Of all processes one stops an arm, or ends the experiment, and is given the sentence.

        Raises:
            StorageError: it could not be kept.
        """
        from mcp_router.storage.exposures import Exposures

        log = Exposures(store.database)
        log.finish(name, decision_id=decision_id, result=result, now=now)
        _, running = self._known.get(name, (None, None))
        if running is None:
            return ()
        from mcp_router.studies.guard import guard

        return guard(log, running, now=now)

    def _running(self, store: SqliteStore) -> list[Running]:
        from mcp_router.storage.exposures import Exposures

        try:
            live = Exposures(store.database).live()
        except LostDatabaseError:
            if store.database.on_lost == "closed":
                raise
            # Calls go on as they were asked for.
            return []
        found = [self._read(one) for one in live]
        return [one for one in found if one is not None]

    def _read(self, stored: StoredExperiment) -> Running | None:
        known = self._known.get(stored.name)
        if known is None or known[0] != stored:
            self._known[stored.name] = known = stored, self._checked(stored)
        return known[1]

    def _checked(self, stored: StoredExperiment) -> Running | None:
        """Read an experiment; None for one that this process cannot carry out."""
        from mcp_router.experiments.treatment import models_of

        running = running_of(stored)
        try:
            for name in models_of(running.plan) if running else ():
                self._catalog.chain(name)
        except UnknownModelError:
            # A process with other settings, or with models of its own, leaves it to the others.
            return None
        return running


def running_of(stored: StoredExperiment) -> Running | None:
    """Read an experiment as it was stored; None for one that another version wrote."""
    from mcp_router.config.experiments import ExperimentSettings
    from mcp_router.experiments.treatment import Running

    try:
        plan = ExperimentSettings.model_validate(stored.details)
    except ValidationError:
        return None
    return Running(stored.name, plan, frozenset(stored.stopped))


def under_arms(settings: Settings, treatment: Treatment | None) -> Settings:
    """Return the settings with the weights of the arms that a request meets."""
    if treatment is None or treatment.weights is None:
        return settings
    return settings.model_copy(update={"weights": treatment.weights})


def told_arms(decision: Decision, treatment: Treatment | None) -> Decision:
    """Return a decision that says which arms it was made under."""
    if treatment is None or not treatment.reasons:
        return decision
    reasons = (*decision.reasons, *treatment.reasons)
    return decision.model_copy(update={"reasons": reasons, "experiments": treatment.arms})


def without_arms(decision: Decision, treatment: Treatment) -> Decision:
    """Return a decision that says which arms left no model for it."""
    if not treatment.met:
        return decision
    arms = " and ".join(f"arm {one.arm} of {one.experiment}" for one in treatment.met)
    warning = f"Decided without experiment: {arms} leaves no model for this task."
    return decision.model_copy(update={"warnings": (*decision.warnings, warning)})
