"""Arguments of every wrong kind, over a real pipe: each call is answered once, in plain words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.process import Process, started

GOOD: dict[str, dict[str, Any]] = {
    "route": {
        "prompt": "Fix the login bug",
        "strategy": "balanced",
        "max_cost_usd": "0.5",
        "max_latency_ms": 60_000,
        "min_quality": 0.1,
        "requires": ["json"],
        "context_tokens": 100,
        "models": ["sonnet"],
    },
    "classify": {"prompt": "Fix the login bug", "context_tokens": 100},
    "stats": {"period": "day", "by": "model"},
    "budget": {},
}
JUNK: list[Any] = [
    *(None, True, -1, 0, 0.5, 10**30, 1e308, "", " ", "\x00", "\ud83d", "x" * 5000, "NaN"),
    *(
        [],
        [None],
        [[]],
        {},
        {"a": {"b": []}},
        "../../etc/passwd",
        "'; DROP TABLE ledger_entries;--",
    ),
]
NAMES = ("__class__", "prompt\n", "", "model", "x" * 300)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    folder: Path = tmp_path_factory.mktemp("server")
    with started(folder) as process:
        process.initialize()
        yield process
        code, _, err = process.end()
    assert code == 0
    assert b"Traceback" not in err


def words(answer: dict[str, Any]) -> str:
    """All that a model or a person is shown of an answer."""
    told = answer.get("error") or answer["result"]
    return json.dumps(told, ensure_ascii=False)


def check(answer: dict[str, Any]) -> bool:
    """Say whether a call was refused; either way nothing of the inside is shown."""
    shown = words(answer)
    assert "Traceback" not in shown
    assert "mcp_router/" not in shown
    assert "pydantic" not in shown.lower()
    assert len(shown) < 40_000
    return "error" in answer or bool(answer["result"].get("isError"))


@pytest.mark.parametrize("tool", GOOD)
def test_a_wrong_value_in_any_argument_is_one_answer(server: Process, tool: str) -> None:
    given = GOOD[tool]
    assert not check(server.ask("tools/call", {"name": tool, "arguments": given}))
    for name in given:
        refused = 0
        for junk in JUNK:
            arguments = {**given, name: junk}
            refused += check(server.ask("tools/call", {"name": tool, "arguments": arguments}))
        assert refused, f"{name} takes anything"


@pytest.mark.parametrize("tool", GOOD)
def test_an_argument_that_there_is_not_is_refused_by_name(server: Process, tool: str) -> None:
    for name in NAMES:
        arguments = {**GOOD[tool], name: "x"}
        assert check(server.ask("tools/call", {"name": tool, "arguments": arguments}))
    assert not check(server.ask("tools/call", {"name": tool, "arguments": GOOD[tool]}))


@pytest.mark.parametrize("arguments", [*JUNK, "absent"], ids=lambda one: repr(one)[:20])
def test_arguments_of_any_shape_are_answered(server: Process, arguments: Any) -> None:
    params: dict[str, Any] = {"name": "classify"}
    if arguments != "absent":
        params["arguments"] = arguments
    assert check(server.ask("tools/call", params))


@pytest.mark.parametrize(
    "method",
    ["tools/call", "prompts/get", "resources/read", "completion/complete", "logging/setLevel", "x"],
)
def test_any_method_with_any_parameters_is_answered(server: Process, method: str) -> None:
    for junk in JUNK:
        params = {"name": junk, "uri": junk, "arguments": junk, "level": junk, "ref": junk}
        check(server.ask(method, params))
    assert len(server.ask("tools/list")["result"]["tools"]) == 5
