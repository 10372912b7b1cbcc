"""A home folder of its own for every test, and the command line run within this process."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mcp_router.cli.main import run
from mcp_router.testing.server import FaultServer
from tests.cli.faults import Faults


class Result(NamedTuple):
    """What a run left: its exit code and both streams."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Invoke = Callable[..., Result]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No settings, keys or database but those a test makes, and 80 columns."""
    for name in [*os.environ]:
        if name.startswith(("ROUTING_", "OLLAMA_")) or name.endswith("_API_KEY"):
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    folder.mkdir()
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(folder))
    monkeypatch.setenv("ROUTING_DB", str(folder / "router.db"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def invoke(capsys: pytest.CaptureFixture[str]) -> Invoke:
    """Run a command line in this process."""

    def run_line(*args: str) -> Result:
        capsys.readouterr()
        code = run(args)
        return Result(code, *capsys.readouterr())

    return run_line


@pytest.fixture
def faults(home: Path) -> Iterator[Faults]:
    """A fault server on a thread of its own, and the settings that lead to it."""
    with FaultServer.run_in_thread() as server:
        yield Faults(server, folder=home)
