"""How much each part of a score counts."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from mcp_router.config.checks import not_bool, refusal
from mcp_router.types import Value

Weight = Annotated[float, BeforeValidator(not_bool), Field(ge=0, le=1_000_000)]


class Weights(Value):
    """How much each part of a score counts; any non-negative numbers, normalised to sum to 1."""

    capability: Weight = Field(
        default=0.35, description="How well the model's ratings fit the task."
    )
    cost: Weight = Field(default=0.20, description="How little this request is expected to cost.")
    quality: Weight = Field(default=0.20, description="The predicted chance of a good answer.")
    latency: Weight = Field(default=0.15, description="How fast the answer is expected.")
    historical: Weight = Field(default=0.10, description="What was observed of the model before.")

    @model_validator(mode="after")
    def _normalise(self) -> Weights:
        total = sum(self.__dict__.values())
        if total <= 0:
            raise refusal("all weights are zero", allowed="at least one weight above 0")
        # Weights that sum to 1 already are left as they are, so that a round trip is exact.
        if abs(total - 1) > 1e-9:
            for key, weight in dict(self.__dict__).items():
                object.__setattr__(self, key, weight / total)
        return self
