"""The examples run as they stand in the README: without a key, and with a person's own settings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from tests.integrations.harbour import harbour

NAMES = ("chat_model", "middleware", "langgraph_node", "tools")
SAID = {
    "chat_model": "You said: Why do the tides turn? [crc32",
    "middleware": "The last step went to practice-",
    "langgraph_node": "You said: And a neap tide? [crc32",
    "tools": '"task_type":"math_logic"',
}


@pytest.mark.parametrize("name", NAMES)
def test_an_example_runs_without_any_key(name: str, tmp_path: Path) -> None:
    bare = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANGSMITH_TRACING": "false"}

    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", f"langchain_mcp_router.examples.{name}"],
        env=bare,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert SAID[name] in done.stdout
    assert "a server on this machine plays the providers" in done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_an_example_takes_the_settings_it_finds(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with harbour(tmp_path) as port:
        models = ["openai-m", "anthropic-m", "gemini-m"]
        own = {**port.server.settings(), "constraints": {"models": models}}
        file = tmp_path / "own.json"
        file.write_text(json.dumps(own), encoding="utf-8")
        monkeypatch.setenv("ROUTING_CONFIG", str(file))
        monkeypatch.setenv("ROUTING_DB", str(tmp_path / "own.db"))

        import_module(f"langchain_mcp_router.examples.{name}").main()

        called = {call.model for call in port.server.calls}
    assert SAID[name].replace("practice-", "") in capsys.readouterr().out
    assert called <= set(models)
    assert bool(called) == (name != "tools")


def test_a_thread_of_the_graph_keeps_its_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with harbour(tmp_path) as port:
        file = tmp_path / "own.json"
        file.write_text(json.dumps(port.server.settings()), encoding="utf-8")
        monkeypatch.setenv("ROUTING_CONFIG", str(file))
        monkeypatch.setenv("ROUTING_DB", str(tmp_path / "own.db"))

        import_module("langchain_mcp_router.examples.langgraph_node").main()

        assert len(port.server.calls) == 2
        assert len({call.model for call in port.server.calls}) == 1
