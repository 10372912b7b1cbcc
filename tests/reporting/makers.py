"""Outcomes by kind of task, made briefly."""

from __future__ import annotations

from mcp_router.storage.analysis import Answered, OutcomeGroup


def group(model: str, **changes: object) -> OutcomeGroup:
    """A hundred calls of a cent each on medium debugging, never judged."""
    calls = int(str(changes.pop("calls", 100)))
    each = int(str(changes.pop("each", 10_000_000)))
    plain = OutcomeGroup(
        task_type="debugging",
        complexity="medium",
        model=model,
        calls=calls,
        ok=calls,
        dropped=0,
        priced=calls,
        cost=calls * each,
        cost_squares=float(calls * each**2),
        failed_cost=0,
        judging_cost=0,
        judged=0,
        successes=0.0,
    )
    return OutcomeGroup(**{**plain._asdict(), **changes})


def answered(tasks: int, **changes: object) -> Answered:
    """Tasks of medium debugging, each answered with a thousand tokens in and as many out."""
    plain = Answered("debugging", "medium", tasks, tasks, 1000 * tasks, 0, 0, 0, 1000 * tasks)
    return Answered(**{**plain._asdict(), **changes})
