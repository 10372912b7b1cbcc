"""A machine with an empty home folder and nothing on its PATH."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_router.hosts.host import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    home = tmp_path / "home"
    home.mkdir()
    return Machine(home, {"PATH": str(tmp_path / "bin")}, "linux")
