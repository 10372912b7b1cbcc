"""How sure it is that a model is good enough: public evidence and the user's own, as one belief.

The prior of a cell (model, task type, complexity) comes from the evidence table. What was judged of
the model's answers elsewhere moves its mean, first from other task types, then from other
complexities of this one ("partial pooling": Gelman and Hill, 2007, chapter 12); what was judged of
just such work is counted in. So each judgement counts once, and one of other work never as a case
of this.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.belief.beta import Belief, after, deviation, mean, prior
from mcp_router.catalog.evidence import Prior, evidence

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mcp_router.types import Complexity, Grades, ModelInfo

SOURCE_WEIGHTS = {"feedback": 3.0, "scorer": 0.3}
"""What one judgement counts; a scorer without a name looks at form and wording only."""

OTHER_SOURCES = 1.0
"""What a judgement of any other source counts: a judge, a named scorer, a benchmark."""

SURE = 0.8
"""How sure it must be that a model reaches the quality floor before its price or speed counts."""

# How far a model's success on other work of the user may differ from what is expected, in logits.
_MODEL_SPREAD = 0.7
_TASK_SPREAD = 0.5
_STEPS = 12
_LONGEST_STEP = 1.0
_CLOSE = 1e-9


class Posterior(NamedTuple):
    """What is believed of a cell: its prior, the belief now, and how many own cases moved it."""

    belief: Belief
    prior: Prior
    cases: int = 0
    elsewhere: int = 0


class _Sum(NamedTuple):
    """Weighed judgements of one cell: log odds expected before them, good and bad ones."""

    task: str
    complexity: Complexity
    good: float
    bad: float
    cases: int


def posterior(
    model: ModelInfo,
    *,
    task: str,
    complexity: Complexity,
    grades: Sequence[Grades] = (),
    ease: float = 0.0,
) -> Posterior:
    """Join the prior of a cell with what was judged of the model.

    `grades` are those of `model`; `ease` says how much easier than usual for such work this one
    request looks, in logits.
    """
    start = evidence(model, task=task, complexity=complexity, ease=ease)
    if not grades:
        return Posterior(prior(start.mean, weight=start.weight), start)
    sums = _sums(grades)
    here = [one for one in sums if (one.task, one.complexity) == (task, complexity)]
    same = [one for one in sums if one.task == task and one.complexity != complexity]
    shift = 0.0
    others = [one for one in sums if one.task != task]
    for known, spread in ((others, _MODEL_SPREAD), (same, _TASK_SPREAD)):
        shift = _shift(_expected(known, model), start=shift, spread=spread)
    moved = 1 / (1 + math.exp(-_logit(start.mean) - shift))
    belief = prior(moved, weight=start.weight)
    for one in here:
        belief = after(belief, good=one.good, bad=one.bad)
    elsewhere = sum(one.cases for one in (*same, *others))
    return Posterior(belief, start, sum(one.cases for one in here), elsewhere)


def told(one: Posterior) -> str:
    """Say what is believed and why: "0.82 ± 0.05 from MMLU-Pro math 2024 + 14 of your own"."""
    text = f"{mean(one.belief):.2f} ± {deviation(one.belief):.2f} from {one.prior.basis}"
    if one.cases:
        text += f" + {one.cases:,} of your own"
    if one.elsewhere:
        text += f", moved by {one.elsewhere:,} of your own on other work"
    return text


def _sums(grades: Iterable[Grades]) -> list[_Sum]:
    found: dict[tuple[str, Complexity], _Sum] = {}
    for one in grades:
        place = one.task_type, one.complexity
        weight = SOURCE_WEIGHTS.get(one.source, OTHER_SOURCES)
        before = found.get(place) or _Sum(one.task_type, one.complexity, 0.0, 0.0, 0)
        found[place] = before._replace(
            good=before.good + weight * one.good,
            bad=before.bad + weight * one.bad,
            cases=before.cases + one.cases,
        )
    return list(found.values())


def _expected(sums: Iterable[_Sum], model: ModelInfo) -> list[tuple[float, float, float]]:
    return [
        (
            _logit(evidence(model, task=one.task, complexity=one.complexity).mean),
            one.good,
            one.good + one.bad,
        )
        for one in sums
    ]


def _shift(cells: Sequence[tuple[float, float, float]], *, start: float, spread: float) -> float:
    """Find how far success is off what was expected, in logits, by Newton's method.

    The most likely shift under a normal prior around `start`: any further success moves it up.
    """
    if not cells:
        return start
    found, hold = start, 1 / spread**2
    for _ in range(_STEPS):
        slope, curve = (start - found) * hold, hold
        for expected, good, whole in cells:
            chance = 1 / (1 + math.exp(-expected - found))
            slope += good - whole * chance
            curve += whole * chance * (1 - chance)
        step = max(-_LONGEST_STEP, min(_LONGEST_STEP, slope / curve))
        found += step
        if abs(step) < _CLOSE:
            break
    return found


def _logit(chance: float) -> float:
    kept = min(max(chance, 0.005), 0.995)
    return math.log(kept / (1 - kept))
