"""What --json writes is one document of a shape that programs can rely on, rows or none.

The shapes are in tests/cli/json_shapes.json. To approve a change of them:
`UPDATE_GOLDEN=1 python -m pytest tests/cli/test_json_shapes.py`, then read the difference.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import pytest

from mcp_router.cli.group import cli
from mcp_router.cli.main import run
from mcp_router.cli.session import Session
from mcp_router.storage.sqlite import SqliteStore
from mcp_router.storage.store import Context, Fallback
from tests.builders import NOW
from tests.cli.conftest import Invoke
from tests.cli.faults import Faults
from tests.cli.test_help import commands
from tests.storage.conftest import decision, outcome

SHAPES = Path(__file__).parent / "json_shapes.json"
SETTINGS = """
strategy = "balanced"
[budget]
daily = 5
[budget.tags."project=site"]
total = 2
[chains]
mine = ["opus", "gpt-mini"]
[aliases]
fast = "haiku"
[experiments.trial]

arms = { usual = { models = ["opus"] }, other = { models = ["gpt-mini"] } }
"""
LINES: Mapping[str, Sequence[str]] = {
    "route": ["Fix the login bug"],
    "classify": ["Fix the login bug"],
    "explain": ["decision-1"],
    "explain --list": ["--list"],
    "model": [],
    "models": [],
    "models one": ["opus"],
    "compare": [],
    "fallback": [],
    "stats": ["--period", "all"],
    "cost": ["--period", "all"],
    "budget": [],
    "cache": [],
    "cache clear": [],
    "suggest": [],
    "suggest one": ["--request", "request.json"],
    "report": [],
    "learn": [],
    "learn report": ["--report"],
    "feedback": ["decision-1", "--good", "--note", "fine"],
    "config": [],
    "db info": [],
    "db copy": ["router.db", "copied.db"],
    "reset cache": [],
    "reset stats": ["--yes"],
    "doctor": [],
    "token list": [],
    "token create": ["ci", "--daily", "5"],
    "experiment list": [],
}
# They need models, outcomes or an experiment under way, and have tests of their own.
ELSEWHERE = {"run", "workflow", "batch", "benchmark", "eval", "demo", "experiment show"}
# It starts a server, which takes its time.
QUICK = [name for name in LINES if name != "doctor"]


def words(name: str) -> list[str]:
    """Take the words of the command out of the name of a line."""
    found: list[str] = []
    command: click.Command = cli
    for word in name.split():
        if not isinstance(command, click.Group):
            break
        inner = command.get_command(click.Context(command), word)
        if inner is None:
            break
        found, command = [*found, word], inner
    return found


def fill(home: Path) -> None:
    (home / "mcp-router.toml").write_text(SETTINGS, encoding="utf-8")
    messages = [{"role": "user", "content": "Fix the login bug. " * 400}]
    (home / "request.json").write_text(json.dumps({"messages": messages}), encoding="utf-8")
    with SqliteStore.open(home / "router.db") as store:
        for number in range(8):
            at = NOW - timedelta(days=number)
            made = decision(number, created_at=at, model=("opus", "gpt-mini")[number % 2])
            store.record_decision(made, context=Context(project="site", category="web"))
            done = outcome(number, created_at=at, model=made.model, ok=number != 3)
            store.record_outcome(done.model_copy(update={"cost_usd": Decimal("0.0125")}))
            store.record_outcome(done.model_copy(update={"source": "judge", "score": 0.9}))
        lost = Fallback(
            decision_id="decision-3",
            created_at=NOW,
            task_type="debugging",
            from_model="opus",
            from_provider="anthropic",
            to_model="haiku",
            to_provider="anthropic",
            failure="timeout",
        )
        store.record_fallback(lost)


@pytest.fixture
def at_noon(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run a line on the day the rows are from."""

    def run_line(*args: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run(args, session=Session(clock=lambda: NOW))
        return (code, *capsys.readouterr())

    return run_line


def shape(value: object) -> Any:
    """Say what a document looks like: types for values, one shape for all items of a list."""
    if isinstance(value, dict):
        inner = {key: shape(one) for key, one in value.items()}
        if len({json.dumps(one, sort_keys=True) for one in inner.values()}) == 1 and len(inner) > 9:
            return {"*": next(iter(inner.values()))}
        return inner
    if isinstance(value, list):
        items = [shape(one) for one in value]
        return [joined(items)] if items else []
    if value is None:
        return "null"
    return {bool: "bool", int: "number", float: "number"}.get(type(value), "text")


def joined(shapes: Sequence[Any]) -> Any:
    first = shapes[0]
    if all(isinstance(one, dict) for one in shapes):
        keys = dict.fromkeys(key for one in shapes for key in one)
        return {key: joined([one[key] for one in shapes if key in one]) for key in keys}
    if all(isinstance(one, list) for one in shapes):
        inner = [one[0] for one in shapes if one]
        return [joined(inner)] if inner else []
    others = sorted({one for one in shapes if isinstance(one, str)})
    whole = [one for one in shapes if not isinstance(one, str)]
    if whole:
        return joined(whole)
    return "|".join(sorted({part for one in others for part in one.split("|")})) or first


def fits(found: Any, approved: Any, at: str = "") -> list[str]:
    """List where a document has other keys or kinds than approved; what is unknown may be null."""
    if isinstance(approved, dict) and isinstance(found, dict):
        if "*" in approved or "*" in found:
            return []
        more = [f"{at}.{key} is new" for key in found.keys() - approved.keys()]
        less = [f"{at}.{key} is gone" for key in approved.keys() - found.keys()]
        both = found.keys() & approved.keys()
        return [*more, *less, *(p for k in both for p in fits(found[k], approved[k], f"{at}.{k}"))]
    if isinstance(approved, list) and isinstance(found, list):
        return fits(found[0], approved[0], f"{at}[]") if approved and found else []
    if "null" in (found, approved) or found == approved:
        return []
    if isinstance(found, str) and isinstance(approved, str):
        parts = {*found.split("|")} - {*approved.split("|")} - {"null"}
        return [f"{at} is {found}, not {approved}"] if parts else []
    return [f"{at} is of another kind"]


def approved() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(SHAPES.read_text(encoding="utf-8"))
    return found


def approve(name: str, found: Any) -> None:
    if os.environ.get("UPDATE_GOLDEN"):
        kept = approved() if SHAPES.exists() else {}
        kept[name] = found
        lines = (f"{json.dumps(k)}: {json.dumps(kept[k], sort_keys=True)}" for k in sorted(kept))
        SHAPES.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def test_every_command_that_writes_json_is_here() -> None:
    having = set()
    for path in commands():
        command: click.Command = cli
        for word in path:
            assert isinstance(command, click.Group)
            command = command.get_command(click.Context(command), word) or command
        if any("--json" in param.opts for param in command.params):
            having.add(" ".join(path))
    assert having == {" ".join(words(name)) for name in LINES} | ELSEWHERE


@pytest.mark.parametrize("name", LINES)
def test_with_rows_it_has_the_approved_shape(
    name: str, home: Path, at_noon: Callable[..., tuple[int, str, str]]
) -> None:
    fill(home)
    code, out, err = at_noon(*words(name), *LINES[name], "--json")
    assert code == 0, err
    assert out.isascii()
    assert out.endswith(("}\n", "]\n"))
    found = shape(json.loads(out))
    approve(name, found)
    assert fits(found, approved()[name]) == []
    assert fits(approved()[name], found) == []


@pytest.mark.parametrize("name", QUICK)
def test_without_rows_it_has_the_same_shape_or_one_error_and_no_output(
    name: str, home: Path, at_noon: Callable[..., tuple[int, str, str]]
) -> None:
    (home / "mcp-router.toml").write_text(SETTINGS, encoding="utf-8")
    code, out, err = at_noon(*words(name), *LINES[name], "--json")
    if code:
        assert (code, out) == (1, "")
        assert err.startswith("error: ")
        return
    assert fits(shape(json.loads(out)), approved()[name]) == []


@pytest.mark.parametrize("name", QUICK)
def test_what_cannot_be_read_is_an_error_and_never_half_a_document(
    name: str, home: Path, at_noon: Callable[..., tuple[int, str, str]]
) -> None:
    (home / "mcp-router.toml").write_text("strategy = 5\n", encoding="utf-8")
    code, out, err = at_noon(*words(name), *LINES[name], "--json")
    assert (code, out) == (1, "")
    other = {"db copy": "Database router.db: ", "suggest one": "--request: "}
    assert err.startswith(f"error: {other.get(name, 'mcp-router.toml: strategy: ')}")


@pytest.mark.parametrize("more", [("--mode", "cascade"), ()])
def test_an_answer_and_a_failure_have_shapes_of_their_own(
    more: tuple[str, ...], faults: Faults, invoke: Invoke
) -> None:
    faults.serve("calm")
    done = invoke(*faults.line("--json", *more))
    assert done.code == 0, done.err
    found = shape(done.json)
    approve(f"run {' '.join(more)}".strip(), found)
    assert fits(found, approved()[f"run {' '.join(more)}".strip()]) == []


def test_the_shape_of_a_document_says_what_it_holds() -> None:
    document = {"a": [{"b": 1}, {"b": None, "c": "x"}], "d": [], "e": True}
    wanted = {"a": [{"b": "null|number", "c": "text"}], "d": [], "e": "bool"}
    assert shape(document) == wanted
    assert fits(shape({"a": [], "d": [], "e": True}), wanted) == []
    assert fits(shape({"a": [], "d": [], "e": 1}), wanted) == [".e is number, not bool"]
    assert fits(shape({"a": [], "d": []}), wanted) == [".e is gone"]
    assert fits(shape({**document, "f": 1}), wanted) == [".f is new"]
