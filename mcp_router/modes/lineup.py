"""Who works on a task, in which order; pure functions of the ranking."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_router.routing.rank import Ranked
    from mcp_router.types import Decision

CAPABLE = 0.5
"""A cascade starts at the cheapest model that is likelier than not to give a good answer.

Checks of form and wording find few answers that are well put and wrong, so a start below that
would save money at the cost of the answer.
"""


def ladder(decision: Decision, ranked: Sequence[Ranked], *, steps: int) -> tuple[str, ...]:
    """Order the models of a cascade: a chain as it was given, else from cheap to good.

    Of the models that no other beats in both price and chance of success, `steps` are spread
    evenly from the cheapest capable one to the best. The rest follow, best first: they are for
    when those fail.
    """
    if decision.request.chain:
        return (decision.model, *decision.fallbacks)
    front = _front(ranked)
    start = next((at for at, one in enumerate(front) if one.profile.quality >= CAPABLE), 0)
    rungs = front[start:] or front
    last, wanted = len(rungs) - 1, min(steps, len(rungs))
    places = {round(last * at / max(1, wanted - 1)) for at in range(wanted)}
    chosen = [rungs[at].profile.model.name for at in sorted(places)]
    spare = [one.profile.model.name for one in ranked]
    return tuple(dict.fromkeys([*chosen, *spare])) or (decision.model,)


def panel(
    decision: Decision, ranked: Sequence[Ranked], *, size: int, without: Sequence[str] = ()
) -> tuple[str, ...]:
    """Choose who answers side by side: a chain as given, else the decided model and others.

    Others come from as many providers as possible, since those fail and err apart. Models
    `without`, such as judges, are left out as long as enough others are there.
    """
    if decision.request.chain:
        return (decision.model, *decision.fallbacks)[:size]
    chosen = [decision.model]
    waiting = [one for one in ranked if one.profile.model.name != decision.model]
    used = {decision.provider}
    while waiting and len(chosen) < size:
        following = min(
            enumerate(waiting),
            key=lambda item: (
                item[1].profile.model.name in without,
                item[1].profile.model.provider in used,
                item[0],
            ),
        )[1]
        waiting.remove(following)
        used.add(following.profile.model.provider)
        chosen.append(following.profile.model.name)
    return tuple(chosen)


def strongest(ranked: Sequence[Ranked], *, without: Sequence[str] = ()) -> str | None:
    """Name the likeliest model to give a good answer, if possible none of `without`."""
    best = max(
        ranked,
        key=lambda one: (one.profile.model.name not in without, one.profile.quality, one.score),
        default=None,
    )
    return None if best is None else best.profile.model.name


def _front(ranked: Sequence[Ranked]) -> list[Ranked]:
    """Keep the models that nobody beats in both price and quality, cheapest first."""

    def key(one: Ranked) -> tuple[float, float, str]:
        cost = math.inf if one.profile.cost is None else float(one.profile.cost)
        return cost, -one.profile.quality, one.profile.model.name

    front: list[Ranked] = []
    for one in sorted(ranked, key=key):
        if not front or one.profile.quality > front[-1].profile.quality:
            front.append(one)
    return front
