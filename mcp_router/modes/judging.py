"""Models that grade the answers of others: asked, paid and heard like any other model."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import anyio

from mcp_router.errors import RouterError, StorageError
from mcp_router.execution.limits import CallLimits
from mcp_router.execution.share import priced
from mcp_router.modes.purse import quotes_of
from mcp_router.modes.seat import Seat
from mcp_router.modes.stage import able, narrowed
from mcp_router.quality.judging import Answer, combine_grades, plan_judging, read_grades
from mcp_router.quality.prompts import judge_request
from mcp_router.types import TaskType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_router.execution.share import Quote
    from mcp_router.modes.stage import Job, Stage
    from mcp_router.modes.team import Team
    from mcp_router.storage.ledger import Reservation
    from mcp_router.types import Request

# An answer is shown to a judge or a merger with at most 12,000 characters, about so many tokens.
_SHOWN = 4_000
_AROUND = 600
_ORDERS = 2


class Bench(NamedTuple):
    """Who judges, from which money, and until when by the event loop's clock.

    `nanos` is the most that all of them together may cost; None for what the budgets allow.
    """

    judges: tuple[str, ...]
    within: Reservation | None
    until: float
    nanos: int | None


class Verdict(NamedTuple):
    """What the judges said: a grade from 0 to 1 for each answer, None for one nobody graded.

    `winner` is None in a tie or where no reply could be read; `place_bias` is by how much the
    first place was graded above the last.
    """

    winner: int | None
    grades: tuple[float | None, ...]
    seats: tuple[Seat, ...]
    place_bias: float = 0.0
    warnings: tuple[str, ...] = ()


async def judged(
    stage: Stage, job: Job, seats: Sequence[Seat], *, bench: Bench, team: Team
) -> Verdict:
    """Have answers graded in shuffled order and its reverse, by nobody's own model if possible.

    Raises:
        StorageError: the database failed.
    """
    answers = [Answer(seat.model, seat.text) for seat in seats]
    plan = plan_judging(job.request, answers, judges=_able(bench.judges, answers), rng=stage.rng)
    calls: list[Seat] = []
    warnings: list[str] = []
    if bench.nanos is not None:
        bench = bench._replace(nanos=bench.nanos // max(1, len(plan.calls)))
    for call in plan.calls:
        try:
            calls.append(helper(stage, job, call.request, name=call.judge, bench=bench))
        except StorageError:
            raise
        except RouterError as error:
            warnings.append(f"{call.judge} could not judge: {error.message.rstrip('.')}")
            return Verdict(None, (None,) * len(seats), (), warnings=tuple(warnings))
    await team.work(calls, cut="the judge was too slow")
    found = combine_grades(
        plan.calls, [seat.text if seat.done else None for seat in calls], count=len(answers)
    )
    if found.calls < len(calls):
        warnings.append(f"{len(calls) - found.calls} of {len(calls)} verdicts could not be read")
    own = [answers[at].model for at in plan.self_judged]
    warnings += [f"{name} graded its own answer, as no other judge was there" for name in own]
    return Verdict(found.winner, found.grades, tuple(calls), found.place_bias, tuple(warnings))


async def graded_alone(
    stage: Stage, job: Job, seat: Seat, *, bench: Bench, team: Team
) -> tuple[float | None, tuple[Seat, ...]]:
    """Have one answer graded by the first judge that did not write it; None without a verdict.

    Raises:
        StorageError: the database failed.
    """
    judge = next((name for name in bench.judges if name != seat.model), None)
    if judge is None:
        return None, ()
    mark = f"{int(stage.rng.random() * 16**10):010x}"
    request = judge_request(job.request, [seat.text], mark=mark)
    try:
        call = helper(stage, job, request, name=judge, bench=bench)
    except StorageError:
        raise
    except RouterError:
        return None, ()
    await team.work([call], cut="the judge was too slow")
    grades = read_grades(call.text, count=1) if call.done else None
    return (grades[0] if grades else None), (call,)


def helper(
    stage: Stage, job: Job, request: Request, *, name: str, bench: Bench, grading: bool = True
) -> Seat:
    """Give a model a request of our own about a task; it counts for the task's budgets.

    Raises:
        RouterError: the model cannot take it.
    """
    model = stage.catalog.resolve(name)
    own = request.model_copy(
        update={"chain": (model.name,), "tags": job.request.tags, "category": job.request.category}
    )
    changes: dict[str, object] = {"decision_id": job.decision.decision_id}
    if grading:
        # How well a model grades says nothing about how well it does the task.
        changes["task_type"] = TaskType.CLASSIFICATION.value
    decision = narrowed(
        stage.decide(own, state=able(stage), now=stage.clock()).model_copy(update=changes),
        to=model.name,
        provider=model.provider,
    )
    left = max(0.001, bench.until - anyio.current_time())
    limits = CallLimits(seconds=left, nanos=bench.nanos)
    return Seat(own, decision=decision, limits=limits, within=bench.within)


def judging_price(stage: Stage, job: Job, quotes: Sequence[Quote], *, judges: Sequence[str]) -> int:
    """Price the most that judging the answers to these quotes can cost; nano-dollars."""
    return sum(
        _ORDERS * _price(stage, one, quotes, outputs=200 + 20 * len(quotes))
        for one in quotes_of(stage, job, judges)
    )


def merging_price(stage: Stage, job: Job, quotes: Sequence[Quote], *, merger: str) -> int:
    """Price the most that merging the answers to these quotes can cost; nano-dollars."""
    (quote,) = quotes_of(stage, job, [merger])
    return _price(stage, quote, quotes, outputs=quote.least.outputs)


def _price(stage: Stage, quote: Quote, quotes: Sequence[Quote], *, outputs: int) -> int:
    shown = sum(min(one.most.outputs, _SHOWN) for one in quotes)
    most = quote.most._replace(inputs=quote.most.inputs + shown + _AROUND, outputs=outputs)
    return priced(quote._replace(most=most, least=most), now=stage.clock()).most


def _able(judges: Sequence[str], answers: Sequence[Answer]) -> tuple[str, ...]:
    """Let the authors of other answers judge too, where every judge wrote one itself."""
    authors = dict.fromkeys(one.model for one in answers)
    if any(judge not in authors for judge in judges):
        return tuple(judges)
    second = next((name for name in authors if name not in judges), None)
    return (*judges, second) if second else tuple(judges)
