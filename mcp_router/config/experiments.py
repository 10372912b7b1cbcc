"""The settings of experiments between models or settings, and of calls beside the user's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from mcp_router.config.checks import not_bool, refusal, task_name
from mcp_router.config.weights import Weight, Weights
from mcp_router.money import Usd
from mcp_router.types import Strategy, Value

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")


def _plain_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise refusal("this is no usable name", allowed="letters, digits, _ and -, up to 40")
    return name


Name = Annotated[str, Field(min_length=1, max_length=200)]
PlainName = Annotated[str, AfterValidator(_plain_name)]
TaskName = Annotated[str, AfterValidator(task_name)]
Number = Annotated[float, BeforeValidator(not_bool)]
Share = Annotated[Number, Field(ge=0, le=1)]
Count = Annotated[int, BeforeValidator(not_bool), Field(ge=1, le=1_000_000_000)]


class ArmSettings(Value):
    """What one arm changes; an arm that changes nothing runs as the settings say."""

    weight: Weight = Field(default=1, description="Its share of the traffic beside the others.")
    chain: tuple[Name, ...] = Field(
        default=(), description="The models to try in order, or the name of one chain."
    )
    models: tuple[Name, ...] = Field(default=(), description="The only models to choose among.")
    strategy: Strategy | None = Field(default=None, description="How models are ranked.")
    weights: Weights | None = Field(default=None, description="Weights of the balanced strategy.")


class ExperimentSettings(Value):
    """Arms that share the traffic, what decides between them, and when one must stop."""

    arms: Mapping[PlainName, ArmSettings] = Field(
        default={}, description="What is compared, by name; two to ten arms."
    )
    control: Name | None = Field(
        default=None, description="The arm the others are compared with; the first one unless set."
    )
    tasks: tuple[TaskName, ...] = Field(
        default=(), description="The task types that take part; all of them unless set."
    )
    share: Annotated[Number, Field(gt=0, le=1)] = Field(
        default=1, description="The share of the traffic that takes part."
    )
    unit: Name = Field(
        default="auto",
        description="The tag whose values stay in one arm; auto: session, user, else the prompt.",
    )
    seed: Annotated[str, Field(max_length=200)] = Field(
        default="", description="Another text splits the same traffic in another way."
    )
    metric: Literal["success", "score", "cost"] = Field(
        default="success", description="What decides; cost means cheaper and no worse."
    )
    threshold: Share = Field(
        default=0.5, description="The confidence from which on an answer counts as good."
    )
    margin: Annotated[Number, Field(ge=0, lt=1)] = Field(
        default=0.05, description="A difference in success or score that does not matter."
    )
    alpha: Annotated[Number, Field(gt=0, lt=1)] = Field(
        default=0.05, description="The chance of a false verdict, however often one looks."
    )
    min_samples: Count = Field(
        default=50, description="Results of each arm before there is a verdict."
    )
    max_samples: Count | None = Field(
        default=None, description="Results of all arms at which the experiment ends."
    )
    max_failure_rate: Share | None = Field(
        default=None, description="An arm that surely fails more often stops."
    )
    max_cost_usd: Usd | None = Field(
        default=None, description="An arm that surely costs more per task stops."
    )
    max_cost_ratio: Annotated[Number, Field(ge=1, le=1_000_000)] | None = Field(
        default=None, description="An arm that surely costs more times the control stops."
    )
    arm_budget_usd: Usd | None = Field(
        default=None, description="An arm that has spent so much stops."
    )

    @model_validator(mode="after")
    def _arms_fit(self) -> ExperimentSettings:
        if not 2 <= len(self.arms) <= 10:
            raise refusal(f"it has {len(self.arms)} arms", allowed="two to ten arms")
        if not all(arm.weight for arm in self.arms.values()):
            raise refusal("an arm has no weight", allowed="weights above 0")
        if self.control is not None and self.control not in self.arms:
            allowed = f"one of {', '.join(self.arms)}"
            raise refusal("the control is none of its arms", allowed=allowed)
        changes = [_changes(arm) for arm in self.arms.values()]
        if not any(changes):
            raise refusal("no arm changes anything", allowed="chain, models, strategy or weights")
        if any(change in changes[:at] for at, change in enumerate(changes)):
            raise refusal("two of its arms are the same", allowed="arms that differ")
        return self

    @property
    def base(self) -> str:
        """The arm that the others are compared with."""
        return self.control or next(iter(self.arms))


class ShadowSettings(Value):
    """A second model that runs some requests too, after the answer; nobody sees what it says."""

    chain: tuple[Name, ...] = Field(
        default=(), description="The models to try in order, or the name of one chain."
    )
    daily_usd: Usd | None = Field(
        default=None, description="Most USD per day, beside your budgets; without it nothing runs."
    )
    share: Share = Field(default=0.1, description="The share of the requests it runs too.")
    tasks: tuple[TaskName, ...] = Field(
        default=(), description="The task types it runs; all of them unless set."
    )
    judge: Name | None = Field(
        default=None, description="A model that grades both answers; paid from the same budget."
    )
    at_once: Annotated[int, BeforeValidator(not_bool), Field(ge=1, le=64)] = Field(
        default=4, description="How many run at the same time; a further one is left out."
    )
    wait_ms: Annotated[int, BeforeValidator(not_bool), Field(ge=0, le=600_000)] = Field(
        default=10_000, description="How long a program that ends waits for those that run."
    )

    @property
    def on(self) -> bool:
        """Whether anything is to run."""
        return bool(self.chain and self.daily_usd and self.share > 0)


def _changes(arm: ArmSettings) -> dict[str, object]:
    """Say what an arm changes."""
    return arm.model_dump(exclude_defaults=True, exclude={"weight"})
