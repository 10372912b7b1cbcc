"""Whether the server starts and answers: the real one, and programs that are none."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from mcp_router.doctor.server import check_server
from mcp_router.version import __version__

CHECKOUT = Path(__file__).parents[2]
PYTHON = sys.executable


def test_the_real_server_answers(tmp_path: Path) -> None:
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(CHECKOUT),
        "HOME": str(tmp_path),
        "ROUTING_DB": str(tmp_path / "router.db"),
    }
    finding = check_server([PYTHON, "-m", "mcp_router", "serve"], environ=environ)
    # On a busy machine it may be slow, which is a warning.
    assert finding.status in ("ok", "warn")
    assert finding.text.endswith(f"as mcp-router {__version__}")


@pytest.mark.parametrize(
    "code",
    [
        "",
        "print('hello')",
        "print('[]')",
        "print('{\"result\": {}}')",
        "import sys; sys.stdout.write('x' * 3_000_000)",
        "import time; time.sleep(60)",
    ],
    ids=["leaves", "talks", "list", "no name", "floods", "hangs"],
)
def test_a_program_that_is_no_server_fails(code: str) -> None:
    deadline = 0.5 if "sleep" in code else 20.0
    finding = check_server([PYTHON, "-S", "-c", code], environ={}, deadline=deadline)
    assert finding.status == "fail"
    assert "gave no MCP answer" in finding.text
    assert finding.mend.startswith("Run it by hand")


def test_a_program_that_does_not_exist_fails() -> None:
    finding = check_server(["/nowhere/mcp-router"], environ={})
    assert finding.status == "fail"
    assert "does not start (No such file or directory)" in finding.text
