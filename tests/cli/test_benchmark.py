"""`benchmark` asks each model for itself, marks what it says and leaves it as evidence."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest

from mcp_router.testing.behaviours import Answer, Fault
from mcp_router.testing.server import FaultServer
from tests.cli.conftest import Invoke
from tests.cli.faults import Faults
from tests.cli.process import open_process

PRICES = {"tiny": (0.1, 0.4), "big": (3, 15), "vain": (5, 25)}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def line(faults: Faults, *more: str, rows: Sequence[object]) -> tuple[str, ...]:
    text = "".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in rows)
    (faults.file.parent / "prompts.jsonl").write_text(text, encoding="utf-8")
    settings = json.loads(faults.file.read_text(encoding="utf-8"))
    for name, (dollars_in, dollars_out) in PRICES.items():
        if name in settings["models"]:
            settings["models"][name]["price"] = {"input": dollars_in, "output": dollars_out}
    faults.file.write_text(json.dumps(settings), encoding="utf-8")
    return ("benchmark", "--config", str(faults.file), "prompts.jsonl", *more)


def asked(count: int, **more: object) -> list[dict[str, object]]:
    return [
        {"prompt": f"What is {n} times 7?", "expect": n * 7, "task_type": "math_logic", **more}
        for n in range(1, count + 1)
    ]


def answers(right: int, of: int) -> list[Any]:
    return [Answer(f"The answer is {n * 7 if n <= right else -1}.") for n in range(1, of + 1)]


def three(faults: Faults) -> str:
    faults.serve("tiny", *answers(1, 4))
    faults.serve("big", *answers(4, 4))
    faults.serve("vain", *answers(2, 4))
    return "tiny,big,vain"


def test_models_are_compared_by_quality_cost_and_time(
    faults: Faults, home: Path, invoke: Invoke
) -> None:
    models = three(faults)
    args = line(faults, "--models", models, "--concurrency", "1", rows=asked(4))
    result = invoke(*args, "--json")
    assert (result.code, result.err) == (0, "")
    found = result.json
    assert {one["model"]: one["quality"] for one in found["models"]} == {
        "big": 1.0,
        "vain": 0.5,
        "tiny": 0.25,
    }
    assert found["efficient"] == ["big", "tiny"]
    (spent,) = faults.rows("SELECT sum(spent_nanos) FROM ledger_entries")[0]
    total = sum(Decimal(one["cost_usd"]) * one["answers"] for one in found["models"])
    assert round(total * 10**9) == spent
    faults.assert_nothing_held()
    rows = faults.rows(
        "SELECT model, task_type, count(*), sum(score) FROM routing_outcomes "
        "WHERE source = 'benchmark:prompts.jsonl' GROUP BY model ORDER BY model"
    )
    assert [tuple(row) for row in rows] == [
        ("big", "math_logic", 4, 4.0),
        ("tiny", "math_logic", 4, 1.0),
        ("vain", "math_logic", 4, 2.0),
    ]
    assert len((home / "prompts.benchmark.jsonl").read_text().splitlines()) == 12


def test_what_was_learnt_counts_in_later_decisions(faults: Faults, invoke: Invoke) -> None:
    models = three(faults)
    rows = asked(4)
    before = _quality(faults, invoke, rows)
    assert invoke(*line(faults, "--models", models, "--concurrency", "1", rows=rows)).code == 0
    after = _quality(faults, invoke, rows)
    assert after["big"] - after["tiny"] > before["big"] - before["tiny"]


def _quality(faults: Faults, invoke: Invoke, rows: Sequence[object]) -> dict[str, float]:
    line(faults, rows=rows)
    found = invoke(
        "route", "--config", str(faults.file), "What is 4 times 7?", "--chain", "all", "--json"
    ).json
    return {one["model"]: one["parts"]["historical"] for one in found["candidates"]}


def test_the_page_has_a_table_and_a_plot_of_80_columns(faults: Faults, invoke: Invoke) -> None:
    models = three(faults)
    rows = [*asked(3), *asked(1, task_type="factual", id="other")]
    result = invoke(*line(faults, "--models", models, "--concurrency", "1", rows=rows))
    assert result.code == 0
    assert result.out.startswith("Efficient, as no other is as good and as cheap: big, tiny.")
    assert "All tasks" in result.out
    assert "Math logic" in result.out
    assert "$ per 1,000 answers" in result.out
    assert max(map(len, result.out.splitlines())) <= 80
    assert result.out.isascii()


def test_each_model_answers_for_itself(faults: Faults, invoke: Invoke) -> None:
    faults.serve("down", Fault.http(404))
    faults.serve("calm", Answer("7"))
    result = invoke(*line(faults, "--models", "down,calm", "--json", rows=asked(1)))
    assert result.code == 1
    by_name = {one["model"]: one for one in result.json["models"]}
    assert (by_name["down"]["answers"], by_name["down"]["failed"]) == (0, 1)
    assert (by_name["calm"]["answers"], by_name["calm"]["quality"]) == (1, 1.0)
    assert {call.model for call in faults.server.calls} == {"down", "calm"}
    assert len([call for call in faults.server.calls if call.model == "calm"]) == 1


def test_a_second_run_needs_to_be_asked_for_and_pays_only_for_the_rest(
    faults: Faults, invoke: Invoke
) -> None:
    faults.serve("calm", Answer("7"))
    args = line(faults, "--models", "calm", rows=asked(2))
    assert invoke(*args).code == 0
    again = invoke(*args)
    assert again.code == 1
    assert "--resume" in again.err
    calls = len(faults.server.calls)
    more = line(faults, "--models", "calm", "--resume", "--json", rows=asked(3))
    result = invoke(*more)
    assert (result.code, len(faults.server.calls)) == (0, calls + 1)
    assert result.json["models"][0]["answers"] == 3
    evidence = faults.rows("SELECT count(*) FROM routing_outcomes WHERE source LIKE 'benchmark:%'")
    assert evidence[0][0] == 3


def test_one_budget_holds_for_the_whole_run(faults: Faults, invoke: Invoke) -> None:
    faults.serve("big", Answer("7"))
    faults.serve("vain", Answer("7"))
    args = line(
        faults, "--models", "big,vain", "--max-cost", "0.01", "--max-tokens", "300", rows=asked(40)
    )
    result = invoke(*args, "--json")
    assert result.code == 1
    assert result.json["run"]["stopped"]
    assert result.json["run"]["left"] > 0
    assert Decimal(result.json["run"]["cost_usd"]) <= Decimal("0.01")
    faults.assert_nothing_held()


def test_named_scorers_mark_beside_what_a_row_expects(faults: Faults, invoke: Invoke) -> None:
    faults.more = {
        "scorers": {
            "short": {
                "kind": "command",
                "command": [sys.executable, "-c", "import sys; print(len(sys.stdin.read()) < 3)"],
            },
            "fails": {"kind": "command", "command": [sys.executable, "-c", "raise SystemExit(1)"]},
        }
    }
    faults.serve("calm", Answer("7"))
    args = line(faults, "--models", "calm", "--json", rows=asked(1))
    assert invoke(*args, "--scorer", "short").json["models"][0]["quality"] == 1.0
    found = invoke(*args, "--scorer", "short,fails", "--output", "other.jsonl").json
    assert found["models"][0]["quality"] == 0.0
    unknown = invoke(*args, "--scorer", "typo", "--output", "third.jsonl")
    assert "there is no scorer 'typo'" in unknown.err


def test_without_anything_to_go_by_the_form_marks_and_it_is_said(
    faults: Faults, invoke: Invoke
) -> None:
    faults.serve("calm", Answer("The sea is calm today, and the light is good."))
    result = invoke(*line(faults, "--models", "calm", rows=[{"prompt": "Speak of the sea."}]))
    assert result.code == 0
    assert "marked by their form alone" in result.err


def test_bad_rows_are_told_and_the_others_run(faults: Faults, invoke: Invoke) -> None:
    faults.serve("calm", Answer("7"))
    rows: list[object] = [
        "{torn",
        {"prompt": "x", "expect": {}},
        {"prompt": "x", "chain": ["calm"]},
        {"prompt": "x", "task_type": "../.."},
        *asked(1),
    ]
    result = invoke(*line(faults, "--models", "calm", rows=rows))
    assert result.code == 1
    told = [one for one in result.err.splitlines() if one.startswith("warning: line")]
    assert len(told) == 4
    assert "expect is neither text nor a number" in result.err
    assert len(faults.server.calls) == 1


def test_a_file_without_prompts_is_refused(faults: Faults, home: Path, invoke: Invoke) -> None:
    faults.serve("calm")
    result = invoke(*line(faults, "--models", "calm", rows=[]))
    assert (result.code, result.out) == (1, "")
    assert result.err == "error: prompts.jsonl: it holds no prompts.\n"
    assert not (home / "prompts.benchmark.jsonl").exists()


def test_what_costs_nothing_is_a_plain_zero_in_json(faults: Faults, invoke: Invoke) -> None:
    faults.serve("free", Answer("The answer is 7."), price={"input": 0, "output": 0})
    result = invoke(*line(faults, "--models", "free", "--json", rows=asked(1)))
    assert [one["cost_usd"] for one in result.json["models"]] == ["0"]


def test_an_unknown_model_is_refused_before_anything_runs(faults: Faults, invoke: Invoke) -> None:
    faults.serve("calm")
    result = invoke(*line(faults, "--models", "calm,nobody-knows-me", rows=asked(1)))
    assert result.code == 1
    assert not faults.server.calls


@pytest.mark.anyio
async def test_ctrl_c_shows_and_keeps_what_is_done(home: Path) -> None:
    async with FaultServer() as server:
        faults = Faults(server, folder=home)
        faults.serve("calm", Answer("7"), Fault.silence())
        args = line(faults, "--models", "calm", "--concurrency", "1", rows=asked(3))
        process = open_process(*args)
        await server.wait_until(lambda now: len(now.calls) > 1)
        process.send_signal(signal.SIGINT)
        out, err = await anyio.to_thread.run_sync(lambda: process.communicate(timeout=60))
        assert process.returncode == 130
        assert b"calm" in out
        assert b"--resume" in err
        assert len((home / "prompts.benchmark.jsonl").read_text().splitlines()) == 1
        faults.assert_nothing_held()
