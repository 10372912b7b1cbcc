"""A correction of a task type reaches every face, at once and in other processes, and is undone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from mcp import Client

from mcp_router import Router
from mcp_router.cli.main import run
from mcp_router.errors import InvalidRequestError
from mcp_router.server.app import build_server

TASK = "Put the parts for the release train in order before the freeze"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "router.db"
    monkeypatch.setenv("ROUTING_DB", str(path))
    monkeypatch.chdir(tmp_path)
    return path


@pytest.fixture
def router(database: Path) -> Iterator[Router]:
    with Router.open() as opened:
        yield opened


def test_a_correction_counts_at_once_and_for_decisions(router: Router) -> None:
    before = router.route(TASK)
    assert before.classification.task_type != "coordination"
    assert router.correct(TASK, kind="coordination").task_type == "coordination"
    after = router.route(TASK)
    assert after.classification.task_type == "coordination"
    assert after.decision_id != before.decision_id


def test_undo_restores_what_was(router: Router) -> None:
    before = router.classify(TASK)
    router.correct(TASK, kind="coordination")
    router.correct("Sing me to sleep", kind="chat")
    assert router.undo_correction(TASK) == "coordination"
    assert router.classify(TASK) == before
    assert router.undo_correction() == "chat"
    assert router.undo_correction() == ""


def test_a_type_that_is_none_is_refused_with_those_there_are(router: Router) -> None:
    with pytest.raises(InvalidRequestError, match="not known") as caught:
        router.correct(TASK, kind="gardening")
    assert "coordination" in caught.value.hint
    assert router.undo_correction() == ""


def test_another_process_notices_within_a_second(database: Path) -> None:
    times = iter([NOW, NOW, NOW + timedelta(seconds=1)])
    with Router.open(clock=lambda: next(times, NOW + timedelta(seconds=2))) as early:
        assert early.classify(TASK).task_type != "coordination"
        early.store.corrections()
        with Router.open() as other:
            other.correct(TASK, kind="coordination")
        found = [early.classify(TASK).task_type for _ in range(4)]
    assert found[-1] == "coordination"


def test_classifying_creates_no_database(database: Path) -> None:
    with Router.open() as router:
        router.classify(TASK)
    assert not database.exists()


def test_no_word_of_the_task_is_kept(database: Path, router: Router) -> None:
    router.correct("xylophone quartet rehearsal", kind="coordination")
    router.close()
    files = b"".join(path.read_bytes() for path in database.parent.glob("router.db*"))
    assert b"task_corrections" in files
    assert all(word not in files for word in (b"xylo", b"quartet", b"rehears"))


async def test_terminal_python_and_mcp_agree(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["classify", "--correct", "coordination", TASK, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    with Router.open() as router:
        in_python = router.classify(TASK).model_dump(mode="json")
        async with Client(build_server(Router.open)) as client:
            answer = await client.call_tool("classify", {"prompt": TASK})
    assert told == in_python
    assert told["task_type"] == "coordination"
    assert answer.structured_content is not None
    assert answer.structured_content["task_type"] == "coordination"
    assert run(["classify", "--undo", TASK]) == 0
    assert "Forgot that it was coordination" in capsys.readouterr().out
