"""The settings as frozen values; each field's description is the line in the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from mcp_router.config.checks import (
    address,
    database_path,
    file_path,
    headers_without_secrets,
    none_word,
    not_bool,
    reuse_word,
    scorer_name,
    tag,
    task_name,
    time_zone,
    variable_name,
)
from mcp_router.config.experiments import ExperimentSettings, PlainName, ShadowSettings
from mcp_router.config.http import HttpSettings
from mcp_router.config.modes import CascadeSettings, EnsembleSettings, RedundantSettings
from mcp_router.config.scorers import ScorerSettings
from mcp_router.config.telemetry import TelemetrySettings
from mcp_router.config.weights import Weights as Weights
from mcp_router.money import Usd
from mcp_router.types import Capability, Constraints, Family, Need, Reuse, Strategy, Value

Name = Annotated[str, Field(min_length=1, max_length=200)]
Whole = Annotated[int, BeforeValidator(not_bool)]
Number = Annotated[float, BeforeValidator(not_bool)]
Limit = Annotated[Usd | None, BeforeValidator(none_word)]
FilePath = Annotated[str, AfterValidator(file_path)]
DatabasePath = Annotated[str, AfterValidator(database_path)]
Milliseconds = Annotated[Whole, Field(ge=1, le=86_400_000)]
Percent = Annotated[Number, Field(gt=0, le=100)]


class AlertSettings(Value):
    """When a budget warns before it stops."""

    daily_warning: Percent = Field(
        default=75, description="Warn at this percentage of the daily limit."
    )
    monthly_warning: Percent = Field(
        default=80, description="Warn at this percentage of the monthly limit."
    )


class TagBudget(Value):
    """Limits on what requests with one tag may spend."""

    daily: Limit = Field(
        default=None, description="Limit per day in USD for requests with this tag."
    )
    monthly: Limit = Field(
        default=None, description="Limit per month in USD for requests with this tag."
    )
    total: Limit = Field(
        default=None, description="Limit in USD for all requests with this tag ever."
    )


class BudgetSettings(Value):
    """What may be spent, by when, and who is told."""

    daily: Limit = Field(default=None, description='Limit per day in USD; "none" lifts it.')
    monthly: Limit = Field(default=None, description='Limit per month in USD; "none" lifts it.')
    per_request: Limit = Field(
        default=None, description='Limit per request in USD; "none" lifts it.'
    )
    tags: Mapping[Annotated[str, AfterValidator(tag)], TagBudget] = Field(
        default={},
        description='Limits by tag, such as "project=site" or "session=42".',
    )
    timezone: Annotated[str, AfterValidator(time_zone)] = Field(
        default="UTC", description="Where days and months begin; the machine's own zone unless set."
    )
    alerts: AlertSettings = Field(
        default_factory=AlertSettings.model_construct,
        description="When a budget warns before it stops.",
    )
    on_unknown_price: Literal["refuse", "allow"] = Field(
        default="refuse", description="Whether a model of unknown price may run under a budget."
    )
    on_lost_database: Literal["closed", "open"] = Field(
        default="closed",
        description="Whether calls go on, without budgets, while a shared database is away.",
    )
    alert_command: tuple[Name, ...] = Field(
        default=(),
        description="Program and arguments to start at an alert; not from a project's file.",
    )
    alert_webhook: Annotated[str, AfterValidator(address)] | None = Field(
        default=None, description="Address to post an alert to; not from a project's file."
    )


class FallbackSettings(Value):
    """How long to wait and how often to try again."""

    enabled: bool = Field(
        default=True, description="Whether the next model is tried when one fails."
    )
    max_attempts: Whole = Field(
        default=6, ge=1, le=50, description="Attempts in all for one request."
    )
    max_retries: Whole = Field(default=1, ge=0, le=10, description="Retries at the same model.")
    connect_ms: Milliseconds = Field(default=5_000, description="Deadline for the connection.")
    first_token_ms: Milliseconds = Field(
        default=12_000, description="Deadline for the first token."
    )
    idle_ms: Milliseconds = Field(default=15_000, description="Longest silence between tokens.")
    timeout_ms: Milliseconds = Field(
        default=60_000, description="Deadline for all attempts together."
    )
    on_stream_cut: Literal["restart", "error"] = Field(
        default="restart", description="What a caller gets when a stream breaks after it began."
    )
    balance: Literal["weighted", "best", "round_robin", "least_busy"] = Field(
        default="weighted", description="How several deployments of one model share its calls."
    )
    trim_history: bool = Field(
        default=False,
        description="Whether old turns may be dropped to fit a smaller context window.",
    )


class CacheSettings(Value):
    """Decisions, and where that is asked for answers, that are kept for the same question."""

    enabled: bool = Field(
        default=True, description="Whether a decision is reused for the same request."
    )
    ttl: Whole = Field(
        default=300, ge=0, le=31_536_000, description="Seconds a decision is reused."
    )
    answers: Annotated[Reuse, BeforeValidator(reuse_word)] = Field(
        default="off",
        description="Whether an answer is given again: to the same request, or a near one as well.",
    )
    answers_ttl: Whole = Field(
        default=86_400, ge=0, le=31_536_000, description="Seconds an answer is given again."
    )
    answers_max_mb: Whole = Field(
        default=64,
        ge=1,
        le=1_000_000,
        description="Megabytes kept answers may take; those unused longest go first.",
    )
    answers_across: tuple[Name, ...] = Field(
        default=("batch", "workflow"),
        description="Tags that do not keep answers apart; all others do.",
    )


class TokenSettings(Value):
    """What may be left out of a conversation to save tokens."""

    trim: bool = Field(
        default=False,
        description="Whether what a conversation repeats is left out, and said in the warnings.",
    )
    history: Annotated[Whole, Field(ge=1, le=1_000_000_000)] | None = Field(
        default=None,
        description="Where trimming, the tokens from which on the oldest turns are left out.",
    )


class LearningSettings(Value):
    """Learning from what came of earlier decisions."""

    enabled: bool = Field(
        default=True, description="Whether observed outcomes change later decisions."
    )
    explore_usd_per_day: Usd = Field(
        default=Decimal(0), description="USD per day that may go into trying models."
    )


class HistorySettings(Value):
    """What the database keeps."""

    keep_days: Whole = Field(
        default=0,
        ge=0,
        le=36_500,
        description="Days single records are kept, reports keep their sums; 0 is for good.",
    )
    store_prompts: bool = Field(
        default=False, description="Whether prompts are stored, not only their hash and features."
    )


class ProviderSettings(Value):
    """A provider of your own, or changes to a built-in one."""

    wire: Literal["openai", "anthropic", "gemini"] | None = Field(
        default=None, description="The API it speaks; required for a provider of your own."
    )
    base_url: Annotated[str, AfterValidator(address)] | None = Field(
        default=None, description="Its address; required for a provider of your own."
    )
    api_key_env: Annotated[str, AfterValidator(variable_name)] | None = Field(
        default=None, description='The variable that holds its key; "" means it needs none.'
    )
    headers: Annotated[Mapping[str, str], AfterValidator(headers_without_secrets)] | None = Field(
        default=None, description="Further headers to send, without secrets."
    )
    api_version: Name | None = Field(default=None, description="The API version to ask for.")
    logprobs: bool | None = Field(
        default=None,
        description="Whether it can tell token probabilities (wires openai and gemini); "
        "they help a cascade.",
    )


class PriceSettings(Value):
    """USD per million tokens."""

    input: Usd = Field(description="USD per million input tokens.")
    output: Usd = Field(description="USD per million output tokens.")
    cache_read: Usd | None = Field(
        default=None, description="USD per million tokens read from a cache."
    )
    cache_write: Usd | None = Field(
        default=None, description="USD per million tokens put in a cache."
    )


class LatencySettings(Value):
    """How fast a model is expected to be."""

    first_token_ms: Milliseconds = Field(description="Expected wait for the first token.")
    tokens_per_second: Number = Field(
        gt=0, le=1_000_000, description="Expected output tokens per second."
    )


class Deployment(Value):
    """One of several places the same model is served from."""

    provider: Name = Field(description="The provider that serves it.")
    id: Name | None = Field(default=None, description="What this provider calls the model.")
    weight: Number = Field(default=1, gt=0, le=1_000_000, description="Its share of the calls.")
    price: PriceSettings | None = Field(
        default=None, description="USD per million tokens here; that of the model unless set."
    )


class ModelSettings(Value):
    """A model of your own, or changes to a built-in one; what is absent stays as it is."""

    provider: Name | None = Field(
        default=None, description="Its provider; required for a new model."
    )
    id: Name | None = Field(
        default=None, description="What the provider calls it; its name unless set."
    )
    label: Name | None = Field(default=None, description="How people see it.")
    context: Annotated[Whole, Field(ge=1, le=1_000_000_000)] | None = Field(
        default=None, description="Context window in tokens; required for a new model."
    )
    max_output: Annotated[Whole, Field(ge=1, le=1_000_000_000)] | None = Field(
        default=None,
        description="Longest answer in tokens; a quarter of the context, at most 32000.",
    )
    price: PriceSettings | None = Field(
        default=None, description="USD per million tokens; absent means unknown, 0 means free."
    )
    capabilities: Mapping[Capability, Annotated[Whole, Field(ge=1, le=10)]] = Field(
        default={},
        description="Ratings from 1 to 10; 5 for a new model.",
    )
    quality: Annotated[Number, Field(ge=0, le=1)] | None = Field(
        default=None,
        description="Chance of a good answer to a demanding task; 0.5 for a new model.",
    )
    features: tuple[Need, ...] | None = Field(
        default=None, description="What it can do at all: vision, tools, json, thinking and others."
    )
    latency: LatencySettings | None = Field(
        default=None, description="How fast it is expected to be."
    )
    family: Family | None = Field(default=None, description="Its tokenizer; o200k for a new model.")
    tier: Literal["frontier", "strong", "standard", "small"] | None = Field(
        default=None, description="Its size class; standard for a new model."
    )
    thinking_factor: Annotated[Number, Field(ge=0, le=1000)] | None = Field(
        default=None, description="Expected hidden reasoning tokens per visible output token."
    )
    requests_per_minute: Annotated[Whole, Field(ge=1, le=100_000_000)] | None = Field(
        None, description="Requests a minute its provider allows; all processes share them."
    )
    tokens_per_minute: Annotated[Whole, Field(ge=1, le=1_000_000_000_000)] | None = Field(
        None, description="Tokens a minute its provider allows; all processes share them."
    )
    rejects: tuple[Name, ...] | None = Field(
        default=None, description="Request parameters it refuses, such as temperature."
    )
    aliases: tuple[Name, ...] = Field(default=(), description="Further names for it.")
    enabled: bool = Field(default=True, description="Whether it may be chosen.")
    local: bool | None = Field(default=None, description="Whether it runs on a machine of yours.")
    deployments: tuple[Deployment, ...] = Field(
        default=(), description="Several places that serve it, each {provider, id, weight, price}."
    )


class TaskSettings(Value):
    """A task type of your own, or a preference for a built-in one."""

    primary: Name | None = Field(default=None, description="The model to try first.")
    fallbacks: tuple[Name, ...] = Field(default=(), description="The models to try next, in order.")
    min_quality: Annotated[Number, Field(ge=0, le=1)] | None = Field(
        default=None,
        description="The chance of a good answer a model must promise; with scorers also the mark "
        "an answer must get.",
    )
    scorers: tuple[Name, ...] = Field(
        default=(), description="Scorers that every answer must satisfy."
    )
    on_low_quality: Literal["best", "error"] = Field(
        default="best",
        description="What is given where no answer satisfies: the best one, or an error.",
    )
    threshold: Annotated[Number, Field(ge=0, le=1)] | None = Field(
        default=None, description="The confidence that ends a cascade for this task."
    )
    keywords: tuple[Name, ...] = Field(
        default=(), description="Words that mark a prompt as this task."
    )
    constraints: Constraints | None = Field(
        default=None, description="Constraints on every such request."
    )


TaskName = Annotated[str, AfterValidator(task_name)]
ScorerName = Annotated[str, AfterValidator(scorer_name)]


class Settings(Value):
    """Everything a person can set; secrets are not among it, only the names of variables."""

    # Defaults are constructed unchecked, as building every check would cost 3 ms at each start;
    # a test checks them instead.
    default_model: Name | None = Field(default=None, description="The model to prefer in doubt.")
    strategy: Strategy = Field(default=Strategy.BALANCED, description="How models are ranked.")
    baseline: Name | None = Field(
        default=None,
        description="The model that savings are measured against; a strong one unless set.",
    )
    debug: bool = Field(default=False, description="Whether to log every step.")
    db: DatabasePath | None = Field(
        default=None,
        description="The database: a file, or a postgresql:// address that a team shares.",
    )
    log_file: FilePath | None = Field(
        default=None,
        description="Where the debug log goes; debug.log beside the database unless set.",
    )
    log_format: Literal["text", "json"] = Field(
        default="text",
        description="How lines of the debug log and of serve --http are written.",
    )
    weights: Weights = Field(
        default_factory=Weights.model_construct, description="Weights of the balanced strategy."
    )
    budget: BudgetSettings = Field(
        default_factory=BudgetSettings.model_construct, description="Spending limits."
    )
    fallback: FallbackSettings = Field(
        default_factory=FallbackSettings.model_construct,
        description="Deadlines, retries and fallback.",
    )
    cascade: CascadeSettings = Field(
        default_factory=CascadeSettings.model_construct,
        description="From cheap to dear, while the answer is not good enough.",
    )
    ensemble: EnsembleSettings = Field(
        default_factory=EnsembleSettings.model_construct,
        description="Several models on one task.",
    )
    redundant: RedundantSettings = Field(
        default_factory=RedundantSettings.model_construct,
        description="A race for the first good answer.",
    )
    cache: CacheSettings = Field(
        default_factory=CacheSettings.model_construct, description="Reused decisions and answers."
    )
    tokens: TokenSettings = Field(
        default_factory=TokenSettings.model_construct,
        description="What is left out to save tokens.",
    )
    experiments: Mapping[PlainName, ExperimentSettings] = Field(
        default={}, description="Experiments by name; `mcp-router experiment start` begins one."
    )
    shadow: ShadowSettings = Field(
        default_factory=ShadowSettings.model_construct,
        description="A second model beside the user's.",
    )
    telemetry: TelemetrySettings = Field(
        default_factory=TelemetrySettings.model_construct,
        description="Spans and metrics for OpenTelemetry.",
    )
    learning: LearningSettings = Field(
        default_factory=LearningSettings.model_construct, description="Learning from outcomes."
    )
    history: HistorySettings = Field(
        default_factory=HistorySettings.model_construct, description="What the database keeps."
    )
    http: HttpSettings = Field(
        default_factory=HttpSettings.model_construct, description="The server of serve --http."
    )
    constraints: Constraints = Field(
        default_factory=Constraints.model_construct, description="Constraints on every request."
    )
    chains: Mapping[Name, Annotated[tuple[Name, ...], Field(min_length=1)]] = Field(
        default={},
        description="Lists of models by name, to be tried in order.",
    )
    aliases: Mapping[Name, Name] = Field(default={}, description="Further names for models.")
    providers: Mapping[Name, ProviderSettings] = Field(default={}, description="Providers by name.")
    models: Mapping[Name, ModelSettings] = Field(default={}, description="Models by name.")
    tasks: Mapping[TaskName, TaskSettings] = Field(default={}, description="Task types by name.")
    scorers: Mapping[ScorerName, ScorerSettings] = Field(
        default={}, description="What marks answers, by name."
    )
