"""One server for the tests of a module, or one of its own for a test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_router.testing.server import FaultServer
from tests.door.house import House, Served


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with FaultServer.run_in_thread() as faults:
        shared = House(faults, tmp_path_factory.mktemp("house"))
        shared.serve("m-a")
        yield shared


@pytest.fixture(scope="module")
def served(house: House) -> Iterator[Served]:
    with house.started() as server:
        yield server


@pytest.fixture(scope="module")
def secret(house: House, served: Served) -> str:
    return house.token("alice")


@pytest.fixture
def own_house(tmp_path: Path) -> Iterator[House]:
    """A house of a test's own, for servers with other settings or another end."""
    with FaultServer.run_in_thread() as faults:
        mine = House(faults, tmp_path)
        mine.serve("m-a")
        yield mine
