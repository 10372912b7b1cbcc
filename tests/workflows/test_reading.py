"""Files become forms, or one sentence that says where they are wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_router import ConfigError
from mcp_router.workflows.reading import inputs_for, read_workflow, workflow_of

DOCS = Path(__file__).parents[2] / "docs" / "workflows.md"


def test_toml_and_json_say_the_same(tmp_path: Path) -> None:
    toml, also = tmp_path / "essay.toml", tmp_path / "essay.json"
    toml.write_text('max_cost_usd = 0.1\n[steps.a]\ntask = "x"\nchain = ["m"]\n', encoding="utf-8")
    steps = {"a": {"task": "x", "chain": ["m"]}}
    also.write_text(json.dumps({"max_cost_usd": 0.1, "steps": steps}), encoding="utf-8")
    assert read_workflow(toml) == read_workflow(also)
    assert read_workflow(toml).name == "essay"
    assert str(read_workflow(toml).max_cost_usd).startswith("0.1")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"\xff\xfe", "it is not UTF-8 text"),
        (b"[steps", "not TOML"),
        (b'{"steps": {"a": {"task": "x"}, "a": {"task": "y"}}}', "'a' stands twice"),
        (b"{" * 9, "not JSON"),
        (b"name = 'x'", "steps: field required"),
        (b"steps = {}", "steps: it is empty"),
        (b"[steps.'a b']\ntask = 'x'", "steps.a b: this name is not allowed"),
        (b"[steps.a]\ntask = ''", "steps.a.task"),
        (b"[steps.a]\ntsk = 'x'", "steps.a.tsk: there is no such key"),
        (b"[steps.a]\ntask = 'x'\nmode = 'choir'", "steps.a.mode"),
        (b"max_cost_usd = -1\n[steps.a]\ntask = 'x'", "max_cost_usd"),
        (b"name = '../x'\n[steps.a]\ntask = 'x'", "name"),
        (b'name = "x\\n"\n[steps.a]\ntask = "x"', "name"),
        (b'[steps."a\\n"]\ntask = "x"', "this name is not allowed"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: bytes, said: str, tmp_path: Path) -> None:
    file = tmp_path / "form.toml"
    file.write_bytes(text)
    with pytest.raises(ConfigError) as caught:
        read_workflow(file)
    assert said in str(caught.value)
    assert str(caught.value).startswith(str(file))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)))
def test_any_bytes_are_a_form_or_refused_in_words(tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "form.toml"
    file.write_bytes(text)
    with pytest.raises(ConfigError):
        read_workflow(file)


def test_an_input_without_a_text_must_be_given_and_an_unknown_one_may_not() -> None:
    found = workflow_of(
        {"name": "w", "inputs": {"a": "", "b": "x"}, "steps": {"s": {"task": "{{a}}{{b}}"}}}
    )
    assert inputs_for(found, {"a": "y"}, place="w") == {"a": "y", "b": "x"}
    with pytest.raises(ConfigError, match="it has no text and was not given"):
        inputs_for(found, {}, place="w")
    with pytest.raises(ConfigError, match="there is no input 'c'"):
        inputs_for(found, {"a": "y", "c": "z"}, place="w")


def test_the_form_in_the_documentation_can_be_run(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```toml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    file = tmp_path / "essay.toml"
    file.write_text(shown, encoding="utf-8")
    assert list(read_workflow(file).steps) == ["plan", "pros", "cons", "verdict"]
