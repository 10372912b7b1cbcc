"""Pages of fixed values, so that what they look like depends on nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from mcp_router.catalog.catalog import Catalog
from mcp_router.catalog.pricing import cost_of
from mcp_router.cli.answers_page import answers_page
from mcp_router.cli.batch_pages import batch_page
from mcp_router.cli.benchmark_pages import benchmark_page
from mcp_router.cli.cache_page import cache_page
from mcp_router.cli.catalogue_pages import list_page as models_page
from mcp_router.cli.catalogue_pages import model_page
from mcp_router.cli.checkup import Finding
from mcp_router.cli.checkup_pages import checkup_page
from mcp_router.cli.comparison import Priced
from mcp_router.cli.comparison_pages import comparison_page
from mcp_router.cli.configuration_pages import settings_page
from mcp_router.cli.database_pages import Contents, info_page
from mcp_router.cli.decision_pages import classification_page, decision_page
from mcp_router.cli.demo_pages import next_page, rehearsal_page, samples_page
from mcp_router.cli.evaluation_pages import evaluation_page
from mcp_router.cli.evidence_pages import beliefs, evidence_blocks
from mcp_router.cli.explanation_pages import explanation_page, replay_page
from mcp_router.cli.explanation_pages import list_page as decisions_page
from mcp_router.cli.fallback_pages import Ladder, Rung, ladders_page
from mcp_router.cli.feedback import feedback_page
from mcp_router.cli.page import Page
from mcp_router.cli.rehearsal import Rehearsal
from mcp_router.cli.report_pages import budget_page, stats_page
from mcp_router.cli.spending_pages import cost_page
from mcp_router.cli.status import Status, status_page
from mcp_router.cli.suggestion_pages import suggestions_page
from mcp_router.cli.workflow_pages import workflow_page
from mcp_router.config.load import Loaded
from mcp_router.config.settings import CacheSettings, FallbackSettings, Settings
from mcp_router.evaluation.benchmark import Standing, wilson
from mcp_router.evaluation.intervals import Line, Range
from mcp_router.evaluation.metrics import Bin, Point
from mcp_router.evaluation.trial import PairLine, Trial
from mcp_router.reporting.costs import Costs
from mcp_router.reporting.suggestions import Suggestion
from mcp_router.reporting.values import (
    DaySpent,
    Downgrade,
    Downgrades,
    Forecast,
    Rate,
    SavedPart,
    Savings,
)
from mcp_router.storage.answers import CacheStatistics
from mcp_router.storage.circuit import CLOSED, Verdict
from mcp_router.storage.periods import to_ms
from mcp_router.types import (
    Attempt,
    Baseline,
    BudgetStatus,
    Candidate,
    Classification,
    Completion,
    Complexity,
    Decision,
    Estimate,
    Grades,
    Mode,
    ModelAnswer,
    Need,
    Outcome,
    Parts,
    Pattern,
    Price,
    PriceTier,
    Rates,
    Rejection,
    Request,
    StatRow,
    Strategy,
    Usage,
)
from mcp_router.workflows.batch import BatchSummary
from mcp_router.workflows.result import StepResult, WorkflowResult
from tests.builders import NOW, model
from tests.cli.study_pages import STUDY_PAGES

KIND = Classification(
    task_type="code_review",
    complexity=Complexity.COMPLEX,
    pattern=Pattern.SINGLE_SHOT,
    needs=(Need.CODE, Need.LONG_CONTEXT),
    input_tokens=1840,
    output_tokens=1200,
    priority=4,
    confidence=0.81,
    language="en",
    probabilities=(("code_review", 0.81), ("debugging", 0.12), ("chat", 0.001)),
    cues=('asks to "review"', 'mentions "migration"'),
)
PARTS = Parts(capability=0.95, cost=0.62, quality=0.91, latency=0.48, historical=0.9)


def candidate(name: str, provider: str, score: float, usd: str | None) -> Candidate:
    return Candidate(
        model=name,
        provider=provider,
        score=score,
        parts=PARTS,
        estimated_cost_usd=None if usd is None else Decimal(usd),
        estimated_latency_ms=round(score * 10_000),
        quality=0.91,
        chance=0.874,
        input_tokens=1840,
        output_tokens=2400,
    )


CANDIDATES = (
    candidate("aurora-2", "northwind", 0.8421, "0.01234"),
    candidate("a-model-with-a-rather-long-name", "contoso", 0.8312, "0.00391"),
    candidate("home-7b", "ollama", 0.7, "0"),
    candidate("mystery", "contoso", 0.65, None),
)

DECISION = Decision(
    decision_id="dec_0123456789abcdef",
    created_at=NOW,
    model="aurora-2",
    provider="northwind",
    task_type=KIND.task_type,
    complexity=KIND.complexity,
    pattern=KIND.pattern,
    strategy=Strategy.BALANCED,
    confidence=0.62,
    reason="Best score for a complex code review: predicted quality 0.91, about $0.0123.",
    reasons=("The task reads as code_review.", "Score 0.842 under balanced: quality 0.91 x 0.20."),
    estimated=Estimate(
        cost_usd=Decimal("0.01234"),
        cost_low_usd=Decimal("0.0065"),
        cost_high_usd=Decimal("0.024"),
        input_tokens=1840,
        output_tokens=2400,
        latency_ms=8421,
        latency_low_ms=4210,
        latency_high_ms=65_000,
    ),
    fallbacks=("a-model-with-a-rather-long-name", "home-7b"),
    candidates=CANDIDATES,
    others={"plain-3": 0.61, "plain-2": 0.55},
    quality_floor=0.78,
    rejected=(
        Rejection(model="old-1", filter="retired", reason="retired on 2026-01-05"),
        Rejection(model="small-1", filter="min_quality", reason="your minimum is 0.90"),
        Rejection(model="small-2", filter="min_quality", reason="your minimum is 0.90"),
    ),
    counterfactuals=("home-7b would win with strategy cost_first.",),
    classification=KIND,
    request=Request(messages=()),
    baseline=Baseline(model="grand-9", cost_usd=Decimal("0.1"), saved_usd=Decimal("0.08766")),
    needs_key="NORTHWIND_API_KEY",
    warnings=("aurora-2 retires on 2026-12-30 (successor: aurora-3).",),
)
OTHER = DECISION.model_copy(
    update={
        "model": "home-7b",
        "provider": "ollama",
        "strategy": Strategy.COST_FIRST,
        "candidates": CANDIDATES[2:],
        "fallbacks": (),
        "warnings": (),
    }
)

ANSWER = Completion(
    decision_id=DECISION.decision_id,
    model="home-7b",
    provider="ollama",
    content="The weather, the fuel and the life jackets.",
    finish_reason="stop",
    usage=Usage(input_tokens=1800, output_tokens=2000),
    cost_usd=Decimal("0.002"),
    latency_ms=4321,
    attempts=(
        Attempt(
            model="aurora-2",
            provider="northwind",
            outcome="overloaded",
            reason="HTTP status 503 (server_error)",
            latency_ms=120,
        ),
        Attempt(
            model="mystery",
            provider="contoso",
            outcome="cut",
            reason="the stream was cut before the answer was finished",
            latency_ms=900,
            cost_usd=Decimal("0.0005"),
        ),
        Attempt(
            model="home-7b",
            provider="ollama",
            outcome="ok",
            latency_ms=3100,
            cost_usd=Decimal("0.002"),
        ),
    ),
)
REHEARSAL = Rehearsal(
    ANSWER, (0, 3, 250), {"mystery": "The weather, "}, Decimal("0.0025"), Decimal(0)
)
JUDGED = Outcome(
    decision_id=DECISION.decision_id,
    created_at=NOW,
    model="home-7b",
    provider="ollama",
    task_type="code_review",
    complexity=Complexity.COMPLEX,
    ok=False,
    source="feedback",
    score=0.4,
    note="missed the dropped column",
)

_RATES = Rates(
    input=2_500_000_000, output=15_000_000_000, cache_read=250_000_000, cache_write=3_125_000_000
)
_DEAR = Rates(input=5_000_000_000, output=22_500_000_000)
AURORA = model(
    "aurora-2",
    label="Aurora 2",
    aliases=("aurora",),
    context=1_000_000,
    prices=(
        Price(tiers=(PriceTier(rates=_RATES), PriceTier(above=200_000, rates=_DEAR))),
        Price(tiers=(PriceTier(rates=_DEAR),), since=datetime(2027, 1, 1, tzinfo=UTC)),
    ),
    released=date(2026, 3, 1),
    retires_on=date(2026, 12, 30),
    successor="aurora-3",
    rejects=("temperature",),
    thinking_factor=0.5,
)
HOME = model("home-7b", provider="ollama", context=32_768, prices=())
USAGE = Usage(input_tokens=20_000, cache_read_tokens=300_000, output_tokens=2000)


def _models() -> Page:
    return models_page((AURORA, HOME), now=NOW)


def _model() -> Page:
    graded = Grades(
        task_type="debugging",
        complexity=Complexity.MEDIUM,
        source="judge",
        cases=14,
        good=11,
        bad=3,
    )
    believed = evidence_blocks(beliefs(AURORA, [graded]))
    return model_page(AURORA, catalog=Catalog.load(on=NOW.date()), now=NOW, believed=believed)


def _compare() -> Page:
    best = Priced(AURORA, cost_of(AURORA, USAGE, now=NOW), "")
    rows = (best, Priced(HOME, cost_of(HOME, USAGE, now=NOW), "too small"))
    return comparison_page(rows, best=best, usage=USAGE, needed=322_000)


def _eval() -> Page:
    def ranged(value: float, within: float) -> Range:
        return Range(value, value - within, value + within)

    none = Range(0.0, 0.0, 0.0)
    trial = Trial(
        requests=2400,
        best="aurora-2",
        verdict="saves",
        lines=(
            Line("learner", 0.0021, 0.812, ranged(0.412, 0.03), ranged(0.002, 0.009)),
            Line("best single model", 0.0036, 0.81, none, none),
            Line("cheapest", 0.0002, 0.6, ranged(0.944, 0.001), ranged(-0.21, 0.02)),
        ),
        front=(Point(0.0002, 0.6), Point(0.0021, 0.812)),
        single={"aurora-2": Point(0.0036, 0.81), "home-1": Point(0.0002, 0.6)},
        pair=PairLine("home-1", "aurora-2", 0.71, 0.58, 0.3, None),
        bins=(Bin(0.15, 0.12, 900), Bin(0.85, 0.86, 3900)),
        ece=0.014,
        aiq=0.8,
        aiq_single=0.75,
    )
    return evaluation_page(trial, about="outcomes.jsonl", dropped=("nobody-7b",))


def _stats() -> Page:
    rows = (
        StatRow(
            group="aurora-2",
            decisions=1200,
            calls=900,
            ok=891,
            fallbacks=7,
            input_tokens=4_000_000,
            output_tokens=600_000,
            cost_usd=Decimal("10.5"),
            estimated_cost_usd=Decimal("12.75"),
            baseline_usd=Decimal(90),
            latency_p50_ms=4200,
        ),
        StatRow(
            group="",
            decisions=300,
            cost_usd=Decimal(0),
            estimated_cost_usd=Decimal("1.25"),
            baseline_usd=Decimal(10),
        ),
    )
    return stats_page(rows, period="week", by="model")


def _cost() -> Page:
    row = StatRow(
        group="aurora-2",
        decisions=1200,
        calls=900,
        ok=891,
        input_tokens=4_000_000,
        output_tokens=600_000,
        cost_usd=Decimal("10.5"),
        estimated_cost_usd=Decimal("12.8"),
        baseline_usd=Decimal(90),
    )
    rows = (row, row.model_copy(update={"group": "", "calls": 100, "cost_usd": Decimal("0.52")}))
    total = row.model_copy(update={"calls": 1000, "cost_usd": Decimal("11.02")})
    month = date(2026, 11, 1)
    part = SavedPart(tasks=400, spent_usd=4, baseline_usd=40, saved_usd=36, low_usd=30, high_usd=42)
    rate = Rate(value=0.95, low=0.9, high=0.98, of=120)
    cheaper = Downgrade(
        task_type="code_review",
        complexity="medium",
        model="aurora-2",
        cheaper="borealis-mini",
        calls_per_month=310,
        saving_usd=Decimal("4.2"),
        risk=0.06,
        quality=rate,
        cheaper_quality=rate,
    )
    costs = Costs(
        period="month",
        by="model",
        total=total,
        rows=rows,
        recent=tuple(DaySpent(day=month, cost_usd=Decimal(one % 7)) for one in range(30)),
        forecast=Forecast(
            month=month,
            spent_usd=Decimal("11.02"),
            limit_usd=Decimal(15),
            expected_usd=Decimal("15.3"),
            low_usd=Decimal("13.9"),
            high_usd=Decimal("17.1"),
            over_limit=0.58,
            limit_reached_on=date(2026, 11, 29),
            history_days=56,
            weekday_pattern=True,
        ),
        savings=Savings(
            baseline="opus",
            tasks=880,
            spent_usd=Decimal("11.02"),
            baseline_usd=Decimal(80),
            saved_usd=Decimal("68.98"),
            overhead_usd=Decimal("0.4"),
            return_on_overhead=172.45,
            observed=part,
            estimated=part.model_copy(update={"tasks": 480, "low_usd": None}),
        ),
        downgrades=Downgrades(suggestions=(cheaper,)),
    )
    return cost_page(costs, plotted=True)


def _status() -> Page:
    today = StatRow(
        group="",
        decisions=1200,
        calls=7,
        cost_usd=Decimal("3.8"),
        estimated_cost_usd=Decimal(4),
        baseline_usd=Decimal(9),
    )
    request = BudgetStatus(
        name="request",
        period="request",
        limit_usd=Decimal("0.5"),
        spent_usd=Decimal(0),
        reserved_usd=Decimal(0),
        left_usd=Decimal("0.5"),
    )
    return status_page(Status(today, (request, *BUDGETS), "balanced", ("contoso", "northwind")))


def _status_of_nothing() -> Page:
    today = StatRow(
        group="",
        decisions=0,
        cost_usd=Decimal(0),
        estimated_cost_usd=Decimal(0),
        baseline_usd=Decimal(0),
    )
    return status_page(Status(today, (), "cost_first", ()))


def _fallback() -> Page:
    soon = to_ms(NOW) + 42_000
    old = AURORA.model_copy(update={"name": "aurora-1", "retires_on": date(2026, 1, 1)})
    ladders = (
        Ladder(
            "mine",
            (
                Rung(AURORA, "no NORTHWIND_API_KEY", CLOSED),
                Rung(HOME, "none needed", Verdict(allowed=False, state="open", until=soon)),
                Rung(model("contoso-9"), "set", Verdict(allowed=True, state="half_open")),
            ),
        ),
        Ladder(
            "older",
            (
                Rung(old, "set", CLOSED),
                Rung(AURORA, "set", Verdict(allowed=False, state="cooldown", until=soon)),
            ),
        ),
    )
    return ladders_page(ladders, rules=FallbackSettings(), now=NOW)


def _budget() -> Page:
    return budget_page(BUDGETS)


BUDGETS = (
    BudgetStatus(
        name="day",
        period="day",
        limit_usd=Decimal(5),
        spent_usd=Decimal("3.8"),
        reserved_usd=Decimal("0.25"),
        left_usd=Decimal("0.95"),
        used_percent=81.0,
        resets_at=datetime(2026, 11, 22, tzinfo=UTC),
        alert="The day budget is 76 % spent ($3.8 of $5).",
    ),
    BudgetStatus(
        name="month",
        period="month",
        limit_usd=None,
        spent_usd=Decimal("41.2"),
        reserved_usd=Decimal(0),
        left_usd=None,
    ),
)


def _config() -> Page:
    settings = Settings.model_validate({"strategy": "cost_first", "chains": {"mine": ("a", "b")}})
    sources = {"strategy": "ROUTING_STRATEGY", "cache.ttl": "default", "chains.mine": "mine.toml"}
    return settings_page(Loaded(settings, sources, (), (Path("mine.toml"),)), only_changed=False)


def _db() -> Page:
    rows = {"decisions": 1234, "outcomes": 56, "fallbacks": 7, "rate_limits": 0}
    oldest, newest = "2026-01-01T00:00:00+00:00", "2026-11-21T12:00:00+00:00"
    return info_page(Contents("/home/me/router.db", 233_472, 4096, 2, rows, oldest, newest))


def _check() -> Page:
    return checkup_page(
        (
            Finding("northwind", "ok", "aurora-2", 812, Decimal("0.0000004")),
            Finding(
                "contoso",
                "failed",
                "mystery",
                15_000,
                error="the key is missing or was refused",
                hint="Set CONTOSO_API_KEY.",
            ),
            Finding("fabrikam", "no key", hint="Set FABRIKAM_API_KEY."),
            Finding("litware", "no key", hint="Set LITWARE_API_KEY."),
            Finding("ollama", "listening", hint="To use it, set OLLAMA_HOST."),
        )
    )


def _answer(name: str, content: str, **fields: object) -> ModelAnswer:
    given = {"model": name, "provider": "northwind", "content": content, **fields}
    return ModelAnswer.model_validate(given)


SEVERAL = ANSWER.model_copy(
    update={
        "mode": Mode.ENSEMBLE,
        "agreement": 0.62,
        "why": "aurora-2 graded it best, 8.5 of 10",
        "answers": (
            _answer(
                "home-7b",
                "The weather, the fuel and the life jackets.",
                confidence=0.88,
                score=0.85,
                cost_usd="0.002",
                latency_ms=4321,
                won=True,
                why="graded 8.5 of 10",
            ),
            _answer(
                "mystery-with-quite-a-long-name-2026-10",
                "Check the weather first.\n\nThen see to it that every passenger on board has a "
                "life jacket that fits, and that the fuel lasts for the way there and back.",
                confidence=0.41,
                score=0.6,
                latency_ms=12_000,
                why="graded 6.0 of 10",
            ),
        ),
    }
)


STOPPED = BatchSummary(
    total=1200,
    done=310,
    reused=400,
    failed=3,
    invalid=1,
    left=486,
    cost_usd=Decimal("4.9987"),
    unpriced=2,
    stopped="The batch budget of $5 does not allow $0.02 more (spent $4.99, reserved $0.01).",
)


def _workflow() -> Page:
    steps = (
        StepResult(
            name="plan", state="done", reused=True, cost_usd=Decimal("0.0021"), completion=SEVERAL
        ),
        StepResult(name="pros", state="done", cost_usd=None, completion=SEVERAL),
        StepResult(name="cons", state="failed", problem="sonnet at anthropic: HTTP status 503."),
        StepResult(name="verdict", state="skipped", problem="It needs cons."),
    )
    result = WorkflowResult(
        run_id="run_0f3a",
        name="essay",
        state="failed",
        cost_usd=Decimal("0.0021"),
        latency_ms=12_345,
        steps=steps,
    )
    return workflow_page(result)


KEPT = CacheStatistics(1_204, 9_437_184, 3_310, 41, 2_877, 0, 96, Decimal("4.8123"))
ADVICE = (
    Suggestion(
        kind="answers",
        says="212 of 1,000 runs asked the same model the same once more.",
        do="Keep answers: mcp-router config --set cache.answers exact",
        saves_usd=Decimal("1.27"),
    ),
    Suggestion(
        kind="max_tokens",
        says="max_tokens was 8,000 or more in 120 calls, and no answer took more than 411: more "
        "money than needed was set aside.",
        do="Set max_tokens to about 822.",
    ),
)


STANDINGS = (
    Standing("opus", "", 40, 0, wilson(0.95, size=40), Decimal("0.0247"), 4_210, efficient=True),
    Standing("sonnet", "", 40, 0, wilson(0.9, size=40), Decimal("0.0112"), 2_350, efficient=True),
    Standing("gpt", "", 39, 1, wilson(0.85, size=39), Decimal("0.0131"), 2_900),
    Standing("haiku", "", 40, 0, wilson(0.7, size=40), Decimal("0.0009"), 820, efficient=True),
    Standing("local", "", 40, 0, wilson(0.55, size=40), None, 6_000),
    Standing("opus", "math_logic", 40, 0, wilson(0.95, size=40), Decimal("0.0247"), 4_210),
)
BENCHMARKED = BatchSummary(total=200, done=199, failed=1, cost_usd=Decimal("1.99"), unpriced=40)
PAGES: Mapping[str, Callable[[], Page]] = {
    "route": lambda: decision_page(DECISION),
    "classify": lambda: classification_page(KIND),
    "explain": lambda: explanation_page(DECISION),
    "explain_list": lambda: decisions_page((DECISION, OTHER)),
    "explain_replay": lambda: replay_page(DECISION, OTHER, under="other.toml"),
    "models": _models,
    "models_one": _model,
    "compare": _compare,
    "eval": _eval,
    "stats": _stats,
    "cost": _cost,
    "budget": _budget,
    "cache": lambda: cache_page(KEPT, rules=CacheSettings(answers="near")),
    "cache_off": lambda: cache_page(CacheStatistics(*[0] * 7, Decimal(0)), rules=CacheSettings()),
    "suggest": lambda: suggestions_page(ADVICE, of="the latest 1,000 runs"),
    "config": _config,
    "db_info": _db,
    "demo": lambda: samples_page(("Review this migration.", "写一首诗。"), (DECISION, OTHER)),
    "demo_fallback": lambda: rehearsal_page(REHEARSAL),
    "demo_next": lambda: next_page((), program="mcp-router"),
    "demo_next_real": lambda: next_page(
        (".venv/bin/mcp-router run x --providers northwind",), program=".venv/bin/mcp-router"
    ),
    "models_check": _check,
    "models_check_nobody": lambda: checkup_page((Finding("contoso", "not running"),)),
    "model": _status,
    "model_nothing": _status_of_nothing,
    "fallback": _fallback,
    "feedback": lambda: feedback_page(JUDGED),
    "run_answers": lambda: answers_page(SEVERAL),
    "workflow": _workflow,
    "benchmark": lambda: benchmark_page(
        STANDINGS, summary=BENCHMARKED, output="prompts.benchmark.jsonl"
    ),
    "batch": lambda: batch_page(STOPPED, output="tasks.results.jsonl"),
    **STUDY_PAGES,
}
