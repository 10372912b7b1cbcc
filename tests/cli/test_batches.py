"""`batch` keeps every answer as a whole line, also when it is killed, and pays for none twice."""

from __future__ import annotations

import json
import signal
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest

from mcp_router.testing.answers import echo
from mcp_router.testing.behaviours import Answer, Fault, Repeat
from mcp_router.testing.server import FaultServer
from tests.cli.conftest import Invoke
from tests.cli.faults import Faults
from tests.cli.process import open_process


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def line(faults: Faults, *more: str, rows: Sequence[object]) -> tuple[str, ...]:
    text = "".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in rows)
    (faults.file.parent / "tasks.jsonl").write_text(text, encoding="utf-8")
    return ("batch", "--config", str(faults.file), "tasks.jsonl", "--chain", "all", *more)


def asked(count: int) -> list[dict[str, str]]:
    return [{"id": f"row {number}", "prompt": f"Count to {number}."} for number in range(count)]


def results(folder: Path) -> dict[str, dict[str, Any]]:
    lines = (folder / "tasks.results.jsonl").read_text(encoding="utf-8").splitlines()
    found = [json.loads(one) for one in lines]
    assert len({one["id"] for one in found}) == len(found)
    return {one["id"]: one for one in found}


def test_every_row_has_one_result_under_its_id(faults: Faults, home: Path, invoke: Invoke) -> None:
    faults.serve("calm")
    result = invoke(*line(faults, "--json", rows=asked(20)))
    assert (result.code, result.err) == (0, "")
    found = results(home)
    for number in range(20):
        one = found[f"row {number}"]
        assert (one["ok"], one["line"]) == (True, number + 1)
        assert one["result"]["content"] == echo(f"Count to {number}.")
    (spent,) = faults.rows("SELECT sum(spent_nanos) FROM ledger_entries")[0]
    assert Decimal(result.json["cost_usd"]) * 10**9 == spent
    assert (result.json["total"], result.json["done"]) == (20, 20)
    faults.assert_nothing_held()


def test_a_row_says_more_than_the_options(faults: Faults, home: Path, invoke: Invoke) -> None:
    faults.serve("calm")
    faults.serve("other")
    rows = [
        {"prompt": "Hi.", "system": "Be brief.", "chain": "other", "max_tokens": 9},
        {"messages": [{"role": "user", "content": "Ho."}]},
    ]
    more = ("--max-tokens", "77", "--tag", "project=site")
    assert invoke(*line(faults, *more, rows=rows)).code == 0
    projects = faults.rows("SELECT DISTINCT project FROM routing_outcomes")
    assert [row[0] for row in projects] == ["site"]
    found = results(home)
    assert [found[f"line-{n}"]["result"]["model"] for n in (1, 2)] == ["other", "calm"]
    limits = {
        call.model: call.body.get("max_tokens") or call.body.get("max_completion_tokens")
        for call in faults.server.calls
    }
    assert limits == {"other": 9, "calm": 77}
    bodies = {call.model: call.body["messages"] for call in faults.server.calls}
    assert [one["content"] for one in bodies["other"]] == ["Be brief.", "Hi."]


def test_each_bad_row_gets_one_line_and_the_others_run(
    faults: Faults, home: Path, invoke: Invoke
) -> None:
    faults.serve("calm")
    rows = [
        "{torn",
        {"id": "a", "prompt": "Good."},
        {"id": "a", "prompt": "Twice."},
        {"id": "b"},
        {"id": "c", "prompt": "x", "temperatur": 1},
        "[1, 2]",
        "",
        {"id": "d", "prompt": " "},
        {"id": "e", "prompt": "x", "mode": "choir"},
        {"id": "f", "prompt": "x", "timeout_s": -1},
    ]
    result = invoke(*line(faults, "--concurrency", "1", rows=rows))
    assert result.code == 1
    told = [one for one in result.err.splitlines() if one.startswith("warning: line")]
    assert [one.split(": ")[1] for one in told] == [
        *("line 1 (line-1)", "line 3 (line-3)", "line 4 (b)", "line 5 (c)", "line 6 (line-6)"),
        *("line 8 (d)", "line 9 (e)", "line 10 (f)"),
    ]
    assert len(faults.server.calls) == 1
    found = results(home)
    assert [name for name, one in found.items() if one["ok"]] == ["a"]
    assert {one["error"]["type"] for one in found.values() if not one["ok"]} == {
        "InvalidRequestError"
    }


@pytest.mark.anyio
async def test_a_batch_killed_again_and_again_ends_with_each_row_once(home: Path) -> None:
    async with FaultServer() as server:
        faults = Faults(server, folder=home)
        # Every 12th call hangs, so that each process is killed in the middle of its work.
        round_ = [Repeat(Answer(), times=11), Fault.silence()]
        server.script("calm", [*round_, *round_, *round_], then="healthy")
        faults.more = {"chains": {"all": ["calm"]}}
        faults.file.write_text(json.dumps({**server.settings(), **faults.more}), encoding="utf-8")
        rows = asked(60)
        for turn in range(3):
            process = open_process(*line(faults, "--resume", "--concurrency", "1", rows=rows))
            await server.wait_until(lambda now, turn=turn: len(now.calls) == 12 * (turn + 1))
            process.send_signal(signal.SIGKILL)
            await anyio.to_thread.run_sync(process.communicate)
            assert len(results(home)) == 11 * (turn + 1)
        last = open_process(*line(faults, "--resume", "--json", rows=rows))
        out, err = await anyio.to_thread.run_sync(lambda: last.communicate(timeout=60))
        assert last.returncode == 0, err
        assert json.loads(out)["reused"] == 33
        prompts = [call.body["messages"][-1]["content"] for call in server.calls]
        # Only the three that hung were asked again.
        assert len(prompts) == 63
    found = results(home)
    assert set(found) == {one["id"] for one in rows}
    assert all(one["ok"] for one in found.values())
    spent = sum(Decimal(one["cost_usd"]) for one in found.values())
    (settled,) = faults.rows("SELECT sum(spent_nanos) FROM ledger_entries WHERE state='settled'")[0]
    assert spent * 10**9 == settled


def test_a_torn_last_line_is_repaired_and_only_its_row_runs_again(
    faults: Faults, home: Path, invoke: Invoke
) -> None:
    faults.serve("calm")
    assert invoke(*line(faults, rows=asked(5))).code == 0
    file = home / "tasks.results.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole[:-40])
    result = invoke(*line(faults, "--resume", rows=asked(5)))
    assert result.code == 0
    assert "warning: Took a line out of the results that broke off" in result.err
    assert len(faults.server.calls) == 6
    assert len(results(home)) == 5


def test_failed_and_changed_rows_run_again_and_no_others(
    faults: Faults, home: Path, invoke: Invoke
) -> None:
    faults.serve("calm", Fault.invalid_key(), Answer())
    result = invoke(*line(faults, "--concurrency", "1", rows=asked(4)))
    assert result.code == 1
    assert "hint: Run the same line with --resume to try the row that is not done" in result.err
    assert not results(home)["row 0"]["ok"]
    rows = asked(4)
    rows[3]["prompt"] = "Count backwards."
    calls = len(faults.server.calls)
    assert invoke(*line(faults, "--resume", rows=rows)).code == 0
    assert len(faults.server.calls) == calls + 2
    assert results(home)["row 3"]["result"]["content"] == echo("Count backwards.")


def test_results_that_are_there_are_never_written_over(
    faults: Faults, home: Path, invoke: Invoke
) -> None:
    faults.serve("calm")
    assert invoke(*line(faults, rows=asked(2))).code == 0
    before = (home / "tasks.results.jsonl").read_bytes()
    result = invoke(*line(faults, rows=asked(2)))
    assert result.code == 1
    assert "it is there already." in result.err
    assert "--resume" in result.err
    assert (home / "tasks.results.jsonl").read_bytes() == before
    assert invoke(*line(faults, "--output", "tasks.jsonl", rows=asked(2))).code == 2


def test_a_spent_budget_stops_the_batch_and_says_what_is_left(
    faults: Faults, home: Path, invoke: Invoke
) -> None:
    faults.serve("calm")
    budget = ("--budget", "0.0015", "--max-tokens", "400")
    result = invoke(*line(faults, *budget, "--json", rows=asked(60)))
    assert result.code == 1
    found = result.json
    assert found["done"] + found["left"] == 60
    assert found["done"] > 1
    assert found["left"] > 1
    assert found["stopped"].startswith("The batch budget of $")
    assert Decimal(found["cost_usd"]) <= Decimal("0.0015")
    assert len(results(home)) == found["done"]
    faults.assert_nothing_held()
    # What was spent still counts when the same budget is given again.
    again = invoke(*line(faults, *budget, "--json", "--resume", rows=asked(60))).json
    assert Decimal(again["cost_usd"]) <= Decimal("0.0015")
    rest = invoke(*line(faults, "--resume", "--budget", "1", rows=asked(60)))
    assert rest.code == 0
    assert len(results(home)) == 60


def test_our_own_rate_limit_delays_rows_and_fails_none(
    faults: Faults, home: Path, invoke: Invoke
) -> None:
    faults.serve("calm", requests_per_minute=60)
    result = invoke(*line(faults, "--timeout", "0.5", "--json", rows=asked(61)))
    assert (result.code, result.json["done"]) == (0, 61)


def test_the_rate_limit_of_a_provider_delays_rows_and_fails_none(
    faults: Faults, invoke: Invoke
) -> None:
    faults.serve("calm")
    faults.server.limit_rate("calm", requests=15, per_seconds=0.3)
    result = invoke(*line(faults, "--json", rows=asked(40)))
    assert (result.code, result.json["done"]) == (0, 40)
    faults.assert_nothing_held()


@pytest.mark.anyio
async def test_two_processes_never_write_one_file_of_results(home: Path) -> None:
    async with FaultServer() as server:
        faults = Faults(server, folder=home)
        faults.serve("calm", Fault.silence())
        first = open_process(*line(faults, rows=asked(2)))
        await server.wait_until(lambda now: bool(now.calls))
        second = open_process(*line(faults, "--resume", rows=asked(2)))
        _, err = await anyio.to_thread.run_sync(lambda: second.communicate(timeout=60))
        assert second.returncode == 1
        assert b"another process is writing it" in err
        first.send_signal(signal.SIGINT)
        _, err = await anyio.to_thread.run_sync(lambda: first.communicate(timeout=60))
        assert first.returncode == 130
    faults.assert_nothing_held()
