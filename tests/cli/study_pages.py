"""Pages of experiments, of what was learnt and of tokens, of fixed values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal

from mcp_router.cli.experiment_pages import list_page, report_page
from mcp_router.cli.learning_pages import learning_page
from mcp_router.cli.page import Page
from mcp_router.cli.token_pages import tokens_page
from mcp_router.experiments.proportions import Interval
from mcp_router.reporting.learning import LearningReport, LearntEvent, LearntPair, LearntSwitch
from mcp_router.storage.periods import to_ms
from mcp_router.storage.tokens import AccessToken
from mcp_router.studies.report import ArmReport, ExperimentReport
from tests.builders import NOW

TRIAL = ExperimentReport(
    name="cheaper_code",
    state="running",
    metric="cost",
    control="a",
    tasks=("code_generation", "refactoring"),
    started=NOW - timedelta(days=9),
    ended=None,
    arms=(
        ArmReport(
            arm="a",
            changes={},
            stopped="",
            results=1_204,
            success=0.912,
            success_interval=Interval(0.883, 0.937),
            score=0.81,
            score_interval=Interval(0.78, 0.84),
            cost_usd=Decimal("0.0121"),
            latency_ms=4_210,
        ),
        ArmReport(
            arm="b",
            changes={"chain": ["haiku", "gpt-5-mini"], "weights": {"cost": 0.5, "quality": 0.5}},
            stopped="it surely costs more than 2 times the control",
            results=1_187,
            success=0.904,
            success_interval=Interval(0.873, 0.93),
            score=0.8,
            score_interval=Interval(0.77, 0.83),
            cost_usd=Decimal("0.00142"),
            latency_ms=910,
            success_difference=Interval(-0.035, 0.019),
            score_difference=Interval(-0.041, 0.02),
            cost_difference=Interval(-0.0119, -0.0095),
        ),
    ),
    verdict="winner",
    winner="b",
    sentence="b is better: -0.8 points (-3.5 to 1.9), 88 % cheaper",
)
LEARNT = LearningReport(
    enabled=True,
    active=True,
    resting=False,
    judged=640,
    needed=100,
    pairs=(
        LearntPair(
            models=("aurora-2", "a-model-with-a-rather-long-name"),
            judged=412,
            gain=0.0031,
            low=0.0008,
            high=0.0054,
            helps=True,
            on=True,
        ),
    ),
    switches=(
        LearntSwitch(
            task_type="code_review",
            usual="aurora-2",
            model="home-7b",
            since=NOW - timedelta(days=3),
            chance=0.81,
            undone=False,
        ),
    ),
    events=(
        LearntEvent(
            at=NOW - timedelta(days=3),
            task_type="code_review",
            kind="switched",
            told="from aurora-2 to home-7b",
        ),
    ),
    allowance_usd=Decimal("0.5"),
    spent_today_usd=Decimal("0.0312"),
    tried=211,
    tried_usd=Decimal("1.27"),
    switched=88,
    saved_usd=Decimal("4.81"),
)
OFF = LEARNT.model_copy(
    update={"active": False, "judged": 26, "pairs": (), "switches": (), "events": ()}
)
TOKENS = (
    AccessToken(
        "ci",
        "",
        "execute",
        models=("claude-haiku-5-5", "gpt-5-mini"),
        daily_nanos=5_000_000_000,
        monthly_nanos=50_000_000_000,
        requests_per_minute=60,
        tokens_per_minute=100_000,
        expires_ms=to_ms(NOW + timedelta(days=30)),
    ),
    AccessToken("dashboard", "", "read", revoked_ms=to_ms(NOW)),
)
SPENT = {
    "ci": (Decimal("1.2345"), Decimal("17.2")),
    "dashboard": (Decimal(0), Decimal(0)),
}
STUDY_PAGES: Mapping[str, Callable[[], Page]] = {
    "experiment": lambda: report_page(TRIAL),
    "experiment_list": lambda: list_page((TRIAL,)),
    "experiment_none": lambda: list_page(()),
    "learn": lambda: learning_page(LEARNT),
    "learn_off": lambda: learning_page(OFF),
    "token": lambda: tokens_page(TOKENS, spent=SPENT, now=to_ms(NOW)),
    "token_none": lambda: tokens_page((), spent={}, now=to_ms(NOW)),
}
