"""What a person says of answers moves later choices, and every decision says on what it rests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mcp_router import Decision, Router
from mcp_router.config.settings import Settings

PROMPT = "Fix the login bug: auth.py raises TypeError on line 3 when the token is empty"
HARD = "Design the architecture of a multi-region payments platform; critical for production."


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 21, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings file of the machine may reach a test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def settings(folder: Path, **more: object) -> Settings:
    return Settings.model_validate(
        {"db": str(folder / "router.db"), "cache": {"enabled": False}, **more}
    )


@pytest.fixture
def router(tmp_path: Path, clock: Clock) -> Iterator[Router]:
    with Router.open(settings(tmp_path), environ={}, clock=clock) as opened:
        yield opened


def rated(decision: Decision, model: str) -> float:
    return next(one.quality for one in decision.candidates if one.model == model)


def judged(router: Router, *, ok: bool, times: int = 6) -> Decision:
    """Route the same prompt several times, then judge every answer; returns the first decision."""
    decisions = [router.route(PROMPT) for _ in range(times)]
    for one in decisions:
        router.feedback(one.decision_id, ok=ok)
    return decisions[0]


def test_feedback_moves_what_is_expected_of_the_model_and_says_so(router: Router) -> None:
    first = judged(router, ok=True)
    praised = router.route(PROMPT)
    assert praised.model == first.model
    assert rated(praised, first.model) > rated(first, first.model)
    assert any(" + 6 of your own" in reason for reason in praised.reasons)


def test_a_model_that_fails_the_person_is_left(router: Router) -> None:
    first = judged(router, ok=False)
    again = router.route(PROMPT)
    assert again.model != first.model
    told = [one for one in again.reasons if one.startswith(f"{first.model} scores")]
    assert told == [] or "80% is asked" in told[0]


def test_an_old_grudge_fades(router: Router, clock: Clock) -> None:
    first = judged(router, ok=False)
    clock.at += timedelta(days=300)
    assert router.route(PROMPT).model == first.model


def test_feedback_on_one_task_hardly_touches_another(router: Router) -> None:
    other = router.route(HARD)
    judged(router, ok=False, times=3)
    again = router.route(HARD)
    assert again.model == other.model
    assert abs(rated(again, other.model) - rated(other, other.model)) < 0.03


def test_without_learning_feedback_changes_nothing(tmp_path: Path, clock: Clock) -> None:
    still = settings(tmp_path, learning={"enabled": False})
    with Router.open(still, environ={}, clock=clock) as router:
        first = judged(router, ok=False)
        assert router.route(PROMPT).candidates == first.candidates


def test_a_decision_keeps_the_floor_and_how_sure_each_candidate_was(router: Router) -> None:
    decision = router.route(HARD)
    assert decision.quality_floor == 0.76
    chances = [one.chance for one in decision.candidates]
    assert chances[0] is not None
    assert chances[0] >= 0.8
    kept = router.explain(decision.decision_id)
    assert [one.chance for one in kept.candidates] == chances


def test_a_decision_is_replayed_under_what_is_known_now(router: Router, tmp_path: Path) -> None:
    first = router.route(PROMPT)
    same = settings(tmp_path)
    assert router.replay(first.decision_id, settings=same).candidates == first.candidates
    judged(router, ok=False)
    assert router.replay(first.decision_id, settings=same).model != first.model


@pytest.mark.parametrize("strategy", ["balanced", "quality_first", "cost_first", "latency_first"])
def test_critical_work_never_goes_to_a_small_model(router: Router, strategy: str) -> None:
    decision = router.route(HARD, strategy=strategy)
    tiers = {one.name: one.tier for one in router.catalog.models}
    assert (decision.task_type, decision.complexity) == ("architecture", "critical")
    assert tiers[decision.model] == "frontier"


@pytest.mark.parametrize("prompt", ["hi there!", "Tell me a joke", "What is 17*23?"])
def test_small_talk_never_goes_to_a_dear_model(router: Router, prompt: str) -> None:
    tiers = {one.name: one.tier for one in router.catalog.models}
    for strategy in ("cost_first", "balanced", "latency_first"):
        assert tiers[router.route(prompt, strategy=strategy).model] in ("small", "standard")


def test_where_nobody_is_sure_enough_the_surer_come_first(tmp_path: Path, clock: Clock) -> None:
    names = ["llama3.2-local", "qwen3-coder-local", "gpt-oss-20b-local"]
    local = {"ollama": {"base_url": "http://127.0.0.1:9/v1"}}
    small = settings(tmp_path, providers=local, constraints={"models": names})
    with Router.open(small, environ={}, clock=clock) as router:
        for strategy in ("latency_first", "cost_first", "balanced"):
            decision = router.route(HARD, strategy=strategy)
            assert decision.model != "llama3.2-local"
            assert any("80% is asked" in reason for reason in decision.reasons)
