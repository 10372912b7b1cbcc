"""Two processes that change one settings file do not lose each other's change."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mcp_router.config import lock
from mcp_router.config.load import load_settings
from mcp_router.config.write import write_settings
from mcp_router.errors import ConfigError

pytestmark = pytest.mark.skipif(os.name != "posix", reason="folders cannot be locked elsewhere")

WRITER = """
import sys
from decimal import Decimal
from pathlib import Path
from mcp_router.config.write import write_settings

file, name = Path(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
for number in range(12):
    path = ("budget", "tags", f"{name}={number}", "daily")
    assert write_settings(file, changes={path: Decimal(number)})
"""
HOLDER = """
import sys
from pathlib import Path
from mcp_router.config.lock import locked

with locked(Path(sys.argv[1])):
    print("ready", flush=True)
    sys.stdin.readline()
"""


def start(code: str, *arguments: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def release(process: subprocess.Popen[str]) -> None:
    assert process.communicate("go\n", timeout=60)[0] == ""
    assert process.returncode == 0


@pytest.mark.parametrize("name", ["mcp-router.toml", "mcp-router.json"])
def test_no_change_of_any_process_is_lost(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    writers = [start(WRITER, str(file), writer) for writer in ("one", "two", "three")]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        release(writer)

    settings = load_settings(config=file, environ={}, cwd=tmp_path).settings
    assert len(settings.budget.tags) == 3 * 12
    assert [one.name for one in tmp_path.iterdir()] == [name], "nothing is left lying about"


def test_whoever_keeps_the_lock_too_long_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "LOCK_SECONDS", 0.05)
    holder = start(HOLDER, str(tmp_path))
    file = tmp_path / "mcp-router.toml"
    with pytest.raises(ConfigError, match="another program keeps its folder locked"):
        write_settings(file, changes={("debug",): True})
    assert not file.exists()

    release(holder)
    assert write_settings(file, changes={("debug",): True})


def test_a_lock_ends_with_the_process_that_holds_it(tmp_path: Path) -> None:
    holder = start(HOLDER, str(tmp_path))
    holder.kill()
    holder.communicate(timeout=60)
    with lock.locked(tmp_path):
        assert not list(tmp_path.iterdir())
