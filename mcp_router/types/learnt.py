"""What was learnt from judged answers, as a decision takes it, and what it changed there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from mcp_router.money import Usd
from mcp_router.types.words import Score, Value


class Lesson(Value):
    """How far the words of a request move a model's quality, and from how many judged answers."""

    shift: Annotated[float, Field(ge=-1.0, le=1.0)]
    cases: int


class Switch(Value):
    """A task type that went from its usual model to a cheaper one; `chance` is how sure it was."""

    usual: str
    model: str
    chance: Score


class Trying(Value):
    """Leave to try models: with which share of the requests, and how much may be spent today.

    `seed` makes the draws of one day and state differ from those of another.
    """

    share: Score
    left_usd: Usd
    seed: str = ""


class Learnt(Value):
    """All that was learnt: lessons by model, for one request, and switches by task type.

    `parts` tells what part of all requests each task type is, "" one that was not seen yet, and
    `room` what is left of the quality that may be lost: 1 of all, more where quality was gained.
    """

    lessons: Mapping[str, Lesson] = {}
    switches: Mapping[str, Switch] = {}
    parts: Mapping[str, Score] = {}
    room: Annotated[float, Field(ge=0.0)] = 1.0
    trying: Trying | None = None


class LearntChoice(Value):
    """What learning did to a decision: kept its usual model, switched it, or tried another.

    `propensity` is the chance with which the model was chosen and `chance` how sure it is that it
    is no worse than `usual`. `ready` names a model sure enough to be switched to, and `failed`
    tells that a switch is not sure enough any more; "" and False where there is none.
    """

    kind: Literal["usual", "switched", "explored"]
    usual: str
    propensity: Annotated[float, Field(gt=0.0, le=1.0)]
    chance: Score
    quality: Score
    usual_quality: Score
    usual_cost_usd: Usd
    ready: str = ""
    ready_quality: Score | None = None
    ready_chance: Score = 0.0
    failed: bool = False
