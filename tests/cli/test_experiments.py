"""Experiments are started, shown and ended on the command line; a shadow never delays an answer."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import anyio
import pytest

from mcp_router.testing.behaviours import Answer, Fault
from mcp_router.testing.server import FaultServer
from tests.cli.conftest import Invoke
from tests.cli.faults import PROMPT, WHOLE, Faults
from tests.cli.process import open_process, start

POSIX = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
EXPERIMENT: dict[str, Any] = {
    "arms": {"a": {"chain": ["first"]}, "b": {"chain": ["second"]}},
    "unit": "user",
}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def two(faults: Faults) -> Faults:
    faults.more = {"experiments": {"trial": EXPERIMENT}}
    faults.serve("first", Answer(WHOLE))
    faults.serve("second", Answer(WHOLE))
    return faults


def command(faults: Faults, *args: str) -> tuple[str, ...]:
    return ("experiment", "--config", str(faults.file), *args)


def ask(faults: Faults, user: int) -> tuple[str, ...]:
    return ("run", "--config", str(faults.file), PROMPT, "--tag", f"user={user}", "--json")


def test_an_experiment_runs_from_start_to_stop_and_is_forgotten(
    two: Faults, invoke: Invoke
) -> None:
    listed = invoke(*command(two, "list", "--json")).json["experiments"]
    assert [(one["name"], one["state"]) for one in listed] == [("trial", "declared")]
    assert invoke(*command(two, "start", "trial")).out == (
        "Started trial with the arms a, b; the control is a.\n"
    )
    arms: dict[str, set[str]] = {}
    for user in range(8):
        done = invoke(*ask(two, user)).json
        explained = invoke("explain", "--config", str(two.file), done["decision_id"])
        (arm,) = [name for name in "ab" if f"Experiment trial, arm {name}." in explained.out]
        arms.setdefault(arm, set()).add(done["model"])
    assert arms == {"a": {"first"}, "b": {"second"}}
    shown = invoke(*command(two, "show", "trial", "--json")).json
    assert (shown["state"], shown["verdict"], shown["control"]) == ("running", "running", "a")
    assert sum(one["results"] for one in shown["arms"]) == 8
    for one in shown["arms"]:
        low, high = one["success_interval"]
        assert low <= one["success"] <= high
        assert float(one["cost_usd"]) > 0
        assert one["latency_ms"] > 0
    assert invoke(*command(two, "stop", "trial", "--arm", "b")).code == 0
    assert {invoke(*ask(two, user)).json["model"] for user in range(8)} == {"first"}
    assert invoke(*command(two, "stop", "trial")).out == "Ended trial.\n"
    ended = invoke(*command(two, "show", "trial")).out
    assert ended.startswith("trial: ended without a verdict.\n")
    assert "has ended before" in invoke(*command(two, "stop", "trial")).err
    assert invoke(*command(two, "forget", "trial", "--yes")).code == 0
    (row,) = two.rows("SELECT count(*) FROM experiment_exposures")
    assert row == (0,)
    assert invoke(*command(two, "start", "trial")).code == 0


def test_the_page_fits_80_columns_and_says_how_long_it_may_take(
    two: Faults, invoke: Invoke
) -> None:
    invoke(*command(two, "start", "trial"))
    for user in range(5):
        invoke(*ask(two, user))
    page = invoke(*command(two, "show", "trial")).out
    assert page.startswith("trial: no verdict yet")
    assert all(len(line) <= 80 for line in page.splitlines())
    for word in ("Arm a", "chain first", "a (control)", "Against the control"):
        assert word in page
    assert all(len(line) <= 80 for line in invoke(*command(two, "list")).out.splitlines())


@pytest.mark.parametrize(
    ("args", "problem", "hint"),
    [
        (("show", "trail"), "there is no 'trail'", "Did you mean trial?"),
        (("start", "\x1b[31m"), "there is no", "hint"),
        (("stop", "trial"), "trial was never started", "mcp-router experiment start trial"),
        (("stop", "trial", "--arm", "b"), "trial was never started", ""),
        (("forget", "trial"), "there is no 'trial'", "trial"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    two: Faults, invoke: Invoke, args: tuple[str, ...], problem: str, hint: str
) -> None:
    result = invoke(*command(two, *args))
    assert (result.code, result.out) == (1, "")
    assert problem in result.err
    assert hint in result.err
    assert "\x1b" not in result.err


def test_a_running_experiment_is_not_started_nor_forgotten_and_its_control_stays(
    two: Faults, invoke: Invoke
) -> None:
    invoke(*command(two, "start", "trial"))
    for args, problem in (
        (("start", "trial"), "it was started before"),
        (("forget", "trial", "--yes"), "it is running"),
        (("stop", "trial", "--arm", "a"), "a is its control"),
        (("stop", "trial", "--arm", "c"), "it has no arm 'c'"),
    ):
        result = invoke(*command(two, *args))
        assert (result.code, result.out) == (1, "")
        assert problem in result.err


def test_an_experiment_with_an_unknown_model_does_not_start(faults: Faults, invoke: Invoke) -> None:
    arms = {"a": {}, "b": {"chain": ["nosuchmodel"]}}
    faults.more = {"experiments": {"trial": {"arms": arms}}}
    faults.serve("first")
    result = invoke(*command(faults, "start", "trial"))
    assert result.code == 1
    assert "nosuchmodel" in result.err


def test_changed_settings_do_not_touch_what_was_started(two: Faults, invoke: Invoke) -> None:
    invoke(*command(two, "start", "trial"))
    two.more = {"experiments": {}}
    two.serve("third")
    shown = invoke(*command(two, "show", "trial", "--json")).json
    assert [one["arm"] for one in shown["arms"]] == ["a", "b"]
    assert invoke(*ask(two, 1)).json["model"] in {"first", "second"}


def test_a_run_gives_its_answer_and_then_lets_the_shadow_end(faults: Faults) -> None:
    faults.more = {"shadow": {"chain": ["second"], "daily_usd": 1, "share": 1}}
    faults.serve("first", Answer(WHOLE))
    faults.serve("second", Answer(WHOLE))
    done = start(*faults.line(chain="first"))
    assert (done.returncode, done.stdout.decode()) == (0, f"{WHOLE}\n")
    assert b"second" not in done.stderr
    assert faults.rows("SELECT source, model FROM routing_outcomes ORDER BY seq") == [
        ("execution", "first"),
        ("execution", "second"),
        ("shadow", "second"),
    ]
    faults.assert_nothing_held()


@POSIX
@pytest.mark.parametrize("ending", ["answer", "interrupt", "kill"])
async def test_the_answer_is_there_before_the_shadow_ends_however_that_ends(
    ending: str, home: Path
) -> None:
    async with FaultServer() as server:
        faults = Faults(server, folder=home)
        wait = 100 if ending == "answer" else 60_000
        faults.more = {
            "shadow": {"chain": ["second"], "daily_usd": 1, "share": 1, "wait_ms": wait},
            "fallback": {"first_token_ms": 60_000, "timeout_ms": 60_000},
        }
        faults.serve("first", Answer(WHOLE))
        faults.serve("second", Fault.silence())
        process = open_process(*faults.line(chain="first"))
        assert process.stdout is not None
        line = await anyio.to_thread.run_sync(process.stdout.readline)
        assert line.decode() == f"{WHOLE}\n"
        await server.wait_until(lambda now: len(now.calls) == 2)
        if ending != "answer":
            assert process.poll() is None
            process.send_signal(signal.SIGINT if ending == "interrupt" else signal.SIGKILL)
        await anyio.to_thread.run_sync(lambda: process.communicate(timeout=20))
        await server.wait_until(lambda now: not now.connections)
    held = faults.rows("SELECT tags FROM ledger_entries WHERE state = 'open'")
    assert held == ([('["shadow"]',)] if ending == "kill" else [])
    answered = faults.rows("SELECT model FROM routing_outcomes WHERE ok")
    assert answered == [("first",)]
    assert json.loads(faults.file.read_text(encoding="utf-8"))
