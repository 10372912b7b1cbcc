"""The layers of the house hold: imports run downward, and each foreign package has one home."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import mcp_router
from tests.server.process import environment

PACKAGE = Path(__file__).parent.parent / "mcp_router"
ADAPTER = PACKAGE.parent / "integrations" / "langchain_mcp_router"

# Rooms on one line may not import one another unless ALLOWED_ASIDE says so.
LAYERS = (
    ("version", "assets", "money"),
    ("types",),
    ("errors",),
    ("belief",),
    ("learning",),
    ("catalog",),
    ("config",),
    ("routing",),
    ("quality", "experiments"),
    ("providers", "execution", "storage"),
    ("modes",),
    ("workflows", "studies"),
    ("logs",),
    ("debug", "telemetry"),
    ("deciding",),
    ("running",),
    ("router", "reporting", "evaluation"),
    ("hosts", "dashboard"),
    ("doctor",),
    ("access",),
    ("server", "door", "cli", "testing", "__main__", "__init__"),
)
RANK = {room: rank for rank, rooms in enumerate(LAYERS) for room in rooms}
# `serve` starts another face and `demo` the fault server, inside the command that asks for it.
ALLOWED_ASIDE = {
    ("execution", "providers"),
    ("execution", "storage"),
    ("__main__", "cli"),
    ("cli", "server"),
    ("cli", "door"),
    ("door", "server"),
    ("cli", "testing"),
}
HOMES = {
    "mcp": {"server", "door"},
    "mcp_types": {"server"},
    "starlette": {"door"},
    "uvicorn": {"door"},
    "h11": {"door"},
    "jwt": {"door"},
    "click": {"cli"},
    "rich": {"cli"},
    "sqlite3": {"storage"},
    "sqlite_utils": {"storage"},
    "psycopg": {"storage"},
    "psycopg_pool": {"storage"},
    "httpx2": {"providers"},
    "httpcore2": {"providers"},
    "genai_prices": {"catalog"},
    "opentelemetry": {"telemetry"},
    "prometheus_client": {"telemetry"},
    "platformdirs": {"config"},
    "tomlkit": {"config", "hosts"},
    "vl_convert": {"dashboard"},
    # The core knows nothing of LangChain: the adapter is an import root of its own.
    "langchain": set(),
    "langchain_core": set(),
    "langchain_mcp_router": set(),
    "langgraph": set(),
}


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imports(path: Path, *, runtime_only: bool = False) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" and runtime_only:
            skipped |= {id(inner) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            yield node.module or ""


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_run_downward_only(path: Path) -> None:
    room = room_of(path)
    for name in imports(path, runtime_only=True):
        parts = name.split(".")
        if parts[0] != "mcp_router" or len(parts) < 2:
            continue
        target = parts[1]
        downward = RANK[target] < RANK[room] or target == room or (room, target) in ALLOWED_ASIDE
        assert downward, f"{room} may not import {target} ({name})"


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_each_foreign_package_has_one_home(path: Path) -> None:
    for name in imports(path):
        homes = HOMES.get(name.split(".")[0])
        assert homes is None or room_of(path) in homes, f"{name} belongs in {homes}"


def test_every_room_has_its_place_in_the_layers() -> None:
    assert {room_of(path) for path in modules()} <= set(RANK)


def test_routing_reads_no_clock_random_or_environment() -> None:
    for path in modules():
        if (
            room_of(path) in {"routing", "quality", "experiments", "learning", "catalog", "belief"}
            and path.name != "compile.py"
        ):
            forbidden = {"time", "random", "secrets", "os", "socket", "uuid"}
            assert not forbidden & {name.split(".")[0] for name in imports(path)}, path


@pytest.mark.parametrize(
    "heavy", ["mcp", "click", "rich", "sqlite3", "psycopg", "httpx2", "genai_prices"]
)
def test_importing_the_package_loads_nothing_heavy(heavy: str) -> None:
    code = f"import sys, mcp_router; mcp_router.Router; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "path", sorted(ADAPTER.rglob("*.py")), ids=lambda p: str(p.relative_to(ADAPTER))
)
def test_the_langchain_adapter_imports_public_names_only(path: Path) -> None:
    # The examples bring a provider along, so that they run without a key.
    allowed = {"mcp_router", "mcp_router.testing"} if "examples" in path.parts else {"mcp_router"}
    ours = {name for name in imports(path) if name.split(".")[0] == "mcp_router"}
    assert ours <= allowed
    tree = ast.parse(path.read_text(encoding="utf-8"))
    froms = [one for one in ast.walk(tree) if isinstance(one, ast.ImportFrom)]
    names = {alias.name for one in froms if one.module == "mcp_router" for alias in one.names}
    assert names <= set(mcp_router.__all__)


@pytest.mark.parametrize("command", [["serve"], ["route", "hi", "--json"], ["--help"]])
def test_no_face_of_the_core_ever_imports_langchain(command: list[str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "mcp_router", *command],
        check=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        env=environment(tmp_path),
    )
    modules = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert any(name.startswith("mcp_router.") for name in modules)
    assert not [name for name in modules if name.startswith("lang")]
