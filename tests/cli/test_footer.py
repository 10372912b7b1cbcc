"""The line under an answer says who gave it and what it cost, or that this is not known."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from mcp_router.catalog.catalog import Catalog
from mcp_router.cli.footer import footer
from mcp_router.types import Baseline, Completion
from tests.cli.pages import ANSWER, DECISION

NOW = datetime(2026, 11, 21, tzinfo=UTC)
CATALOG = Catalog.load(on=NOW.date())
BASE = Baseline(model="claude-opus-4", cost_usd=Decimal("0.1"), saved_usd=Decimal("0.09"))


def line(done: Completion, *, baseline: Baseline | None = BASE) -> str:
    decision = DECISION.model_copy(update={"baseline": baseline})
    return footer(done, decision=decision, catalog=CATALOG, now=NOW)


def test_attempts_their_cost_the_time_and_what_was_saved_are_told() -> None:
    # 1800 tokens in and 2000 out would have cost 1800 x $15 + 2000 x $75 per million.
    assert line(ANSWER) == (
        "home-7b (ollama), 3 attempts, $0.0025 ($0.0005 of it for failed attempts), 4.3 s, "
        "saved $0.174 against claude-opus-4."
    )


def test_one_attempt_is_not_two() -> None:
    alone = ANSWER.model_copy(update={"attempts": ANSWER.attempts[-1:]})
    assert line(alone, baseline=None) == "home-7b (ollama), 1 attempt, $0.002, 4.3 s."


def test_what_is_not_known_is_not_made_up() -> None:
    unpriced = ANSWER.model_copy(update={"cost_usd": None, "attempts": ANSWER.attempts[-1:]})
    assert line(unpriced) == "home-7b (ollama), 1 attempt, cost unknown, 4.3 s."
    gone = BASE.model_copy(update={"model": "nosuch-model"})
    assert "against" not in line(ANSWER, baseline=gone)


def test_a_dearer_choice_is_told_as_such() -> None:
    dear = ANSWER.model_copy(
        update={
            "cost_usd": Decimal(1),
            "attempts": (ANSWER.attempts[-1].model_copy(update={"cost_usd": Decimal(1)}),),
        }
    )
    assert line(dear).endswith(", $0.823 more than claude-opus-4.")


def test_the_baseline_itself_saves_nothing() -> None:
    own = BASE.model_copy(update={"model": "home-7b"})
    assert line(ANSWER, baseline=own).endswith(", 4.3 s.")
