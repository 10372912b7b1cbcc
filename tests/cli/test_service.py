"""`serve` speaks MCP on stdin and stdout, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.process import open_process

HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "0"},
    },
}
CALL = {
    "jsonrpc": "2.0",
    "id": 2,
    "method": "tools/call",
    "params": {"name": "route", "arguments": {"prompt": "Fix the login bug"}},
}


def test_a_host_gets_answers_from_the_settings_of_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "served.db"
    process = open_process("serve", "--db", str(file))
    assert process.stdin is not None
    assert process.stdout is not None
    answers = []
    for message in (HELLO, CALL):
        process.stdin.write(json.dumps(message).encode() + b"\n")
        process.stdin.flush()
        answers.append(json.loads(process.stdout.readline()))
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert out == b""
    assert answers[0]["result"]["serverInfo"]["name"] == "mcp-router"
    assert answers[1]["result"]["structuredContent"]["decision_id"]
    assert file.exists()
