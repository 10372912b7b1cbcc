"""Of several processes that run the same workflow one does, and no step is paid for twice."""

from __future__ import annotations

import json
import signal
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import anyio
import pytest

from mcp_router.testing.behaviours import Answer, Behaviour, Fault
from mcp_router.testing.server import FaultServer
from tests.cli.faults import Faults
from tests.cli.process import open_process
from tests.cli.test_workflows import END, PLAN, line, run_out
from tests.storage.servers import ENGINES, fresh_schema

pytestmark = pytest.mark.anyio
BUSY = b"error: The run 'mine' is being carried out by another process, which holds it until "


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=ENGINES)
def place(
    request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path | str]:
    """Where every process keeps its records."""
    if request.param == "sqlite":
        yield home / "router.db"
        return
    with fresh_schema() as address:
        monkeypatch.setenv("ROUTING_DB", address)
        yield address


class Ended(NamedTuple):
    """How a process ended."""

    code: int
    out: bytes
    err: bytes


class Crew:
    """Processes that all run one form under one name."""

    def __init__(self, server: FaultServer, *, home: Path) -> None:
        self.server = server
        self.faults = Faults(server, folder=home)
        # What is silent stays so for as long as a busy machine takes.
        self.faults.more["fallback"] = {"first_token_ms": 300_000, "timeout_ms": 300_000}
        self._open: list[subprocess.Popen[bytes]] = []

    def serve(self, calm: Answer, *other: Behaviour) -> None:
        self.faults.serve("calm", calm)
        self.faults.serve("other", *other)

    def start(self) -> subprocess.Popen[bytes]:
        process = open_process(*line(self.faults, "--run-id", "mine", "--json"))
        self._open.append(process)
        return process

    async def end(self, process: subprocess.Popen[bytes]) -> Ended:
        out, err = await anyio.to_thread.run_sync(partial(process.communicate, timeout=60))
        return Ended(process.returncode, out, err)

    async def run(self) -> Ended:
        return await self.end(self.start())

    async def until_one_step_is_left_hanging(self) -> None:
        """Wait until the first two steps are answered and the third was asked for."""
        await self.server.wait_until(lambda now: now.answered >= 2 and len(now.calls) >= 3)

    def tasks(self) -> list[str]:
        return [call.body["messages"][-1]["content"] for call in self.server.calls]

    def close(self) -> None:
        for process in self._open:
            if process.poll() is None:
                process.kill()
                process.communicate()


@pytest.fixture
async def crew(place: Path | str, home: Path) -> AsyncIterator[Crew]:
    async with FaultServer() as server:
        crew = Crew(server, home=home)
        yield crew
        crew.close()


async def test_processes_that_start_at_once_pay_for_each_step_once(crew: Crew) -> None:
    slow = Answer(header_delay=0.2)
    crew.serve(slow, slow)
    ended = [await crew.end(process) for process in [crew.start() for _ in range(3)]]
    assert {one.code for one in ended} <= {0, 1}
    assert [json.loads(one.out)["content"] for one in ended if not one.code]
    # One that began after the end finds every step done.
    assert {json.loads(one.out)["content"] for one in ended if not one.code} == {END}
    assert all(one.err.startswith(BUSY) and not one.out for one in ended if one.code)
    assert Counter(crew.tasks()).most_common(1)[0][1] == 1
    assert len(crew.tasks()) == 4


async def test_a_run_is_refused_while_it_is_held_and_for_a_while_after_its_holder_was_killed(
    crew: Crew, place: Path | str
) -> None:
    crew.serve(Answer(), Fault.silence(), Answer())
    holder = crew.start()
    await crew.until_one_step_is_left_hanging()
    refused = await crew.run()
    assert (refused.code, refused.out) == (1, b"")
    assert refused.err.startswith(BUSY)
    assert b"hint: Wait for it; if it was stopped, run this again then" in refused.err
    holder.send_signal(signal.SIGKILL)
    await crew.end(holder)
    assert (await crew.run()).err.startswith(BUSY)
    assert len(crew.tasks()) == 3
    run_out(place)
    found = await crew.run()
    assert found.code == 0, found.err
    assert json.loads(found.out)["content"] == END
    # What hung when it was killed is asked again, and nothing else.
    assert crew.tasks()[3:] == [f"Blame: {PLAN}", crew.tasks()[-1]]
    assert len(crew.tasks()) == 5


async def test_a_run_that_was_interrupted_goes_on_at_once(crew: Crew) -> None:
    crew.serve(Answer(), Fault.silence(), Answer())
    holder = crew.start()
    await crew.until_one_step_is_left_hanging()
    holder.send_signal(signal.SIGINT)
    assert (await crew.end(holder)).code == 130
    found = await crew.run()
    assert found.code == 0, found.err
    assert json.loads(found.out)["content"] == END


async def test_a_process_that_was_held_up_while_another_took_its_run_over_pays_for_nothing_more(
    crew: Crew, place: Path | str
) -> None:
    crew.serve(Answer(), Fault.silence(), Answer())
    holder = crew.start()
    await crew.until_one_step_is_left_hanging()
    holder.send_signal(signal.SIGSTOP)
    run_out(place)
    found = await crew.run()
    assert found.code == 0, found.err
    asked = len(crew.tasks())
    holder.send_signal(signal.SIGCONT)
    late = await crew.end(holder)
    assert (late.code, late.out) == (1, b"")
    assert b"error: The run 'mine' is not ours any more: " in late.err
    assert len(crew.tasks()) == asked
    again = await crew.run()
    assert json.loads(again.out)["content"] == json.loads(found.out)["content"] == END
    assert len(crew.tasks()) == asked
