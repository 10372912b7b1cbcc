"""The settings of scorers: what marks an answer, and with what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from mcp_router.config.checks import file_path, not_bool, refusal
from mcp_router.types import Value

Name = Annotated[str, Field(min_length=1, max_length=200)]
Argument = Annotated[str, Field(min_length=1, max_length=4_000)]
Seconds = Annotated[float, BeforeValidator(not_bool), Field(gt=0, le=3_600)]

_KEYS: Mapping[str, frozenset[str]] = {
    "heuristic": frozenset(),
    "schema": frozenset({"schema_file"}),
    "code": frozenset({"language"}),
    "regex": frozenset({"pattern"}),
    "judge": frozenset({"model", "rubric", "timeout_s"}),
    "command": frozenset({"command", "folder", "input", "timeout_s"}),
    "callable": frozenset({"function", "timeout_s"}),
}
_NEEDED = {"regex": "pattern", "judge": "model", "command": "command"}

RUNS = frozenset({"command", "callable"})
"""The kinds that start something on this machine."""
RUNNING_KEYS = frozenset({"command", "function", "folder"})


class ScorerSettings(Value):
    """One scorer: it marks answers from 0 to 1."""

    kind: Literal["heuristic", "schema", "code", "regex", "judge", "command", "callable"] = Field(
        description="What marks an answer."
    )
    command: tuple[Argument, ...] = Field(
        default=(),
        description="For a command, program and arguments; not from a project's file.",
    )
    folder: Annotated[str, AfterValidator(file_path)] | None = Field(
        default=None,
        description="For a command, where it runs; the folder of the settings file unless set.",
    )
    input: Literal["answer", "json"] = Field(
        default="answer",
        description="For a command, what it reads: the answer, or prompt, answer and schema.",
    )
    function: Annotated[str, Field(pattern=r"\A[\w.]+:[\w.]+\Z", max_length=200)] | None = Field(
        default=None,
        description='For a callable, "module:function"; not from a project\'s file.',
    )
    model: Name | None = Field(default=None, description="For a judge, the model that grades.")
    rubric: Annotated[str, Field(max_length=8_000)] = Field(
        default="", description="For a judge, what a good answer is."
    )
    pattern: Annotated[str, Field(min_length=1, max_length=4_000)] | None = Field(
        default=None, description="For a regex, what must be found in the answer."
    )
    language: Name | None = Field(
        default=None, description="For code, the language that must parse; python unless set."
    )
    schema_file: Annotated[str, AfterValidator(file_path)] | None = Field(
        default=None,
        description="For a schema, a JSON file with it; that of the request unless set.",
    )
    timeout_s: Seconds = Field(
        default=30.0, description="Seconds a judge, command or callable may take for one answer."
    )

    @model_validator(mode="after")
    def _fits(self) -> ScorerSettings:
        needed = _NEEDED.get(self.kind, "")
        if needed and not getattr(self, needed):
            raise refusal(f"a scorer of kind {self.kind} needs {needed}", allowed=needed)
        stray = self.model_fields_set - _KEYS[self.kind] - {"kind"}
        if stray:
            known = ", ".join(sorted(_KEYS[self.kind])) or "kind alone"
            problem = f"a scorer of kind {self.kind} has no {min(stray)}"
            raise refusal(problem, allowed=known)
        return self
