"""`workflow` runs a form of steps, tells what each cost, and goes on after a crash."""

from __future__ import annotations

import json
import signal
from decimal import Decimal
from pathlib import Path

import anyio
import pytest

from mcp_router.storage.database import Database
from mcp_router.testing.answers import echo
from mcp_router.testing.behaviours import Answer, Fault
from mcp_router.testing.server import FaultServer
from tests.cli.conftest import Invoke
from tests.cli.faults import Faults
from tests.cli.process import open_process

FORM = """
max_cost_usd = 5
output = "end"

[inputs]
topic = "tides"

[steps.plan]
task = "Plan {{topic}}."
chain = "calm"

[steps.good]
task = "Praise: {{plan}}"
chain = "calm"
max_tokens = 300

[steps.bad]
task = "Blame: {{plan}}"
chain = "other"

[steps.end]
task = "{{good}} / {{bad}}"
chain = "calm"
"""
PLAN = echo("Plan tides.")
END = echo(f"{echo(f'Praise: {PLAN}')} / {echo(f'Blame: {PLAN}')}")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def run_out(place: Path | str) -> None:
    """Let so much time pass that every lease on a run has run out."""
    with Database.open(place) as database:
        database.write("UPDATE workflow_leases SET until_ms = 0", ())


def line(faults: Faults, *more: str, form: str = FORM) -> tuple[str, ...]:
    (faults.file.parent / "essay.toml").write_text(form, encoding="utf-8")
    return ("workflow", "--config", str(faults.file), "essay.toml", *more)


def test_the_answer_is_on_stdout_and_every_step_on_stderr(faults: Faults, invoke: Invoke) -> None:
    faults.serve("calm")
    faults.serve("other")
    result = invoke(*line(faults))
    assert (result.code, result.out) == (0, f"{END}\n")
    for step, model in (("plan", "calm"), ("good", "calm"), ("bad", "other"), ("end", "calm")):
        (row,) = [one for one in result.err.splitlines() if one.split()[:2] == [step, "done"]]
        assert model in row
        assert "$" in row
        assert "ms" in row
    assert "[4/4] end: done" in result.err
    assert "essay: 4 of 4 steps done, $" in result.err
    faults.assert_nothing_held()


def test_json_holds_every_step_and_what_the_whole_cost(faults: Faults, invoke: Invoke) -> None:
    faults.serve("calm")
    faults.serve("other")
    found = invoke(*line(faults, "--json", "--input", "topic=ebb = flow")).json
    assert [one["name"] for one in found["steps"]] == ["plan", "good", "bad", "end"]
    assert found["steps"][0]["completion"]["content"] == echo("Plan ebb = flow.")
    (spent,) = faults.rows("SELECT sum(spent_nanos) FROM ledger_entries")[0]
    assert Decimal(found["cost_usd"]) * 10**9 == spent
    assert found["content"] == found["steps"][-1]["completion"]["content"]


@pytest.mark.anyio
async def test_a_killed_run_goes_on_where_it_stood_and_pays_for_no_step_twice(home: Path) -> None:
    async with FaultServer() as server:
        faults = Faults(server, folder=home)
        faults.serve("calm")
        faults.serve("other", Fault.silence(), Answer())
        process = open_process(*line(faults))
        await server.wait_until(lambda now: now.answered >= 2 and len(now.calls) >= 3)
        # The third step's answer was acknowledged in the terminal before the power went.
        seen = b""
        while b"good: done" not in seen:
            read = process.stderr.readline if process.stderr else None
            assert read is not None
            seen += await anyio.to_thread.run_sync(read)
        process.send_signal(signal.SIGKILL)
        await anyio.to_thread.run_sync(process.communicate)
        assert process.returncode == -signal.SIGKILL
        before = len(server.calls)
        run_out(faults.database)
        again = open_process(*line(faults, "--resume", "--json"))
        out, err = await anyio.to_thread.run_sync(lambda: again.communicate(timeout=60))
        assert again.returncode == 0, err
        found = json.loads(out)
        assert found["content"] == END
        kept = {one["name"]: one["reused"] for one in found["steps"]}
        assert kept == {"plan": True, "good": True, "bad": False, "end": False}
        tasks = [call.body["messages"][-1]["content"] for call in server.calls[before:]]
        assert tasks == [f"Blame: {PLAN}", tasks[-1]]
        assert len(tasks) == 2
    # Each of the four answers was settled exactly once.
    settled = faults.rows("SELECT spent_nanos FROM ledger_entries WHERE state = 'settled'")
    assert len(settled) == 4
    assert sum(row[0] for row in settled) == Decimal(found["cost_usd"]) * 10**9
    third = open_process(*line(faults, "--resume"))
    out, err = await anyio.to_thread.run_sync(lambda: third.communicate(timeout=60))
    assert (third.returncode, out.decode()) == (0, f"{END}\n"), err
    assert len(faults.rows("SELECT 1 FROM routing_decisions")) == 5


def test_a_failed_step_is_told_and_resuming_after_a_change_runs_only_what_it_touches(
    faults: Faults, invoke: Invoke
) -> None:
    faults.serve("calm")
    faults.serve("other", Fault.invalid_key())
    result = invoke(*line(faults))
    assert (result.code, result.out) == (1, "")
    assert "error: 2 of 4 steps of essay are done, but bad: " in result.err
    assert "hint: Finished steps are kept" in result.err
    assert "It needs bad." in result.err
    calls = len(faults.server.calls)
    changed = FORM.replace('chain = "other"', 'chain = "calm"')
    result = invoke(*line(faults, "--resume", form=changed))
    assert (result.code, result.out) == (0, f"{END}\n")
    assert len(faults.server.calls) == calls + 2
    assert (result.err.count(": kept, calm"), result.err.count(": done, calm")) == (2, 2)


def test_the_whole_budget_stops_what_it_does_not_hold(faults: Faults, invoke: Invoke) -> None:
    faults.serve("calm")
    faults.serve("other")
    result = invoke(*line(faults, "--max-cost", "0.000001"))
    assert result.code == 1
    assert "plan: The workflow budget of $" in result.err
    assert not faults.server.calls
    again = invoke(*line(faults, "--resume", "--max-cost", "1"))
    assert (again.code, again.out) == (0, f"{END}\n")


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("steps = 3", "steps: input should be a valid"),
        ("[steps.a]\ntask = 'x'\ntaks = 'y'", "steps.a.taks: there is no such key"),
        ("[steps.a]\ntask = '{{b}}'", "steps.a: {{b}} names neither an input nor a step"),
        ("[steps.a]\ntask = '{{a}}'", "steps wait for one another: a -> a"),
        ("[steps.a", "not TOML"),
        ("[steps.a]\ntask = 'x'\nchain = 'nobody'", "steps.a: 'nobody' is neither a chain nor"),
        ("[inputs]\nb = ''\n[steps.a]\ntask = '{{b}}'", "inputs.b: it has no text"),
    ],
)
def test_what_is_wrong_with_a_form_is_said_before_anything_is_paid(
    form: str, said: str, faults: Faults, invoke: Invoke
) -> None:
    faults.serve("calm")
    result = invoke(*line(faults, form=form))
    assert (result.code, result.out) == (1, "")
    assert said in result.err
    assert not faults.server.calls


def test_a_file_that_is_not_there_is_named(home: Path, invoke: Invoke) -> None:
    result = invoke("workflow", "nowhere.toml")
    assert result.code == 1
    assert "error: nowhere.toml: it cannot be read (No such file or directory)." in result.err
