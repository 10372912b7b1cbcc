"""Reads workflows from TOML and JSON files; whatever is wrong is a ConfigError that says where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from mcp_router.config.documents import read_document
from mcp_router.errors import ConfigError
from mcp_router.workflows.form import Workflow
from mcp_router.workflows.graph import check

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MAX_BYTES = 10_000_000


def read_workflow(path: Path) -> Workflow:
    """Read a file; its name without the ending is the workflow's where it gives itself none.

    Raises:
        ConfigError: it cannot be read, is no TOML or JSON, or describes no workflow.
    """
    place = str(path)
    table = read_document(path, place=place, most=MAX_BYTES).table
    return workflow_of({"name": path.stem, **table}, place=place)


def workflow_of(table: Mapping[str, object], *, place: str = "workflow") -> Workflow:
    """Build a workflow from nested tables, and check that its steps fit together.

    Raises:
        ConfigError: names the key, and what is allowed there.
    """
    try:
        workflow = Workflow.model_validate(table)
    except ValidationError as error:
        raise _complaint(error, place) from error
    check(workflow, place=place)
    return workflow


def inputs_for(workflow: Workflow, given: Mapping[str, str], *, place: str) -> dict[str, str]:
    """Lay what was given over the inputs that the form has.

    Raises:
        ConfigError: there is no such input, or one without a text was not given.
    """
    for name in given:
        if name not in workflow.inputs:
            raise ConfigError(
                place=place,
                key="inputs",
                problem=f"there is no input {name[:60]!r}",
                allowed=", ".join(workflow.inputs) or "none",
            )
    texts = {**workflow.inputs, **given}
    for name, text in texts.items():
        if not text:
            raise ConfigError(
                place=place,
                key=f"inputs.{name}",
                problem="it has no text and was not given",
                allowed=f"--input {name}=TEXT, or a text in the file",
            )
    return texts


def _complaint(error: ValidationError, place: str) -> ConfigError:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    # A misspelt key explains the one that is missing.
    first = next((one for one in found if one["type"] == "extra_forbidden"), found[0])
    path = [str(part) for part in first["loc"] if part != "[key]"]
    problem = first["msg"].removeprefix("Value error, ")
    problem = problem[:1].lower() + problem[1:].rstrip(".")
    allowed = ""
    if first["type"] == "extra_forbidden":
        problem, allowed = "there is no such key", _keys_beside(path)
    elif first["type"] == "too_short":
        problem = "it is empty"
    elif first["loc"][-1:] == ("[key]",):
        problem = "this name is not allowed"
        allowed = "a letter, then up to 63 letters, digits, _ and -"
    return ConfigError(place=place, key=".".join(path)[:120], problem=problem, allowed=allowed)


def _keys_beside(path: list[str]) -> str:
    from mcp_router.workflows.form import WorkflowStep

    if len(path) == 1:
        return ", ".join(Workflow.model_fields)
    if len(path) == 3 and path[0] == "steps":
        return ", ".join(WorkflowStep.model_fields)
    return ""
