"""A trial on the choices that were really made: what others would have cost and given instead."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mcp_router.errors import InvalidRequestError
from mcp_router.evaluation.intervals import Line, compared
from mcp_router.evaluation.logged import Logged
from mcp_router.evaluation.off_policy import (
    LEAST_SIZE,
    Estimated,
    Pick,
    best_single,
    cheapest,
    estimate,
    estimated,
    folds,
    safe,
)
from mcp_router.evaluation.policies import Choice
from mcp_router.evaluation.trial import BEST, LEARNER, RULE, Verdict, verdict_on

AS_IT_WAS = "as it was"
LEAST_CHOICES = 30
"""How many judged choices are needed before anything is estimated."""

_POLICIES: Mapping[str, Pick] = {LEARNER: safe, BEST: best_single, "cheapest": cheapest}
BUILT_IN = (*_POLICIES, AS_IT_WAS)


class PastTrial(NamedTuple):
    """What was estimated, against what was really done.

    `lines` begin with the policy that the verdict is on. `sizes` are effective sample sizes by
    policy; `verdict` is None where that of the first is not enough evidence.
    """

    choices: int
    models: Mapping[str, int]
    random: int
    lines: tuple[Line, ...]
    sizes: Mapping[str, float]
    verdict: Verdict | None


def run_past_trial(
    rows: Sequence[Logged],
    *,
    policy: str = LEARNER,
    rule: Sequence[str] = (),
    tried: int = 0,
    seed: int = 0,
) -> PastTrial:
    """Estimate policies from choices of the past.

    Args:
        rows: the choices.
        policy: what the verdict is on: one of `BUILT_IN`, `RULE` or a model.
        rule: the model that a rule would have chosen in each case.
        tried: how many of the choices were left to chance, with known chances.
        seed: draws the samples of the intervals.

    Raises:
        InvalidRequestError: too few choices were judged, or nobody knows the policy.
    """
    if len(rows) < LEAST_CHOICES:
        raise InvalidRequestError(
            field="history",
            problem=f"{len(rows)} judged decisions are not enough evidence; {LEAST_CHOICES} are",
            hint="Judge answers: mcp-router feedback --good, or --bad.",
        )
    found = {name: estimated(rows, pick) for name, pick in _POLICIES.items()}
    found |= _named(rows, policy=policy, rule=rule)
    was = Choice(tuple(one.cost for one in rows), tuple(one.score for one in rows))
    found[AS_IT_WAS] = Estimated(was, float(len(rows)), len(rows))
    ordered = {policy: found.pop(policy), **found}
    rng = random.Random(seed)  # noqa: S311 - it draws samples, it keeps no secret
    choices = {name: one.choice for name, one in ordered.items()}
    lines = compared(choices, base=was, rng=rng)
    counts: dict[str, int] = {}
    for one in rows:
        counts[one.model] = counts.get(one.model, 0) + 1
    enough = ordered[policy].size >= LEAST_SIZE
    return PastTrial(
        choices=len(rows),
        models=counts,
        random=tried,
        lines=lines,
        sizes={name: one.size for name, one in ordered.items()},
        verdict=verdict_on(lines[0]) if enough else None,
    )


def _named(rows: Sequence[Logged], *, policy: str, rule: Sequence[str]) -> dict[str, Estimated]:
    if policy in BUILT_IN:
        return {}
    picked = list(rule) if policy == RULE else [policy] * len(rows)
    if policy != RULE and not any(policy in row.options for row in rows):
        raise InvalidRequestError(
            field="policy",
            problem=f"{policy!r} is no policy, and no model that could have been chosen",
            hint=f"Policies are: {', '.join(BUILT_IN)}.",
        )
    # Where it could not be chosen, what was chosen stays.
    able = [model if model in row.options else "" for row, model in zip(rows, picked, strict=True)]
    return {policy: estimate(rows, able, known=folds(rows))}
