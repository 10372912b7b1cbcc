"""What several models need to work on one task, and the task itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from mcp_router.routing.rank import Ranked, rank
from mcp_router.routing.situation import situate, understood_before
from mcp_router.types import ModeOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from mcp_router.catalog.catalog import Catalog
    from mcp_router.config.settings import Settings
    from mcp_router.execution.executor import Executor
    from mcp_router.execution.limits import CallLimits
    from mcp_router.modes.exam import Exam
    from mcp_router.modes.scorers import Scorer
    from mcp_router.quality.judging import Rng
    from mcp_router.storage.sqlite import SqliteStore
    from mcp_router.types import AttemptEvent, Decision, Request, RoutingState


MOST_MODELS = 10


class Decide(Protocol):
    """Decides a request under a state, as `Router.decide` does."""

    def __call__(self, request: Request, *, state: RoutingState, now: datetime) -> Decision:
        """Decide."""
        ...


class Examiner(Protocol):
    """Sets the exam of each task, from scorers that it knows by name."""

    def exam_of(self, stage: Stage, job: Job) -> Exam | None:
        """Set the exam of a task; None where nothing marks its answers.

        Raises:
            ConfigError: a scorer is unknown or cannot be used.
        """
        ...

    def scorers(self, stage: Stage, names: Sequence[str], *, key: str) -> Mapping[str, Scorer]:
        """Make the scorers of some names; `key` is how an error names where they stand.

        Raises:
            ConfigError: a scorer is unknown or cannot be used.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The outside world of a mode.

    Attributes:
        executor: carries single runs out.
        decide: decides a request of our own, such as a judge's, without cache and record.
        observe: gives what is true now: credentials, breakers and performance.
        clock: wall time, for records.
        rng: chance, for the order in which a judge sees answers.
        examiner: says which scorers mark the answers to a task.
        delegated: whether somebody else makes the calls, with models of their own.
    """

    executor: Executor
    settings: Settings
    catalog: Catalog
    store: SqliteStore
    decide: Decide
    observe: Callable[[], RoutingState]
    clock: Callable[[], datetime]
    rng: Rng
    examiner: Examiner
    delegated: bool = False


class Job(NamedTuple):
    """One task that several models share; `on_attempt` is told of each attempt as it begins.

    `notes` say what was changed of the request before it was decided.
    """

    request: Request
    decision: Decision
    options: ModeOptions
    limits: CallLimits
    on_attempt: Callable[[AttemptEvent], None] | None = None
    notes: tuple[str, ...] = ()


def seconds_for(stage: Stage, job: Job) -> float:
    """Return how long the whole may take, all its runs together."""
    return job.limits.seconds or stage.settings.fallback.timeout_ms / 1000


def field_of(stage: Stage, job: Job) -> tuple[Ranked, ...]:
    """Rank every model that the decision let pass, best first, with what each would need."""
    decision = job.decision
    passed = (decision.model, *(one.model for one in decision.candidates), *decision.others)
    state = able(stage)
    situation = situate(
        understood_before(decision)._replace(request=job.request),
        settings=stage.settings,
        catalog=stage.catalog,
        state=state,
        now=stage.clock(),
    )
    models = [stage.catalog.resolve(name) for name in dict.fromkeys(passed)]
    return rank(models, situation).ranked


def able(stage: Stage) -> RoutingState:
    """Observe what is true now, for models that are to run; budgets are asked when they start."""
    changes = {"require_credentials": True, "budget_left_usd": None}
    return stage.observe().model_copy(update=changes)


def narrowed(decision: Decision, *, to: str, provider: str) -> Decision:
    """Keep of a decision one model, without anything to fall back to."""
    own = tuple(one for one in decision.candidates if one.model == to)
    changes = {"model": to, "provider": provider, "candidates": own}
    alone: dict[str, object] = {"fallbacks": (), "others": {}, "rejected": ()}
    return decision.model_copy(update={**changes, **alone})


def models_for(job: Job, usual: int) -> int:
    """Say how many models share a task: as many as were asked for or named, else the usual."""
    request, chain = job.request, job.request.chain
    named = 1 + len(job.decision.fallbacks) if chain else len(request.constraints.models)
    return min(MOST_MODELS, job.options.n or named or usual)


def left_out(job: Job) -> list[str]:
    """Say which models of a chain the decision ruled out, and why."""
    if not job.request.chain:
        return []
    reasons = [(one.model, one.reason.rstrip(".")) for one in job.decision.rejected]
    return [f"{model} was left out: {reason}" for model, reason in reasons]
