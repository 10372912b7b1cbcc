"""`suggest` looks at a request, or at the latest runs, and sends nothing anywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mcp_router.testing.behaviours import Answer
from tests.cli.conftest import Invoke
from tests.cli.faults import Faults

PAGE = "\n".join(f"line {number} of the log book of the ship" for number in range(120))
TALK: dict[str, Any] = {
    "messages": [
        {"role": "user", "content": PAGE},
        {"role": "assistant", "content": "Read."},
        {"role": "user", "content": f"Again:\n{PAGE}"},
        {"role": "assistant", "content": "Read."},
        {"role": "user", "content": "Which line is odd?"},
    ],
    "constraints": {"models": ["opus"]},
}


def written(home: Path, body: object) -> str:
    (home / "talk.json").write_text(json.dumps(body), encoding="utf-8")
    return "talk.json"


def test_a_request_in_a_file_is_looked_at(home: Path, invoke: Invoke) -> None:
    result = invoke("suggest", "--request", written(home, TALK))
    assert (result.code, result.err) == (0, "")
    assert max(map(len, result.out.splitlines())) <= 80
    assert "message 3: 120 lines" in " ".join(result.out.split())
    assert "run --trim" in result.out
    told = invoke("suggest", "--json", "--request", written(home, TALK)).json
    assert told["of"] == "this request"
    assert {one["kind"] for one in told["suggestions"]} == {"repeats", "prefix"}


def test_messages_alone_are_a_request(home: Path, invoke: Invoke) -> None:
    file = written(home, TALK["messages"])
    assert invoke("suggest", "--request", file, "--json").json["suggestions"]


def test_where_nothing_can_be_saved_that_is_said(invoke: Invoke) -> None:
    assert invoke("suggest", "Fix the bug").out == "Nothing to save was found in this request.\n"
    assert invoke("suggest").out == (
        "Nothing to save was found in the last 30 days, which had no runs.\n"
    )


def test_the_latest_runs_are_looked_at(faults: Faults, invoke: Invoke) -> None:
    faults.serve("calm", Answer("A fine day at sea."), price={"input": 1, "output": 2})
    for _ in range(6):
        assert invoke(*faults.line("--max-tokens", "2000")).code == 0
    told = invoke("suggest", "--json", "--config", str(faults.file)).json
    assert told["of"] == "the latest 6 runs"
    assert [one["kind"] for one in told["suggestions"]] == ["answers", "max_tokens"]
    assert "cache.answers exact" in told["suggestions"][0]["do"]


@pytest.mark.parametrize(
    "body", ["{", "3", "[]", '{"messages": 3}', '{"message": []}', "[" * 100_000]
)
def test_what_is_no_request_is_told_in_a_sentence(body: str, home: Path, invoke: Invoke) -> None:
    (home / "talk.json").write_text(body, encoding="utf-8")
    refused = invoke("suggest", "--request", "talk.json")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith("error: ")
    assert "defect" not in refused.err


@pytest.mark.parametrize(
    "line", [("Hi", "--request", "talk.json"), ("--system", "talk.json"), ("--days", "0")]
)
def test_options_that_do_not_go_together_are_refused(line: tuple[str, ...], invoke: Invoke) -> None:
    assert invoke("suggest", *line).code == 2


def test_a_request_that_cannot_be_read_names_its_option(invoke: Invoke) -> None:
    result = invoke("suggest", "--request", "nowhere.json")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("error: --request: nowhere.json cannot be read")
