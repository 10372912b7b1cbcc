"""`run` gives a whole answer on stdout, says on stderr who gave it, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import time
from decimal import Decimal
from pathlib import Path

import anyio
import pytest

from mcp_router.testing.behaviours import Answer, Fault
from mcp_router.testing.server import FaultServer
from tests.cli.conftest import Invoke
from tests.cli.faults import PROMPT, WHOLE, Faults
from tests.cli.process import open_process, start

POSIX = pytest.mark.skipif(os.name != "posix", reason="signals and modes of POSIX")

EXECUTION = {
    *("decision_id", "model", "provider", "content", "tool_calls", "finish_reason", "usage"),
    *("cost_usd", "latency_ms", "first_token_ms", "attempts", "mode", "confidence", "warnings"),
}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def test_the_answer_is_on_stdout_and_who_gave_it_on_stderr(faults: Faults) -> None:
    faults.serve("calm")
    done = start(*faults.line())
    assert (done.returncode, done.stdout.decode()) == (0, f"{WHOLE}\n")
    (footer,) = done.stderr.decode().splitlines()
    told = (
        r"calm \(fault-openai\), 1 attempt, \$0\.0000\d+, \d+ ms, saved \$0\.\d+ against [\w.-]+\."
    )
    assert re.fullmatch(told, footer)
    faults.assert_nothing_held()


def test_json_is_the_execution(faults: Faults, invoke: Invoke) -> None:
    faults.serve("down", Fault.http(503))
    faults.serve("calm")
    result = invoke(*faults.line("--json"))
    assert (result.code, result.err) == (0, "")
    assert set(result.json) >= EXECUTION
    assert result.json["content"] == WHOLE
    assert [(one["model"], one["outcome"]) for one in result.json["attempts"]] == [
        ("down", "overloaded"),
        ("calm", "ok"),
    ]
    usage = result.json["usage"]
    cost = Decimal(usage["input_tokens"]) + 2 * Decimal(usage["output_tokens"])
    assert Decimal(result.json["cost_usd"]) == cost / 1_000_000


@pytest.mark.parametrize("more", [(), ("--stream",), ("--stream", "--json")])
def test_what_is_piped_is_written_once_it_is_whole(
    more: tuple[str, ...], faults: Faults, invoke: Invoke
) -> None:
    faults.serve("torn", Fault.cut(after=3, answer=Answer("Half of an answer that never ends.")))
    faults.serve("calm")
    result = invoke(*faults.line(*more))
    assert result.code == 0
    assert (result.json["content"] if "--json" in more else result.out[:-1]) == WHOLE
    assert "Half" not in result.out + result.err


def test_failed_attempts_are_in_the_cost_that_is_told(faults: Faults, invoke: Invoke) -> None:
    faults.serve("torn", Fault.cut(after=3))
    faults.serve("calm")
    err = invoke(*faults.line("--stream")).err
    assert re.search(r"2 attempts, \$[\d.]+ \(\$[\d.]+ of it for failed attempts\)", err)
    total = Decimal(re.findall(r"\$([\d.]+\d)", err)[0])
    (spent,) = faults.rows("SELECT sum(spent_nanos) FROM ledger_entries")[0]
    assert float(total) == pytest.approx(spent / 1e9, rel=0.01)


def test_the_request_is_what_the_options_say(faults: Faults, home: Path, invoke: Invoke) -> None:
    faults.serve("calm")
    (home / "rules.txt").write_text("Be brief.", encoding="utf-8")
    line = ("--max-tokens", "77", "--system", "rules.txt", "--strategy", "cost_first")
    marks = ("--category", "letters", "--tag", "project=site", "--tag", "session=s 1")
    assert invoke(*faults.line(*line, *marks)).code == 0
    (body,) = faults.bodies()
    assert 77 in (body.get("max_tokens"), body.get("max_completion_tokens"))
    assert [one["content"] for one in body["messages"]] == ["Be brief.", PROMPT]
    decision = invoke("explain", "--json").json
    assert decision["strategy"] == "cost_first"
    query = "SELECT category, project, session FROM routing_outcomes"
    assert [tuple(row) for row in faults.rows(query)] == [("letters", "site", "s 1")]


def test_a_model_is_told_how_hard_to_think(faults: Faults, invoke: Invoke) -> None:
    faults.serve("calm", features=["tools", "json", "thinking"])
    assert invoke(*faults.line("--effort", "low")).err.count("warning") == 0
    (body,) = faults.bodies()
    assert body["reasoning_effort"] == "low"


def test_who_asks_too_much_of_a_model_is_warned(faults: Faults, invoke: Invoke) -> None:
    faults.serve("calm")
    result = invoke(*faults.line("--effort", "high"))
    assert (result.code, result.out) == (0, f"{WHOLE}\n")
    assert "warning: reasoning_effort dropped: calm does not think" in result.err


@pytest.mark.parametrize("more", [(), ("--stream",)])
def test_all_attempts_end_at_the_timeout(
    more: tuple[str, ...], faults: Faults, invoke: Invoke
) -> None:
    faults.serve("still", Fault.silence())
    began = time.monotonic()
    result = invoke(*faults.line("--timeout", "0.3", *more))
    assert (result.code, result.out) == (1, "")
    assert time.monotonic() - began < 10


def test_the_task_may_be_in_a_file(faults: Faults, home: Path, invoke: Invoke) -> None:
    faults.serve("calm")
    (home / "task.md").write_text(PROMPT, encoding="utf-8")
    line = ("run", "--config", str(faults.file), "--chain", "all", "--file", "task.md")
    assert invoke(*line).out == f"{WHOLE}\n"


@pytest.mark.parametrize("line", [("-",), ("--file", "-"), ()])
def test_the_task_may_be_piped_in(line: tuple[str, ...], faults: Faults) -> None:
    faults.serve("calm")
    done = start(
        "run", "--config", str(faults.file), "--chain", "all", *line, stdin=PROMPT.encode()
    )
    assert done.stdout.decode() == f"{WHOLE}\n"


def test_a_model_that_costs_too_much_is_not_called(faults: Faults, invoke: Invoke) -> None:
    faults.serve("calm", price={"input": 1000.0, "output": 1000.0})
    result = invoke(*faults.line("--max-cost", "0.0001"))
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("error: No model fits: all 1 were ruled out (max_cost 1).\nhint: ")
    assert faults.server.calls == ()


@pytest.mark.parametrize(
    "line",
    [
        ("--tag", "project"),
        ("--tag", "=x"),
        ("--max-tokens", "many"),
        ("--max-cost", "x"),
        ("--timeout", "0"),
        ("--effort", "much"),
    ],
)
def test_what_makes_no_sense_is_bad_usage(
    line: tuple[str, ...], faults: Faults, invoke: Invoke
) -> None:
    faults.serve("calm")
    assert invoke(*faults.line(*line)).code == 2
    assert faults.server.calls == ()


def test_without_any_key_the_variables_that_would_help_are_named(invoke: Invoke) -> None:
    result = invoke("run", PROMPT, "--models", "sonnet,gpt")
    assert (result.code, result.out) == (1, "")
    error, hint = result.err.splitlines()
    assert error.startswith("error: No model fits")
    assert hint == "hint: Set ANTHROPIC_API_KEY or OPENAI_API_KEY."
    hint = invoke("run", PROMPT).err.splitlines()[-1]
    assert "ANTHROPIC_API_KEY, OPENAI_API_KEY" in hint
    assert "start Ollama and set OLLAMA_HOST" in hint


def test_when_all_fail_it_is_one_sentence_and_a_hint(faults: Faults, invoke: Invoke) -> None:
    faults.serve("down", Fault.http(503))
    faults.serve("wrong", Fault.http(404))
    result = invoke(*faults.line())
    assert (result.code, result.out) == (1, "")
    error, hint = result.err.splitlines()
    assert error.startswith("error: No model answered after ")
    assert "down: HTTP status 503" in error
    assert "wrong: HTTP status 404" in error
    assert "models --check" in hint
    faults.assert_nothing_held()


@pytest.mark.parametrize("limit", ["0.000001", "0.001"])
def test_a_budget_that_does_not_allow_it_is_told_with_the_way_out(
    limit: str, faults: Faults, invoke: Invoke
) -> None:
    faults.more = {"budget": {"per_request": limit}}
    faults.serve("calm")
    result = invoke(*faults.line("--max-tokens", "30000"))
    assert (result.code, result.out) == (1, "")
    error, hint = result.err.splitlines()
    assert "budget" in error
    assert re.search("budget set|Raise the budget", hint)
    assert faults.server.calls == ()


def test_a_passed_threshold_is_told_once(faults: Faults, invoke: Invoke) -> None:
    faults.more = {"budget": {"daily": "0.001", "alerts": {"daily_warning": 1}}}
    faults.serve("calm")
    line = faults.line("--max-tokens", "100")
    warnings = [row for row in invoke(*line).err.splitlines() if row.startswith("warning: ")]
    assert len(warnings) == 1
    assert re.fullmatch(
        r"warning: The day budget is \d+ % spent \(\$[\d.]+ of \$0\.001\)\.", warnings[0]
    )
    assert "warning" not in invoke(*line).err
    assert "% spent" in invoke("budget", "--config", str(faults.file)).err


def test_the_file_gets_the_answer_as_it_is(faults: Faults, home: Path, invoke: Invoke) -> None:
    text = "Zeile\r\n\x1b[31mrot\x1b[0m 写 ohne Ende"
    faults.serve("calm", Answer(text))
    result = invoke(*faults.line("--output", "answer.md"))
    assert (result.code, result.out) == (0, "")
    assert (home / "answer.md").read_bytes().decode() == text
    assert result.err.startswith("calm (fault-openai), 1 attempt, ")


@POSIX
def test_the_file_keeps_its_mode_and_place(faults: Faults, home: Path, invoke: Invoke) -> None:
    faults.serve("calm")
    (home / "real").mkdir()
    target = home / "real" / "answer.md"
    target.write_text("old", encoding="utf-8")
    target.chmod(0o640)
    (home / "link.md").symlink_to(target)
    assert invoke(*faults.line("--output", "link.md")).code == 0
    assert target.read_text(encoding="utf-8") == WHOLE
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert (home / "link.md").is_symlink()
    assert [path.name for path in (home / "real").iterdir()] == ["answer.md"]


def test_without_an_answer_the_file_stays_as_it_was(
    faults: Faults, home: Path, invoke: Invoke
) -> None:
    faults.serve("down", Fault.http(404))
    (home / "answer.md").write_text("old", encoding="utf-8")
    before = {path.name for path in home.iterdir()}
    assert invoke(*faults.line("--output", "answer.md")).code == 1
    assert (home / "answer.md").read_text(encoding="utf-8") == "old"
    assert {path.name for path in home.iterdir()} - before <= {
        f"router.db{end}" for end in ("", "-shm", "-wal")
    }


def test_nobody_is_asked_where_the_answer_could_not_be_written(
    faults: Faults, home: Path, invoke: Invoke
) -> None:
    faults.serve("calm")
    for target in ("nosuch/answer.md", str(home)):
        result = invoke(*faults.line("--output", target))
        assert (result.code, result.out) == (1, "")
        assert result.err.startswith("error: --output: ")
    assert faults.server.calls == ()


@POSIX
def test_a_device_is_written_to_and_not_replaced(faults: Faults, invoke: Invoke) -> None:
    faults.serve("calm")
    assert invoke(*faults.line("--output", os.devnull)).code == 0
    assert not Path(os.devnull).is_file()


@POSIX
@pytest.mark.parametrize("fault", [Fault.silence(), Fault.stall(after=2)])
@pytest.mark.parametrize("more", [(), ("--stream",)])
async def test_an_interrupt_frees_money_connection_and_probe(
    fault: Fault, more: tuple[str, ...], home: Path
) -> None:
    async with FaultServer() as server:
        faults = Faults(server, folder=home)
        faults.more = {"budget": {"daily": "5"}}
        faults.serve("quiet", fault)
        process = open_process(*faults.line(*more, "--output", "answer.md"))
        await server.wait_until(lambda now: bool(now.calls))
        assert faults.rows("SELECT 1 FROM ledger_entries WHERE state = 'open'")
        process.send_signal(signal.SIGINT)
        out, err = await anyio.to_thread.run_sync(lambda: process.communicate(timeout=20))
        assert (process.returncode, out, err) == (130, b"", b"error: Interrupted.\n")
        await server.wait_until(lambda now: not now.connections)
        assert len(server.abandoned) == 1
    faults.assert_nothing_held()
    outcomes = faults.rows("SELECT failure FROM routing_outcomes")
    assert [row[0] for row in outcomes] == ["cancelled"] * len(outcomes)
    assert not (home / "answer.md").exists()
    assert json.loads(faults.file.read_text(encoding="utf-8"))
