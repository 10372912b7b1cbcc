"""`route` and `classify` say what the router says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mcp_router.cli.text import width
from mcp_router.router import Router
from mcp_router.types import Classification, Constraints, Decision
from tests.cli.conftest import Invoke

PROMPT = "Fix the race in our login code and add a test"


def test_json_is_the_decision_that_was_recorded(invoke: Invoke) -> None:
    answered = invoke("route", PROMPT, "--json").json
    with Router.open() as router:
        recorded = router.explain(answered["decision_id"])
    assert answered == recorded.model_dump(mode="json")
    assert Decision.model_validate(answered) == recorded


def test_the_same_request_gets_the_same_decision_as_in_python(invoke: Invoke) -> None:
    options = ["--strategy", "cost_first", "--max-cost", "0.05", "--min-quality", "0.9"]
    options += ["--requires", "tools,json", "--min-rating", "coding=8", "--context-tokens", "10k"]
    answered = invoke("route", PROMPT, *options, "--json").json
    constraints = Constraints.model_validate(
        {
            "max_cost_usd": "0.05",
            "min_quality": 0.9,
            "requires": ("tools", "json"),
            "min_capabilities": {"coding": 8},
        }
    )
    with Router.open() as router:
        decision = router.route(
            PROMPT, strategy="cost_first", constraints=constraints, context_tokens=10_000
        ).model_dump(mode="json")
    for name in ("decision_id", "created_at"):
        decision.pop(name)
        answered.pop(name)
    assert answered == decision


@pytest.mark.parametrize(
    ("options", "holds"),
    [
        (["--models", "opus", "--models", "gpt,sonnet"], lambda d: len(d["candidates"]) == 3),
        (["--providers", "google"], lambda d: d["provider"] == "google"),
        (["--chain", "sonnet,gpt"], lambda d: d["request"]["chain"] == ["sonnet", "gpt"]),
        (["--chain", "fast"], lambda d: d["request"]["chain"] == "fast"),
        (["--min-context", "1M"], lambda d: d["request"]["constraints"]["min_context"] == 10**6),
        (["--max-latency", "9000"], lambda d: d["estimated"]["latency_ms"] <= 9000),
        (["--prefers", "speed"], lambda d: d["request"]["constraints"]["prefers"] == ["speed"]),
        (
            ["--deny-providers", "openai", "--deny-models", "opus"],
            lambda d: not any(c["provider"] == "openai" for c in d["candidates"]),
        ),
    ],
)
def test_options_reach_the_router(
    options: list[str], holds: Callable[[dict[str, Any]], bool], invoke: Invoke
) -> None:
    assert holds(invoke("route", PROMPT, *options, "--json").json)


def test_constraints_that_contradict_one_another_are_explained(invoke: Invoke) -> None:
    result = invoke("route", PROMPT, "--models", "opus", "--deny-models", "opus")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("error: No model fits")
    assert "\nhint: " in result.err


def test_a_provider_that_does_not_exist_is_told(invoke: Invoke) -> None:
    for option in ("--providers", "--deny-providers"):
        result = invoke("route", PROMPT, option, "opnai")
        assert (result.code, result.out) == (1, "")
        assert "no provider 'opnai'" in result.err


def test_the_card_tells_what_matters_in_80_columns(invoke: Invoke) -> None:
    result = invoke("route", PROMPT)
    decision = invoke("explain", "--json").json
    for told in (decision["model"], decision["decision_id"], decision["needs_key"]):
        assert told in result.out
    assert all(name in " ".join(result.out.split()) for name in decision["fallbacks"])
    assert max(map(width, result.out.splitlines())) <= 80
    assert result.out.isascii()
    assert result.err == f"hint: Every reason: mcp-router explain {decision['decision_id']}\n"


def test_warnings_go_to_stderr_when_piped(invoke: Invoke) -> None:
    result = invoke("route", PROMPT, "--models", "gpt-5-mini")
    decision = invoke("explain", "--json").json
    for warning in decision["warnings"]:
        assert f"warning: {warning}" in result.err
        assert warning not in result.out


def test_escapes_in_a_prompt_do_not_reach_the_terminal(invoke: Invoke) -> None:
    for command in ("route", "classify"):
        result = invoke(command, 'Fix the "\x1b[31mlogin\x9b2J\u202e" bug \x1b]0;title\x07')
        assert result.code == 0
        assert all(c.isprintable() or c == "\n" for c in result.out + result.err)


def test_classify_tells_what_the_router_understood(invoke: Invoke) -> None:
    answered = invoke("classify", PROMPT, "--context-tokens", "5k", "--json").json
    with Router.open() as router:
        found = router.classify(PROMPT, context_tokens=5000)
    assert Classification.model_validate(answered) == found
    text = invoke("classify", PROMPT, "--context-tokens", "5k").out
    assert f"Task        {found.task_type.replace('_', ' ')}\n" in text
    assert f"Complexity  {found.complexity}\n" in text


def test_classify_records_nothing(invoke: Invoke) -> None:
    invoke("classify", PROMPT)
    assert invoke("explain", "--list").out == "No decision is recorded yet.\n"


def test_a_task_type_of_your_own_is_used(home: Path, invoke: Invoke) -> None:
    (home / "mcp-router.toml").write_text(
        '[tasks.solidity]\nprimary = "opus"\nkeywords = ["solidity"]\n', encoding="utf-8"
    )
    decision = invoke("route", "Write a solidity contract", "--json").json
    assert decision["task_type"] == "solidity"
    assert decision["model"].startswith("claude-opus")


def test_settings_that_are_odd_are_told_beside_the_answer(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROUTING_STRATEGIE", "x")
    result = invoke("route", PROMPT, "--json")
    assert result.json["decision_id"]
    assert result.err.startswith("warning: ROUTING_STRATEGIE is not a variable of mcp-router.")


def test_a_correction_is_taught_shown_and_taken_back(invoke: Invoke) -> None:
    before = invoke("classify", PROMPT, "--json").json
    taught = invoke("classify", "--correct", "planning", PROMPT, "--json").json
    assert taught["task_type"] == "planning" != before["task_type"]
    assert invoke("classify", PROMPT, "--json").json == taught
    assert invoke("classify", "--undo", "--json").json == {"undone": "planning"}
    assert invoke("classify", "--undo", "--json").json == {"undone": None}
    assert invoke("classify", "--undo").out == "There was no correction to forget.\n"
    assert invoke("classify", PROMPT, "--json").json == before


def test_teaching_a_type_that_is_none_names_those_there_are(invoke: Invoke) -> None:
    refused = invoke("classify", "--correct", "gardening", PROMPT)
    assert refused.code == 1
    assert "'gardening' is not known" in refused.err
    assert "code_review" in refused.err


def test_teaching_and_forgetting_at_once_is_bad_usage(invoke: Invoke) -> None:
    assert invoke("classify", "--correct", "chat", "--undo", PROMPT).code == 2
