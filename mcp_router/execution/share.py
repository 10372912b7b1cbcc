"""A run's share in a task that several runs have in common, and what such a run may use."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mcp_router.execution.costs import Ceiling, worst_case

if TYPE_CHECKING:
    from datetime import datetime

    from mcp_router.storage.ledger import Reservation
    from mcp_router.types import Attempt, ModelInfo


class Share:
    """What one run draws on, and what became of it; still told when the run was stopped.

    Attributes:
        within: money that was set aside for all runs together, to draw on first.
        logprobs: whether somebody wants to know how sure the model was of its words.
        attempts: every try and every route passed over, in order.
    """

    def __init__(self, *, within: Reservation | None = None, logprobs: bool = False) -> None:
        self.within = within
        self.logprobs = logprobs
        self.attempts: list[Attempt] = []


class Quote(NamedTuple):
    """What a request can use at one model: at the most, and with the shortest useful answer.

    `max_cost` are the nano-dollars that settings, task and request allow for it, if they do.
    """

    model: ModelInfo
    most: Ceiling
    least: Ceiling
    max_cost: int | None


class Price(NamedTuple):
    """Nano-dollars a call can cost: with the shortest useful answer, and at the most."""

    least: int
    most: int


def priced(quote: Quote, *, now: datetime) -> Price:
    """Price a quote.

    An unknown price counts as 0 here; whether such a model may run is asked when it starts.
    """
    least, most = (worst_case(quote.model, one, now=now) for one in (quote.least, quote.most))
    return Price(least or 0, most or 0)
