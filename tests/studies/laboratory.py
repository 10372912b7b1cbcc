"""A theatre in which experiments are started and shadows are cast."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from mcp_router import Completion
from mcp_router.config.experiments import ExperimentSettings
from mcp_router.storage.exposures import Exposures
from tests.modes.theatre import PROMPT, Theatre

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ARMS = {"a": {"chain": ["first"]}, "b": {"chain": ["second"]}}


class Laboratory(Theatre):
    """Models are put on with `serve`; `ask` has them do a task, each time for another unit."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.asked = 0

    @property
    def log(self) -> Exposures:
        return Exposures(self.router.store.database)

    def start(self, name: str = "trial", **plan: Any) -> None:
        """Start an experiment, as the command line does."""
        defined = ExperimentSettings.model_validate({"arms": ARMS, **plan})
        assert self.log.define(name, details=defined.model_dump(mode="json"), now=NOW)

    async def ask(self, task: str = PROMPT, **asked: Any) -> Completion:
        """Have a task done for a session of its own."""
        self.asked += 1
        asked.setdefault("tags", {"session": f"s{self.asked}"})
        asked.setdefault("max_tokens", 100)
        return await self.router.execute(task, **asked)

    def arm_of(self, done: Completion, name: str = "trial") -> str | None:
        """The arm that a task was done under."""
        return self.router.explain(done.decision_id).experiments.get(name)
