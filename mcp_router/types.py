"""The values that flow through the router: frozen, validated, without behaviour.

One definition gives the JSON of every face, the stored row and the check on the way in.
Costs are decimal US dollars, times are UTC, token counts are whole, unknown is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

from mcp_router.money import Usd


class Value(BaseModel):
    """Base of every value: frozen, no unknown fields, no NaN or infinity."""

    # Building validators on first use keeps `import mcp_router` short.
    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True, str_max_length=None
    )


def _mended(text: str) -> str:
    """Replace lone surrogates, which no encoder takes, by U+FFFD; whole pairs become characters."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


Prose = Annotated[str, AfterValidator(_mended)]
Score = Annotated[float, Field(ge=0.0, le=1.0)]
Tokens = Annotated[int, Field(ge=0)]


class Word(StrEnum):
    """A fixed word; it hashes as the plain string does, in C, and so finds what that finds."""

    __hash__ = str.__hash__


class TaskType(Word):
    """What kind of work a prompt asks for; users add their own names in the config."""

    ARCHITECTURE = "architecture"
    PLANNING = "planning"
    CODE_GENERATION = "code_generation"
    CODE_REVIEW = "code_review"
    DEBUGGING = "debugging"
    REFACTORING = "refactoring"
    TESTING = "testing"
    DOCUMENTATION = "documentation"
    ANALYSIS = "analysis"
    CREATIVE = "creative"
    FACTUAL = "factual"
    COORDINATION = "coordination"
    SIMPLE_TASK = "simple_task"
    MATH_LOGIC = "math_logic"
    DATA_ANALYSIS = "data_analysis"
    SUMMARIZATION = "summarization"
    EXTRACTION = "extraction"
    CLASSIFICATION = "classification"
    TRANSLATION = "translation"
    CHAT = "chat"
    LONG_DOCUMENT = "long_document"
    MULTIMODAL = "multimodal"


class Complexity(Word):
    """How hard the work is; basic, intermediate, advanced and expert are accepted as well."""

    SIMPLE = "simple"
    MEDIUM = "medium"
    COMPLEX = "complex"
    CRITICAL = "critical"

    @classmethod
    def _missing_(cls, value: object) -> Complexity | None:
        names = {"basic": "simple", "intermediate": "medium"}
        names |= {"advanced": "complex", "expert": "critical"}
        return cls(names[value]) if isinstance(value, str) and value in names else None


class Pattern(Word):
    """How the work is carried out."""

    SINGLE_SHOT = "single_shot"
    MULTI_STEP = "multi_step"
    ITERATIVE = "iterative"


class Capability(Word):
    """What a model is rated for, 1 to 10."""

    REASONING = "reasoning"
    CODING = "coding"
    CREATIVITY = "creativity"
    SPEED = "speed"
    CONTEXT = "context"
    COST = "cost"
    VISION = "vision"
    TOOLS = "tools"


class Need(Word):
    """What a model must be able to do at all for this request."""

    VISION = "vision"
    TOOLS = "tools"
    JSON = "json"
    LONG_CONTEXT = "long_context"
    THINKING = "thinking"
    CODE = "code"


class Strategy(Word):
    """Which weights, or which rule, rank the candidates."""

    BALANCED = "balanced"
    QUALITY_FIRST = "quality_first"
    COST_FIRST = "cost_first"
    LATENCY_FIRST = "latency_first"


class Mode(Word):
    """How a request is carried out."""

    SINGLE = "single"


class Family(Word):
    """A tokenizer family, for estimates of token counts."""

    O200K = "o200k"
    CL100K = "cl100k"
    DEEPSEEK = "deepseek"
    TEKKEN = "tekken"
    CLAUDE = "claude"
    CLAUDE5 = "claude5"


# --- what is asked -------------------------------------------------------------


class Text(Value):
    """A piece of text in a message."""

    type: Literal["text"] = "text"
    text: Prose


class Media(Value):
    """An image, PDF or audio clip, by URL or as base64 data with its media type."""

    type: Literal["media"] = "media"
    media_type: str = "image/png"
    url: str | None = None
    data: str | None = None
    name: str | None = None


class ToolCall(Value):
    """A call the model asks for; `signature` is the provider's opaque mark, kept for replay."""

    type: Literal["tool_call"] = "tool_call"
    id: str
    name: str
    arguments: Mapping[str, JsonValue] = {}
    signature: str | None = None


class ToolResult(Value):
    """What a called tool returned; `content` may hold media."""

    type: Literal["tool_result"] = "tool_result"
    tool_call_id: str
    name: str = ""
    content: Prose | tuple[Text | Media, ...] = ""
    is_error: bool = False


class Reasoning(Value):
    """A model's visible thinking; `signature` and `provider` allow replay to the same provider."""

    type: Literal["reasoning"] = "reasoning"
    text: Prose = ""
    signature: str | None = None
    provider: str | None = None
    redacted: bool = False


Part = Annotated[Text | Media | ToolCall | ToolResult | Reasoning, Field(discriminator="type")]


class Message(Value):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant", "tool"]
    content: Prose | tuple[Part, ...]


class ToolSpec(Value):
    """A tool offered to the model; `parameters` is a JSON schema object."""

    name: Prose
    description: Prose = ""
    parameters: Mapping[str, JsonValue] = {}


class Constraints(Value):
    """What a chosen model must satisfy; None or empty means no limit.

    `requires` takes needs (vision, tools, json, long_context, thinking, code) and capability
    names, which mean a rating of at least 7. `prefers` weighs capabilities up without ruling
    anything out. `min_capabilities` are ratings from 1 to 10.
    """

    max_cost_usd: Usd | None = None
    max_latency_ms: Annotated[int, Field(gt=0)] | None = None
    min_quality: Score | None = None
    min_context: Tokens | None = None
    requires: tuple[Need | Capability, ...] = ()
    prefers: tuple[Capability, ...] = ()
    min_capabilities: Mapping[Capability, Annotated[int, Field(ge=1, le=10)]] = {}
    models: tuple[str, ...] = ()
    deny_models: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    deny_providers: tuple[str, ...] = ()


class Request(Value):
    """Everything that is asked of the router for one task.

    `context_tokens` counts what the caller will add beyond `messages` (files, history).
    `chain` is a list of models, the name of one chain, or empty for the router's choice.
    `current_model` and `cached_tokens` describe a running conversation: leaving that model
    loses its warm prompt cache, and the loss counts in the cost of every other candidate.
    """

    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: str | None = None
    response_schema: Mapping[str, JsonValue] | None = None
    json_mode: bool = False
    max_tokens: Annotated[int, Field(gt=0)] | None = None
    temperature: Annotated[float, Field(ge=0.0, le=2.0)] | None = None
    stop: tuple[str, ...] = ()
    context_tokens: Tokens = 0
    strategy: Strategy | None = None
    constraints: Constraints = Constraints()
    chain: str | tuple[str, ...] = ()
    current_model: str | None = None
    cached_tokens: Tokens = 0
    category: str | None = None
    tags: Mapping[str, str] = {}


# --- what exists ---------------------------------------------------------------


class Rates(Value):
    """Prices in nano-dollars per million tokens; None where the provider names none."""

    input: Tokens
    output: Tokens
    cache_read: Tokens | None = None
    cache_write: Tokens | None = None


class PriceTier(Value):
    """Rates that hold for the whole request once its input passes `above` tokens."""

    above: Tokens = 0
    rates: Rates


class Price(Value):
    """Tiers, lowest first, in force from `since` (UTC) within the daily `window` (UTC, minutes)."""

    tiers: tuple[PriceTier, ...]
    since: datetime | None = None
    window: tuple[int, int] | None = None


class QualityPrior(Value):
    """Overall chance of a good answer to a demanding task, before any outcome is known."""

    value: Score
    basis: str


class LatencyPrior(Value):
    """Expected speed before any call is measured."""

    first_token_ms: Annotated[int, Field(gt=0)]
    tokens_per_second: Annotated[float, Field(gt=0)]
    basis: str


class ModelInfo(Value):
    """One row of the catalogue: a model at a provider.

    `name` is what people type and rows store; `id` is what the provider is sent. `prices` are
    in the order they came into force, and empty means the price is unknown. `thinking_factor`
    is the expected ratio of hidden reasoning tokens to visible output tokens.
    """

    name: str
    id: str
    provider: str
    label: str
    line: str = ""
    tier: Literal["frontier", "strong", "standard", "small"] = "standard"
    aliases: tuple[str, ...] = ()
    context: Annotated[int, Field(gt=0)]
    max_output: Annotated[int, Field(gt=0)]
    family: Family = Family.O200K
    features: frozenset[Need] = frozenset()
    capabilities: Mapping[Capability, Annotated[int, Field(ge=1, le=10)]]
    quality: QualityPrior
    latency: LatencyPrior
    prices: tuple[Price, ...] = ()
    thinking_factor: Annotated[float, Field(ge=0.0)] = 0.0
    rejects: tuple[str, ...] = ()
    released: date | None = None
    retires_on: date | None = None
    successor: str | None = None
    local: bool = False


class ProviderInfo(Value):
    """Where a provider is reached; `api_key_env` names the variable, the key itself is not kept."""

    name: str
    wire: Literal["openai", "anthropic", "gemini"]
    base_url: str
    api_key_env: str | None = None
    headers: Mapping[str, str] = {}
    api_version: str | None = None


# --- what is decided -----------------------------------------------------------


class Classification(Value):
    """What the router understood of a request.

    `input_tokens` counts text, media, tools and stated context with the o200k family;
    `probabilities` are the likeliest task types, best first; `cues` say what spoke for them.
    """

    task_type: str
    complexity: Complexity
    pattern: Pattern
    needs: tuple[Need, ...] = ()
    input_tokens: Tokens
    output_tokens: Tokens
    priority: Annotated[int, Field(ge=1, le=5)] = 3
    confidence: Score
    language: str = "en"
    probabilities: tuple[tuple[str, Score], ...] = ()
    cues: tuple[str, ...] = ()


class Parts(Value):
    """The five parts of a score, each on an absolute scale from 0 to 1."""

    capability: Score
    cost: Score
    quality: Score
    latency: Score
    historical: Score


class Candidate(Value):
    """A model that passed every filter, with its score and what it is expected to cost and take."""

    model: str
    provider: str
    score: Score
    parts: Parts
    estimated_cost_usd: Usd | None
    estimated_latency_ms: int
    quality: Score
    input_tokens: Tokens
    output_tokens: Tokens


class Rejection(Value):
    """A model that was ruled out, the filter that did it, and why."""

    model: str
    filter: str
    reason: str


class Estimate(Value):
    """What the chosen model is expected to use; ranges are 10th to 90th percentile guesses."""

    cost_usd: Usd | None
    cost_low_usd: Usd | None = None
    cost_high_usd: Usd | None = None
    input_tokens: Tokens
    output_tokens: Tokens
    latency_ms: int
    latency_low_ms: int = 0
    latency_high_ms: int = 0


class Baseline(Value):
    """What always using one strong model would have cost, and the difference."""

    model: str
    cost_usd: Usd
    saved_usd: Decimal


class Decision(Value):
    """Which model should do a task, why, at what cost, and what comes next if it fails.

    `candidates` are the best dozen, best first, with the parts of their scores; `others` maps
    every other model that passed to its score, so that nobody is missing from the ranking and a
    stored decision stays small. `request` is what was asked without its texts, and `counts` what
    was counted in them (the byte classes of the text, messages, media tokens, context tokens), so
    that a decision can be made again under other settings though no prompt is kept.
    """

    decision_id: str
    created_at: datetime
    model: str
    provider: str
    task_type: str
    complexity: Complexity
    pattern: Pattern
    strategy: Strategy
    confidence: Score
    reason: str
    reasons: tuple[str, ...]
    estimated: Estimate
    fallbacks: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    others: Mapping[str, Score] = {}
    rejected: tuple[Rejection, ...]
    counterfactuals: tuple[str, ...]
    classification: Classification
    request: Request
    counts: tuple[Tokens, ...] = ()
    baseline: Baseline | None = None
    needs_key: str | None = None
    warnings: tuple[str, ...] = ()
    cached: bool = False
    prompt_hash: str = ""


# --- what happened -------------------------------------------------------------


class Usage(Value):
    """Tokens of one answer in disjoint buckets; their sum is everything that is billed."""

    input_tokens: Tokens = 0
    cache_read_tokens: Tokens = 0
    cache_write_tokens: Tokens = 0
    reasoning_tokens: Tokens = 0
    output_tokens: Tokens = 0


class Attempt(Value):
    """One try at one model; `outcome` is ok or a failure class, `reason` says more."""

    model: str
    provider: str
    outcome: str
    reason: str = ""
    latency_ms: int = 0
    first_token_ms: int | None = None
    usage: Usage | None = None
    cost_usd: Usd | None = None


class Completion(Value):
    """The answer to an executed request, with every attempt it took.

    `confidence` is None where nothing judged the answer.
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
    """An attempt begins, the first being `number` 1; `after` is the one that failed before it."""

    model: str
    provider: str
    number: int
    after: Attempt | None = None
    type: Literal["attempt"] = "attempt"


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


class Outcome(Value):
    """What came of a decision: one row per attempt, judgement or feedback, with its source.

    `score` is 0 to 1 where somebody or something judged the answer, else None.
    """

    decision_id: str
    created_at: datetime
    model: str
    provider: str
    task_type: str
    complexity: Complexity
    ok: bool
    source: Literal["execution", "feedback", "scorer", "judge", "experiment"] = "execution"
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


class RoutingState(Value):
    """What is true at the moment of a decision besides the request and the settings.

    `usable_providers` have credentials or need none; with `require_credentials` no other is a
    candidate. `blocked` maps a model to why it may not be called now. `performance` maps model,
    then task type ("" for all tasks) to what was observed. `budget_left_usd` is None without a
    limit.
    """

    usable_providers: frozenset[str] = frozenset()
    require_credentials: bool = False
    blocked: Mapping[str, str] = {}
    performance: Mapping[str, Mapping[str, Performance]] = {}
    budget_left_usd: Usd | None = None


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
    """One line of a report, for one group of a period."""

    group: str
    decisions: int
    calls: int = 0
    ok: int = 0
    fallbacks: int = 0
    input_tokens: Tokens = 0
    output_tokens: Tokens = 0
    cost_usd: Usd
    estimated_cost_usd: Usd
    baseline_usd: Usd
    latency_p50_ms: int | None = None
    latency_p95_ms: int | None = None
