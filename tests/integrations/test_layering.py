"""LangChain stays outside: the core never loads it, and its side sees only what is public."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import mcp_router

ROOT = Path(__file__).parent.parent.parent
SIDE = sorted((ROOT / "integrations" / "langchain_mcp_router").rglob("*.py"))
CORE = sorted((ROOT / "mcp_router").rglob("*.py"))


def imported(path: Path) -> Iterator[tuple[str, str]]:
    """Give each imported module with each name taken from it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name) for alias in node.names)


@pytest.mark.parametrize("path", SIDE, ids=lambda path: path.name)
def test_the_langchain_side_imports_public_names_only(path: Path) -> None:
    for module, name in imported(path):
        if module.split(".")[0] == "mcp_router":
            practises = module == "mcp_router.testing" and path.parent.name == "examples"
            assert practises or (module == "mcp_router" and name in mcp_router.__all__), module


def test_the_core_names_langchain_nowhere() -> None:
    named = {module.split(".")[0] for path in CORE for module, _ in imported(path)}

    assert not [name for name in named if name.startswith("lang")]


@pytest.mark.parametrize(
    "start",
    [
        "import mcp_router; mcp_router.Router.open(environ={}).close()",
        "from mcp_router.server import app; import mcp_router as m; app.build_server(m.Router)",
        "import langchain_mcp_router",
    ],
)
def test_starting_without_it_loads_nothing_of_langchain(start: str, tmp_path: Path) -> None:
    code = (
        f"import sys; {start}; sys.exit(any(n.startswith('langchain_core') for n in sys.modules))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


def test_the_chat_model_does_without_langchain_itself(tmp_path: Path) -> None:
    code = (
        "import sys; from langchain_mcp_router import ChatModelRouter, router_tools;"
        " sys.exit('langchain' in sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
