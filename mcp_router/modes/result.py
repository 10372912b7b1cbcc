"""The result of several seats: the answer that won, all others, and what everything cost."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from mcp_router.errors import (
    BudgetExceededError,
    ContextLengthError,
    FallbackExhaustedError,
    InvalidRequestError,
    ProviderError,
    RouterError,
    UnpricedModelError,
)
from mcp_router.execution.policy import Step, failure_of
from mcp_router.types import Completion, Mode, ModelAnswer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mcp_router.modes.seat import Seat
    from mcp_router.types import Attempt

_MONEY = (BudgetExceededError, UnpricedModelError)


class Told(NamedTuple):
    """What is told of a result: who else had part in it, how it was chosen, and what to know."""

    mode: Mode
    why: str
    latency_ms: int
    agreement: float | None = None
    helpers: Sequence[Seat] = ()
    warnings: Sequence[str] = ()


def completion(winner: Seat, seats: Sequence[Seat], *, told: Told) -> Completion:
    """Put the result together; `seats` are all who answered or failed to, the winner among them.

    Raises:
        ValueError: the winner has no answer.
    """
    best = winner.done
    if best is None:
        raise ValueError("who wins must have answered")
    attempts = [one for seat in (*seats, *told.helpers) for one in seat.attempts()]
    warnings = (*told.warnings, *best.warnings)
    return best.model_copy(
        update={
            "attempts": tuple(attempts),
            "cost_usd": total_cost(attempts),
            "latency_ms": told.latency_ms,
            "first_token_ms": None,
            "mode": told.mode,
            "confidence": winner.confidence,
            "answers": tuple(answer_of(seat, won=seat is winner) for seat in seats if seat.done),
            "agreement": told.agreement,
            "why": told.why,
            "warnings": tuple(dict.fromkeys(warnings)),
        }
    )


def total_cost(attempts: Iterable[Attempt]) -> Decimal | None:
    """Add up what attempts cost; None where one that used tokens has no price."""
    total = Decimal(0)
    for one in attempts:
        if one.cost_usd is not None:
            total += one.cost_usd
        elif one.usage is not None:
            return None
    return total


def answer_of(seat: Seat, *, won: bool) -> ModelAnswer:
    """Write the answer of a seat as one of several.

    Raises:
        ValueError: it has none.
    """
    done = seat.done
    if done is None:
        raise ValueError("a seat without an answer has none to tell")
    return ModelAnswer(
        model=done.model,
        provider=done.provider,
        content=done.content,
        tool_calls=done.tool_calls,
        finish_reason=done.finish_reason,
        confidence=seat.confidence,
        score=seat.score,
        cost_usd=total_cost(seat.share.attempts),
        latency_ms=done.latency_ms,
        won=won,
        why=seat.why,
    )


def failure(seats: Sequence[Seat]) -> RouterError:
    """Say why nobody answered: the one cause if there is one, else every attempt."""
    errors = [seat.error for seat in seats if seat.error is not None]
    final = next((one for one in errors if ends(one)), None)
    if final is not None:
        return final
    for kinds in (_MONEY, (ContextLengthError,)):
        if errors and all(isinstance(one, kinds) for one in errors):
            return errors[0]
    return FallbackExhaustedError([one for seat in seats for one in seat.attempts()])


def ends(error: RouterError | None) -> bool:
    """Say whether a cause ends a task: what was refused as such is not offered elsewhere."""
    if not isinstance(error, ProviderError | InvalidRequestError):
        return False
    return failure_of(error).step is Step.STOP


def losses(seats: Iterable[Seat]) -> list[str]:
    """Say of each seat without an answer why there is none."""
    return [f"{seat.model} gave no answer: {_reason(seat)}" for seat in seats if seat.done is None]


def _reason(seat: Seat) -> str:
    if seat.cut:
        return seat.cut
    tried = [one.reason or one.outcome for one in seat.share.attempts if one.outcome != "ok"]
    if tried:
        return tried[-1]
    return "it could not be asked" if seat.error is None else seat.error.message.rstrip(".")
