"""`models --check` asks who has credentials for one token, and nobody else for anything."""

from __future__ import annotations

import json
import os
import signal
import socket
from decimal import Decimal
from pathlib import Path

import anyio
import pytest

from mcp_router.cli.checkup import listens
from mcp_router.testing.behaviours import Answer, Fault
from mcp_router.testing.server import FaultServer
from tests.cli.conftest import Invoke
from tests.cli.faults import Faults
from tests.cli.process import open_process


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def check(faults: Faults, invoke: Invoke, *more: str, code: int = 0) -> dict[str, dict[str, str]]:
    result = invoke("models", "--check", "--json", "--config", str(faults.file), *more)
    assert (result.code, result.err) == (code, "")
    return {row["provider"]: row for row in result.json}


def test_without_keys_nobody_is_asked(invoke: Invoke) -> None:
    result = invoke("models", "--check")
    assert (result.code, result.err) == (0, "")
    assert "Nobody was asked" in result.out
    assert "Others need a key: ANTHROPIC_API_KEY, OPENAI_API_KEY" in result.out
    statuses = {row["status"] for row in invoke("models", "--check", "--json").json}
    assert statuses <= {"no key", "not running", "listening"}


def test_the_cheapest_model_is_asked_for_one_token_and_paid(
    faults: Faults, home: Path, invoke: Invoke
) -> None:
    faults.more = {"budget": {"daily": "1"}}
    faults.serve("cheap")
    faults.serve("dear")
    settings = json.loads(faults.file.read_text(encoding="utf-8"))
    settings["models"]["dear"]["price"] = {"input": 9.0, "output": 9.0}
    faults.file.write_text(json.dumps(settings), encoding="utf-8")
    row = check(faults, invoke)["fault-openai"]
    assert (row["status"], row["model"], row["error"]) == ("ok", "cheap", None)
    assert int(row["latency_ms"]) > 0
    (body,) = faults.bodies()
    assert 1 in (body.get("max_tokens"), body.get("max_completion_tokens"))
    (spent,) = faults.rows("SELECT sum(spent_nanos) FROM ledger_entries")[0]
    assert Decimal(row["cost_usd"]) * 10**9 == spent > 0
    booked = faults.rows("SELECT model, task_type, cost_nanos, latency_ms FROM routing_outcomes")
    assert booked == [("cheap", "check", spent, None)]
    stats = invoke("stats", "--by", "task", "--json", "--config", str(faults.file)).json
    assert [(one["group"], one["calls"]) for one in stats["rows"]] == [("check", 1)]
    faults.assert_nothing_held()
    assert invoke("db", "check").out == "The database is sound.\n"


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault.invalid_key(), "the key is missing or was refused"),
        (Fault.http(503), "HTTP status 503"),
        (Fault.disconnect(), "the server closed the connection"),
        (Fault.html(), "HTML"),
    ],
)
def test_who_does_not_answer_is_told_why(
    fault: Fault, told: str, faults: Faults, invoke: Invoke
) -> None:
    faults.serve("moody", fault)
    row = check(faults, invoke, code=1)["fault-openai"]
    assert row["status"] == "failed"
    assert told.split()[0].lower() in row["error"].lower()
    assert (
        "0 of 1 providers asked answered."
        in invoke("models", "--check", "--config", str(faults.file)).out
    )
    faults.assert_nothing_held()


def test_providers_are_asked_at_the_same_time(faults: Faults, invoke: Invoke) -> None:
    for name in ("one", "two", "three"):
        faults.server.script(name, [Answer("x", header_delay=0.6)], wire="openai")
    faults.serve("four", Answer("x", header_delay=0.6))
    settings = json.loads(faults.file.read_text(encoding="utf-8"))
    for name in ("one", "two", "three"):
        settings["providers"][name] = settings["providers"]["fault-openai"]
        settings["models"][name]["provider"] = name
    faults.file.write_text(json.dumps(settings), encoding="utf-8")
    rows = check(faults, invoke)
    assert [rows[name]["status"] for name in ("one", "two", "three", "fault-openai")] == ["ok"] * 4
    began = [call.time for call in faults.server.calls]
    assert max(began) - min(began) < 0.6


def test_one_model_or_provider_can_be_checked(faults: Faults, invoke: Invoke) -> None:
    faults.serve("calm")
    faults.serve("other")
    assert list(check(faults, invoke, "other")) == ["fault-openai"]
    assert faults.server.calls[-1].model == "other"
    assert list(check(faults, invoke, "--provider", "anthropic")) == ["anthropic"]
    assert len(faults.server.calls) == 1


def test_a_spent_budget_lets_nobody_be_asked(faults: Faults, invoke: Invoke) -> None:
    faults.more = {"budget": {"per_request": "0.000000001"}}
    faults.serve("calm")
    row = check(faults, invoke)["fault-openai"]
    assert row["status"] == "not asked"
    assert "budget" in row["error"]
    assert faults.server.calls == ()


def test_a_provider_without_a_model_is_not_asked(home: Path, invoke: Invoke) -> None:
    (home / "mcp-router.toml").write_text("[providers.vllm]\n", encoding="utf-8")
    (row,) = (r for r in invoke("models", "--check", "--json").json if r["provider"] == "vllm")
    assert (row["status"], row["hint"]) == ("not asked", "No model of vllm is in the catalogue.")


async def test_a_server_on_this_machine_is_found_by_a_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        assert await listens(url)
        assert await listens(url.replace("127.0.0.1", "localhost"))
    assert not await listens(url)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
async def test_an_interrupt_gives_the_money_back(home: Path) -> None:
    async with FaultServer() as server:
        faults = Faults(server, folder=home)
        faults.more = {"budget": {"daily": "1"}}
        faults.serve("quiet", Fault.silence())
        process = open_process("models", "--check", "--config", str(faults.file))
        await server.wait_until(lambda now: bool(now.calls))
        assert faults.rows("SELECT 1 FROM ledger_entries WHERE state = 'open'")
        process.send_signal(signal.SIGINT)
        out, err = await anyio.to_thread.run_sync(lambda: process.communicate(timeout=20))
        assert (process.returncode, out, err) == (130, b"", b"error: Interrupted.\n")
    faults.assert_nothing_held()
