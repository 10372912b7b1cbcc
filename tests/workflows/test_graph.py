"""Needs are read from the texts, and a form whose steps could never all run is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router import ConfigError, Workflow, WorkflowStep
from mcp_router.workflows.graph import check, inputs_of, needs_of, order, output_of


def form(**tasks: str) -> Workflow:
    steps = {name: WorkflowStep(task=task) for name, task in tasks.items()}
    return Workflow(name="w", inputs={"topic": "sea"}, steps=steps)


def test_a_step_needs_the_steps_that_its_texts_name_and_those_it_lists() -> None:
    steps = {
        "a": WorkflowStep(task="About {{topic}}."),
        "b": WorkflowStep(task="x"),
        "c": WorkflowStep(task="{{a}} {{topic}} {{a}}", system="{{b}}", needs=("a",)),
    }
    found = Workflow(name="w", inputs={"topic": "sea"}, steps=steps)
    assert needs_of(found) == {"a": (), "b": (), "c": ("a", "b")}
    assert inputs_of(found, "c") == ("topic",)
    assert output_of(found) == "c"
    assert output_of(found.model_copy(update={"output": "a"})) == "a"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (form(a="{{a}}"), "a -> a"),
        (form(a="x", b="{{c}}", c="{{b}} {{a}}"), "b -> c -> b"),
        (form(a="{{nobody}}"), "steps.a: {{nobody}} names neither an input nor a step"),
        (form(topic="x"), "inputs.topic: a step has this name, too"),
        (form(a="x").model_copy(update={"output": "b"}), "output: there is no step 'b'"),
        (
            Workflow(name="w", steps={"a": WorkflowStep(task="x", needs=("b",))}),
            "steps.a.needs: there is no step 'b'",
        ),
    ],
)
def test_a_form_that_could_not_run_is_refused_with_the_reason(wrong: Workflow, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check(wrong, place="w.toml")
    assert said in caught.value.message
    assert caught.value.message.startswith("w.toml: ")


@settings(max_examples=50)
@given(st.data())
def test_every_order_has_each_step_once_after_all_it_needs(data: st.DataObject) -> None:
    names = [f"s{number}" for number in range(data.draw(st.integers(1, 12)))]
    needs = {
        name: tuple(data.draw(st.sets(st.sampled_from(names[:at])))) if at else ()
        for at, name in enumerate(names)
    }
    shuffled = dict(data.draw(st.permutations(list(needs.items()))))
    found = order(shuffled, place="w")
    assert sorted(found) == sorted(names)
    assert all(found.index(one) < found.index(name) for name in names for one in needs[name])
