"""One path per name: what the package offers, and nothing else."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import mcp_router


def names_imported_for_type_checkers() -> set[str]:
    tree = ast.parse(Path(mcp_router.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    return {
        alias.name
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def test_all_lists_exactly_what_type_checkers_see() -> None:
    assert set(mcp_router.__all__) == names_imported_for_type_checkers()
    assert mcp_router.__all__ == sorted(mcp_router.__all__)


@pytest.mark.parametrize("name", mcp_router.__all__)
def test_every_listed_name_can_be_imported(name: str) -> None:
    assert getattr(mcp_router, name) is not None


def test_an_unknown_name_is_no_attribute() -> None:
    assert not hasattr(mcp_router, "Rooter")


def test_dir_shows_the_public_names() -> None:
    assert dir(mcp_router) == sorted(mcp_router.__all__)


def test_importing_the_package_imports_nothing_of_it_yet() -> None:
    code = "import sys, mcp_router; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
