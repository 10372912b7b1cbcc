"""Which arm of each running experiment a request meets, and what that changes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mcp_router.experiments.split import Arm, assign
from mcp_router.types import Strategy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mcp_router.config.experiments import ArmSettings, ExperimentSettings
    from mcp_router.config.weights import Weights
    from mcp_router.experiments.verdict import Rules
    from mcp_router.types import Request


class Running(NamedTuple):
    """An experiment that runs: how it was defined, and the arms that were stopped."""

    name: str
    plan: ExperimentSettings
    stopped: frozenset[str] = frozenset()


class Exposure(NamedTuple):
    """That a unit meets an arm of an experiment."""

    experiment: str
    arm: str
    unit: str


class Treatment(NamedTuple):
    """A request as its arms change it, and what is to be told of that.

    `weights` are those of the balanced strategy, None for the usual ones. `reasons` has a line
    for every experiment that the request takes part in, `met` only those whose arm still runs.
    """

    request: Request
    weights: Weights | None = None
    met: tuple[Exposure, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def arms(self) -> Mapping[str, str]:
        """The arm it meets of each experiment."""
        return {one.experiment: one.arm for one in self.met}


def treat(
    request: Request, *, task_type: str, prompt: str, running: Iterable[Running]
) -> Treatment:
    """Assign a request to arms; `prompt` stands for its text where no tag names a unit.

    A request that says itself what an arm would change takes no part, and of two experiments
    that change the same only the first. What would go to a stopped arm goes to the control, and
    counts for neither.
    """
    treated = Treatment(request)
    claimed: set[str] = set()
    for one in running:
        plan, changes = one.plan, changed_by(one.plan)
        if plan.tasks and task_type not in plan.tasks:
            continue
        if changes & (claimed | said_by(request)):
            continue
        unit = unit_of(request, tag=plan.unit, prompt=prompt)
        arm = arm_of(one, unit)
        if arm is None:
            continue
        claimed |= changes
        treated = _under(treated, one, Exposure(one.name, arm, unit))
    return treated


def arm_of(experiment: Running, unit: str) -> str | None:
    """Name the arm that a unit belongs to, stopped or not; None if it takes no part."""
    plan = experiment.plan
    key = f"{experiment.name}\n{plan.seed}"
    if plan.share < 1:
        sides = (Arm("in", plan.share), Arm("out", 1 - plan.share))
        if assign(unit, experiment=f"{key}\nshare", arms=sides) == "out":
            return None
    arms = [Arm(name, arm.weight) for name, arm in plan.arms.items()]
    return assign(unit, experiment=key, arms=arms)


def unit_of(request: Request, *, tag: str, prompt: str) -> str:
    """Say what stays in one arm: the value of a tag where the request has it, else its prompt."""
    for name in ("session", "user") if tag == "auto" else (tag,):
        if value := request.tags.get(name):
            return f"{name}={value}"
    return prompt


def changed_by(plan: ExperimentSettings) -> frozenset[str]:
    """Say what the arms of an experiment change: the models, the ranking, or both."""
    arms = plan.arms.values()
    found: set[str] = set()
    if any(arm.chain or arm.models for arm in arms):
        found.add("models")
    if any(arm.strategy or arm.weights for arm in arms):
        found.add("ranking")
    return frozenset(found)


def said_by(request: Request) -> frozenset[str]:
    """Say what a request itself settles of that."""
    found: set[str] = set()
    if request.chain or request.constraints.models:
        found.add("models")
    if request.strategy is not None:
        found.add("ranking")
    return frozenset(found)


def models_of(plan: ExperimentSettings) -> Sequence[str]:
    """List every model, or chain, that an experiment names."""
    return [name for arm in plan.arms.values() for name in (*arm.chain, *arm.models)]


def rules_of(plan: ExperimentSettings) -> Rules:
    """Write when an experiment ends and an arm stops as the statistics take it."""
    from mcp_router.experiments.verdict import Rules

    money = (plan.arm_budget_usd, plan.max_cost_usd)
    allowance, mean = (None if one is None else float(one) for one in money)
    return Rules(
        alpha=plan.alpha,
        margin=plan.margin,
        metric=plan.metric,
        least=plan.min_samples,
        max_failure_rate=plan.max_failure_rate,
        allowance=allowance,
        max_mean_cost=mean,
        max_cost_ratio=plan.max_cost_ratio,
    )


def _under(treated: Treatment, experiment: Running, exposure: Exposure) -> Treatment:
    name, arm = exposure.experiment, exposure.arm
    base = experiment.plan.base
    stopped = arm in experiment.stopped
    reason = f"Experiment {name}, arm {arm}."
    if stopped:
        reason = f"Experiment {name}: arm {arm} was stopped, so as its control, {base}."
    chosen = experiment.plan.arms[base if stopped else arm]
    return Treatment(
        changed(treated.request, arm=chosen),
        chosen.weights or treated.weights,
        treated.met if stopped else (*treated.met, exposure),
        (*treated.reasons, reason),
    )


def changed(request: Request, *, arm: ArmSettings) -> Request:
    """Return a request as an arm wants it."""
    changes: dict[str, object] = {}
    if arm.chain:
        # One name may be that of a chain.
        changes["chain"] = arm.chain[0] if len(arm.chain) == 1 else arm.chain
    if arm.models:
        changes["constraints"] = request.constraints.model_copy(update={"models": arm.models})
    if arm.strategy is not None or arm.weights is not None:
        changes["strategy"] = arm.strategy or Strategy.BALANCED
    return request.model_copy(update=changes) if changes else request
