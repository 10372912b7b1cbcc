"""A machine with an empty home folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_router.hosts.host import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    home = tmp_path / "home"
    home.mkdir()
    return Machine(home, {}, "linux")
