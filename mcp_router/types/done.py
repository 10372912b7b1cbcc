"""What happened: attempts, answers, their events, outcomes and what reports say of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from mcp_router.money import Usd, UsdSum
from mcp_router.types.asked import Reasoning, ToolCall
from mcp_router.types.learnt import Learnt
from mcp_router.types.words import Complexity, Mode, Score, Tokens, Value


class Usage(Value):
    """Tokens of one answer in disjoint buckets; their sum is everything that is billed."""

    input_tokens: Tokens = 0
    cache_read_tokens: Tokens = 0
    cache_write_tokens: Tokens = 0
    reasoning_tokens: Tokens = 0
    output_tokens: Tokens = 0


class Logprobs(Value):
    """How sure a model was of its words: natural logarithms of the probabilities of its `tokens`.

    `mean` is over all of them, `lowest` over the few in a row that it was least sure of.
    """

    mean: Annotated[float, Field(le=0.0)]
    lowest: Annotated[float, Field(le=0.0)]
    tokens: Annotated[int, Field(gt=0)]


class Attempt(Value):
    """One try at one model; `outcome` is ok, cache or a failure class, `reason` says more."""

    model: str
    provider: str
    outcome: str
    reason: str = ""
    latency_ms: int = 0
    first_token_ms: int | None = None
    usage: Usage | None = None
    cost_usd: Usd | None = None


class ModelAnswer(Value):
    """One of several answers to a task; `why` says in a clause why it won or did not.

    `confidence` is the chance that it is good, `score` what decided where answers were weighed
    or graded, and `cost_usd` what all attempts at it cost, None where that is unknown.
    """

    model: str
    provider: str
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str = "stop"
    confidence: Score | None = None
    score: Score | None = None
    cost_usd: Usd | None = None
    latency_ms: int = 0
    won: bool = False
    why: str = ""


class Completion(Value):
    """The answer to an executed request, with every attempt it took.

    `confidence` is the chance that the answer is good, judged by its form and wording, or the mark
    of scorers; None where nothing judged it. Where several models had part in it, `answers` holds
    what each said and `cost_usd` is what all attempts together cost; else it is the cost of the
    answer alone.
    `logprobs` says how sure the model was of its words, where they were asked for and given.
    `agreement` is how far the answers say the same, and `why` how this one was chosen. A `cached`
    answer was given before: nobody was asked, nothing was used, and it costs nothing.
    """

    decision_id: str
    model: str
    provider: str
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    reasoning: tuple[Reasoning, ...] = ()
    finish_reason: str
    usage: Usage
    cost_usd: Usd | None
    latency_ms: int
    first_token_ms: int | None = None
    attempts: tuple[Attempt, ...]
    mode: Mode = Mode.SINGLE
    confidence: Score | None = None
    logprobs: Logprobs | None = None
    answers: tuple[ModelAnswer, ...] = ()
    agreement: Score | None = None
    why: str = ""
    cached: bool = False
    warnings: tuple[str, ...] = ()


class DeltaEvent(NamedTuple):
    """A piece of the answer's text, never empty."""

    text: str
    type: Literal["delta"] = "delta"


class ReasoningEvent(NamedTuple):
    """A piece of the model's visible thinking, never empty."""

    text: str
    type: Literal["reasoning"] = "reasoning"


class ToolCallEvent(NamedTuple):
    """A whole tool call of an answer that has ended; no restart can follow it."""

    tool_call: ToolCall
    type: Literal["tool_call"] = "tool_call"


class AttemptEvent(NamedTuple):
    """An attempt begins, the first being `number` 1; `after` is the one that failed before it.

    `decision_id` is that of the decision which is carried out.
    """

    model: str
    provider: str
    number: int
    after: Attempt | None = None
    type: Literal["attempt"] = "attempt"
    decision_id: str = ""


class RestartEvent(NamedTuple):
    """All text and reasoning so far is void: the stream of `model` broke, and another begins."""

    model: str
    reason: str
    type: Literal["restart"] = "restart"


class DoneEvent(NamedTuple):
    """The end of a stream that is whole; always the last event."""

    result: Completion
    type: Literal["done"] = "done"


StreamEvent = DeltaEvent | ReasoningEvent | ToolCallEvent | AttemptEvent | RestartEvent | DoneEvent
"""One event of a streamed execution; `event.type` tells which."""


Source = Annotated[
    str,
    Field(
        pattern=r"\A(execution|feedback|scorer|judge|experiment|cache|shadow|(scorer|benchmark):.{1,200})\Z"
    ),
]
"""Where an outcome comes from; a scorer and a benchmark may add their names, as in scorer:tests."""


class Outcome(Value):
    """What came of a decision: one row per attempt, judgement or feedback, with its source.

    An answer that was given again is of source cache, and no evidence about its model.
    `score` is 0 to 1 where somebody or something judged the answer, else None.
    """

    decision_id: str
    created_at: datetime
    model: str
    provider: str
    task_type: str
    complexity: Complexity
    ok: bool
    source: Source = "execution"
    failure: str = ""
    score: Score | None = None
    note: str = ""
    latency_ms: int | None = None
    first_token_ms: int | None = None
    estimated_tokens: Tokens | None = None
    usage: Usage | None = None
    cost_usd: Usd | None = None
    category: str | None = None
    project: str | None = None
    session: str | None = None


class Performance(Value):
    """What the store knows of one model on one task type; decayed counts, times in ms."""

    successes: Annotated[float, Field(ge=0.0)] = 0.0
    failures: Annotated[float, Field(ge=0.0)] = 0.0
    calls: int = 0
    latency_p50_ms: int | None = None
    latency_p95_ms: int | None = None
    first_token_p95_ms: int | None = None
    token_ratio: Annotated[float, Field(gt=0.0)] = 1.0


class Grades(Value):
    """How answers of one model to one kind of work were judged by one source; decayed counts."""

    task_type: str
    complexity: Complexity
    source: str
    cases: Annotated[int, Field(ge=0)] = 0
    good: Annotated[float, Field(ge=0.0)] = 0.0
    bad: Annotated[float, Field(ge=0.0)] = 0.0


class RoutingState(Value):
    """What is true at the moment of a decision besides the request and the settings.

    `usable_providers` have credentials or need none; with `require_credentials` no other is a
    candidate. `blocked` maps a model to why it may not be called now. `performance` maps model,
    then task type ("" for all tasks) to what was observed, `grades` a model to how good its answers
    were found. `budget_left_usd` is None without a limit, `learnt` where learning is off.
    """

    usable_providers: frozenset[str] = frozenset()
    require_credentials: bool = False
    blocked: Mapping[str, str] = {}
    performance: Mapping[str, Mapping[str, Performance]] = {}
    grades: Mapping[str, tuple[Grades, ...]] = {}
    budget_left_usd: Usd | None = None
    learnt: Learnt | None = None


class BudgetStatus(Value):
    """One budget: its limit, what is spent and reserved in the running period, what is left."""

    name: str
    period: Literal["request", "day", "month", "total"]
    limit_usd: Usd | None
    spent_usd: Usd
    reserved_usd: Usd
    left_usd: Usd | None
    used_percent: float | None = None
    resets_at: datetime | None = None
    alert: str | None = None


class StatRow(Value):
    """One line of a report, for one group of a period.

    `calls` are the attempts at models, also those that failed or were given up; `ok` are those of
    them that gave an answer.
    """

    group: str
    decisions: int
    calls: int = 0
    ok: int = 0
    fallbacks: int = 0
    input_tokens: Tokens = 0
    output_tokens: Tokens = 0
    cost_usd: UsdSum
    estimated_cost_usd: UsdSum
    baseline_usd: UsdSum
    latency_p50_ms: int | None = None
    latency_p95_ms: int | None = None
