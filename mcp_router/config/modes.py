"""The settings of the modes in which several models share one task."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from mcp_router.config.checks import not_bool
from mcp_router.types import Resolve, Value

Name = Annotated[str, Field(min_length=1, max_length=200)]
Models = Annotated[int, BeforeValidator(not_bool), Field(ge=1, le=10)]
Share = Annotated[float, BeforeValidator(not_bool), Field(ge=0, le=1)]


class CascadeSettings(Value):
    """When a cascade goes on to a dearer model, and how far."""

    threshold: Share = Field(
        default=0.6, description="The confidence below which the next model is asked."
    )
    steps: Models = Field(default=3, description="How many models may answer at the most.")
    samples: Models = Field(
        default=1,
        description="How often each model is asked, to see whether its answers agree.",
    )
    judges: tuple[Name, ...] = Field(
        default=(), description="Models that grade an answer before it is taken."
    )


class EnsembleSettings(Value):
    """How many models answer, and how their answers become one."""

    size: Models = Field(default=3, description="How many models answer.")
    resolve: Resolve = Field(
        default=Resolve.AUTO, description="How several answers become one; auto votes or ranks."
    )
    min_agreement: Share = Field(
        default=0.5, description="The share of the answers that a vote needs."
    )
    judges: tuple[Name, ...] = Field(
        default=(), description="Models that grade the answers; the first one merges them."
    )
    deadline_ms: Annotated[int, BeforeValidator(not_bool), Field(ge=1, le=86_400_000)] = Field(
        default=30_000, description="When the slow ones are dropped, if any has answered."
    )


class RedundantSettings(Value):
    """How many models race, and what a good answer is."""

    size: Models = Field(default=2, description="How many models race.")
    hedge: bool = Field(
        default=True,
        description="Whether the next one starts only when the one before it is slow.",
    )
    threshold: Share = Field(
        default=0.6, description="The confidence at which an answer wins the race."
    )
