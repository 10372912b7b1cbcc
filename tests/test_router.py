"""The router as a library: it decides, records, explains and replays, whatever surrounds it."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from mcp_router import (
    ConfigError,
    Constraints,
    InvalidRequestError,
    NoCandidateError,
    Request,
    Router,
    StorageError,
    UnknownDecisionError,
    UnknownModelError,
)
from mcp_router.config.load import load_settings
from mcp_router.config.settings import Settings, Weights

PROMPT = "Fix the login bug: auth.py raises TypeError on line 3 when the token is empty"


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 21, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"ROUTING_DB": str(tmp_path / "router.db"), "ROUTING_TIMEZONE": "UTC"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings file of the machine may reach a test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture
def router(environ: dict[str, str], clock: Clock) -> Iterator[Router]:
    with Router.open(environ=environ, clock=clock) as opened:
        yield opened


def test_a_decision_is_recorded_whole_under_its_id(router: Router) -> None:
    decision = router.route(PROMPT, constraints=Constraints(max_cost_usd=Decimal("0.10")))
    assert router.explain(decision.decision_id) == decision
    assert router.explain() == decision
    assert decision.task_type == "debugging"
    assert decision.estimated.cost_usd is not None
    assert decision.estimated.cost_usd <= Decimal("0.10")


def test_the_same_request_decides_the_same_way_every_time(
    environ: dict[str, str], clock: Clock, tmp_path: Path
) -> None:
    told: list[dict[str, object]] = []
    for number in range(3):
        own = {**environ, "ROUTING_DB": str(tmp_path / f"{number}.db")}
        with Router.open(environ=own, clock=clock) as router:
            decision = router.route(PROMPT)
            told.append(decision.model_dump(exclude={"decision_id"}))
    assert told[0] == told[1] == told[2]


def test_a_cached_decision_keeps_its_id_until_its_time_is_over(
    router: Router, clock: Clock
) -> None:
    first = router.route(PROMPT)
    again = router.route(PROMPT)
    assert (again.decision_id, again.cached) == (first.decision_id, True)
    assert router.route(PROMPT, strategy="cost_first").decision_id != first.decision_id
    clock.at += timedelta(seconds=300)
    assert router.route(PROMPT).decision_id != first.decision_id


def test_the_cache_can_be_switched_off(environ: dict[str, str], clock: Clock) -> None:
    with Router.open(environ={**environ, "ROUTING_ENABLE_CACHE": "false"}, clock=clock) as router:
        assert router.route(PROMPT).decision_id != router.route(PROMPT).decision_id


def test_prompts_are_not_kept_unless_asked(
    environ: dict[str, str], clock: Clock, tmp_path: Path
) -> None:
    secret = "xyzzy-plugh-frotz"
    with Router.open(environ=environ, clock=clock) as router:
        router.route(f"Summarise the letter of {secret} to the committee")
    files = [path.read_bytes() for path in tmp_path.glob("router.db*")]
    assert files
    assert not any(secret.encode() in content for content in files)


def test_a_hash_tells_that_two_decisions_were_about_the_same_prompt(router: Router) -> None:
    first = router.route(PROMPT)
    other_way = router.route(PROMPT, strategy="cost_first")
    other = router.route(PROMPT + "!")
    assert len(first.prompt_hash) == 32
    assert first.prompt_hash == other_way.prompt_hash != other.prompt_hash
    assert router.explain(first.decision_id).prompt_hash == first.prompt_hash


def test_classify_records_nothing(router: Router) -> None:
    kind = router.classify("Prove that the square root of 2 is irrational")
    assert kind.task_type == "math_logic"
    assert router.recent() == ()


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda r: r.route("   "), InvalidRequestError),
        (lambda r: r.route(PROMPT, strategy="cheap"), InvalidRequestError),
        (lambda r: r.route(PROMPT, chain="sonet"), UnknownModelError),
        (lambda r: r.route(PROMPT, constraints=Constraints(min_quality=1.0)), NoCandidateError),
        (lambda r: r.route("x " * 5_000_000), NoCandidateError),
        (lambda r: r.explain("dec_none"), UnknownDecisionError),
        (lambda r: r.explain(), UnknownDecisionError),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    router: Router, call: Callable[[Router], object], error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        call(router)
    assert "\n" not in str(caught.value)


def test_a_replay_decides_again_under_other_settings_and_records_nothing(router: Router) -> None:
    first = router.route(PROMPT)
    assert router.replay(first.decision_id, settings=router.settings).model == first.model
    settings = Settings(
        weights=Weights(capability=0, cost=0, quality=0, latency=1, historical=0),
        constraints=Constraints(providers=("anthropic",), max_cost_usd=Decimal(1)),
    )
    replayed = router.replay(first.decision_id, settings=settings)
    assert {one.provider for one in replayed.candidates} == {"anthropic"}
    assert replayed.candidates[0].parts.latency == replayed.candidates[0].score
    assert len(router.recent()) == 1


def test_budgets_and_statistics_count_what_was_recommended(
    environ: dict[str, str], clock: Clock
) -> None:
    with Router.open(environ={**environ, "ROUTING_DAILY_BUDGET": "20"}, clock=clock) as router:
        decision = router.route(PROMPT)
        day = next(one for one in router.budget() if one.name == "day")
        assert (day.limit_usd, day.spent_usd, day.left_usd) == (20, 0, 20)
        (row,) = router.stats()
        assert (row.group, row.decisions, row.calls) == (decision.model, 1, 0)
        assert row.estimated_cost_usd == decision.estimated.cost_usd


def test_a_local_server_is_a_candidate_once_it_is_set_up(
    environ: dict[str, str], clock: Clock
) -> None:
    def providers(**more: str) -> set[str]:
        with Router.open(environ={**environ, **more}, clock=clock) as router:
            return {one.provider for one in router.route(PROMPT, chain="local").candidates}

    with pytest.raises(NoCandidateError, match="ollama is not set up"):
        providers()
    assert providers(OLLAMA_HOST="127.0.0.1:11434") == {"ollama"}


def test_a_decision_names_the_key_it_would_need(environ: dict[str, str], clock: Clock) -> None:
    with Router.open(environ=environ, clock=clock) as router:
        assert router.route(PROMPT, chain="sonnet").needs_key == "ANTHROPIC_API_KEY"
    with Router.open(environ={**environ, "ANTHROPIC_API_KEY": "k"}, clock=clock) as router:
        assert router.route(PROMPT, chain="sonnet").needs_key is None


def test_models_chains_and_tasks_of_the_settings_file_are_used(
    environ: dict[str, str], clock: Clock, tmp_path: Path
) -> None:
    (tmp_path / "mcp-router.toml").write_text(
        """
        [chains]
        mine = ["llama-local", "opus"]
        [models."llama-local"]
        provider = "ollama"
        context = 128000
        price = { input = 0.0, output = 0.0 }
        [tasks.solidity_codegen]
        primary = "opus"
        keywords = ["solidity", "smart contract"]
        """
    )
    with Router.open(environ=environ, clock=clock) as router:
        assert router.route(PROMPT, chain="mine").model == "llama-local"
        special = router.route("Write a solidity token with a cap")
        assert (special.task_type, special.model) == ("solidity_codegen", "claude-opus-5-5")


def test_a_clock_that_goes_back_changes_nothing_recorded(router: Router, clock: Clock) -> None:
    first = router.route(PROMPT)
    clock.at -= timedelta(days=2)
    second = router.route(PROMPT)
    assert {one.decision_id for one in router.recent()} == {
        first.decision_id,
        second.decision_id,
    }


def test_threads_share_one_router(router: Router) -> None:
    failures: list[Exception] = []

    def work(number: int) -> None:
        try:
            for step in range(10):
                router.route(f"{PROMPT} {number} {step % 3}")
        except (RuntimeError, KeyError, StorageError) as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    # Two threads may decide the same request at once; nobody decides it more often than that.
    assert 18 <= len(router.recent(limit=1000)) <= 60


def test_a_wrong_setting_names_its_place(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="ROUTING_DAILY_BUDGET"):
        Router.open(environ={**environ, "ROUTING_DAILY_BUDGET": "lots"})


def test_a_wrong_name_in_ready_settings_names_the_file_it_came_from(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('default_model = "nope"')
    loaded = load_settings(config=file, environ={}, cwd=tmp_path)
    with pytest.raises(ConfigError, match=r"mine\.toml: default_model: no model is called 'nope'"):
        Router.open(loaded.settings, sources=loaded.sources)


def test_a_database_that_is_none_is_told_apart(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "router.db").write_bytes(b"no database at all" * 100)
    with Router.open(environ=environ) as router:
        assert router.classify(PROMPT).task_type == "debugging", "which needs no database"
        with pytest.raises(StorageError, match=r"router\.db"):
            router.route(PROMPT)


def test_a_wrong_provider_is_told(router: Router) -> None:
    with pytest.raises(InvalidRequestError, match="there is no provider 'opanai'"):
        router.route(PROMPT, constraints=Constraints(deny_providers=("opanai",)))


@pytest.mark.parametrize("named", [True, False])
def test_the_debug_log_tells_every_candidate_and_no_prompt(
    environ: dict[str, str], clock: Clock, tmp_path: Path, named: bool
) -> None:
    log = tmp_path / ("mine.log" if named else "debug.log")
    debugging = {**environ, "ROUTING_DEBUG": "true"}
    debugging |= {"ROUTING_LOG_FILE": str(log)} if named else {}
    code = (
        "import os; from mcp_router import Router\n"
        f"with Router.open() as r: d = r.route({PROMPT + ' xyzzy'!r})\n"
        "print(d.model, len(d.candidates) + len(d.others), len(d.rejected))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**debugging, "HOME": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    chosen, candidates, rejected = done.stdout.split()
    text = log.read_text()
    assert text.count(" candidate ") == int(candidates)
    assert text.count(" quality=") == int(candidates), "every part of each"
    assert text.count(" rejected ") == int(rejected)
    assert f"chose {chosen}" in done.stderr
    assert "xyzzy" not in text + done.stderr


def test_a_request_carries_everything_at_once(router: Router) -> None:
    request = Request.model_validate(
        {
            "messages": [{"role": "user", "content": PROMPT}],
            "strategy": "cost_first",
            "constraints": {"providers": ["anthropic"]},
            "max_tokens": 100,
        }
    )
    decision = router.route(request)
    assert (decision.provider, decision.strategy) == ("anthropic", "cost_first")
