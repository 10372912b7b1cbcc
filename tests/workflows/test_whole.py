"""`Router.run_workflow`: one budget for all steps, kept by the ledger, and one run by one id."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mcp_router import (
    ConfigError,
    InvalidRequestError,
    Router,
    Workflow,
    WorkflowError,
    WorkflowStep,
)
from mcp_router.testing import Answer, Fault, echo
from tests.workflows.conftest import Bench

STEPS = {
    "plan": {"task": "Plan {{topic}}", "chain": "first"},
    "left": {"task": "L {{plan}}", "chain": ["first"], "max_tokens": 400},
    "right": {"task": "R {{plan}}", "chain": ["second"], "max_tokens": 400},
    "end": {"task": "{{left}}{{right}}", "chain": "first", "max_tokens": 400},
}
FORM: dict[str, Any] = {"name": "essay", "inputs": {"topic": "tides"}, "steps": STEPS}


def spent(router: Router) -> Decimal:
    return next(one for one in router.budget() if one.name == "day").spent_usd


async def test_the_result_holds_each_step_and_costs_what_the_ledger_says(bench: Bench) -> None:
    async with bench.open() as router:
        result = await router.run_workflow(FORM, inputs={"topic": "ebb"})
        assert result.state == "done"
        assert [one.name for one in result.steps] == list(STEPS)
        plan = echo("Plan ebb")
        assert result.content == echo(f"{echo(f'L {plan}')}{echo(f'R {plan}')}")
        assert result.cost_usd == spent(router) > 0


async def test_a_form_may_be_a_value_tables_or_a_file(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "one.toml"
    file.write_text('[steps.a]\ntask = "Hi."\nchain = "first"\n', encoding="utf-8")
    value = Workflow(name="one", steps={"a": WorkflowStep(task="Hi.", chain="first")})
    async with bench.open() as router:
        for form in (file, value, {"name": "one", "steps": {"a": value.steps["a"].model_dump()}}):
            assert (await router.run_workflow(form)).content == echo("Hi.")
        circle = value.model_copy(update={"steps": {"a": WorkflowStep(task="{{a}}")}})
        with pytest.raises(ConfigError, match="a -> a"):
            await router.run_workflow(circle)


async def test_modes_and_constraints_are_those_of_the_step(bench: Bench) -> None:
    steps = {
        "both": {
            "task": "Is it?",
            "mode": "ensemble",
            "chain": ["first", "second"],
            "options": {"resolve": "ranking"},
        },
        "one": {"task": "x {{both}}", "constraints": {"models": ["second"]}},
    }
    async with bench.open() as router:
        result = await router.run_workflow({"name": "w", "steps": steps})
    both, one = (step.completion for step in result.steps)
    assert both is not None
    assert one is not None
    assert {answer.model for answer in both.answers} == {"first", "second"}
    assert both.mode.value == "ensemble"
    assert one.model == "second"


@pytest.mark.parametrize("limit", ["0.0001", "0.0009", "0.0012", "0.0017", "0.003"])
async def test_the_steps_together_never_cost_more_than_the_form_allows(
    limit: str, bench: Bench
) -> None:
    steps = {"plan": {**STEPS["plan"], "max_tokens": 400}}
    for number in range(4):
        steps[f"s{number}"] = {"task": f"{number} {{{{plan}}}}", "chain": "first"}
        steps[f"s{number}"]["max_tokens"] = 400
    form = {**FORM, "steps": steps, "max_cost_usd": limit}
    async with bench.open() as router:
        try:
            done = (await router.run_workflow(form)).state
        except WorkflowError as error:
            done = error.result.state
            problems = [one.problem for one in error.result.steps if one.state == "failed"]
            assert all("The workflow budget of $" in one for one in problems)
        assert spent(router) <= Decimal(limit)
        # Worst cases of 0.0008 stand in line: what one gives back is the next one's.
        assert (done == "done") == (limit in ("0.0012", "0.0017", "0.003"))


async def test_what_a_step_leaves_of_the_budget_is_there_for_the_next(bench: Bench) -> None:
    # Three worst cases are more than the budget; what the steps really cost is not.
    async with bench.open() as router:
        steps = {f"s{n}": {"task": f"{n}", "chain": "first", "max_tokens": 400} for n in range(3)}
        form = {"name": "w", "steps": steps, "max_cost_usd": "0.001"}
        assert (await router.run_workflow(form)).state == "done"


async def test_a_known_id_goes_on_and_a_finished_one_costs_nothing(bench: Bench) -> None:
    bench.server.script("second", [Fault.invalid_key(), Answer()], then="repeat last")
    async with bench.open() as router:
        with pytest.raises(WorkflowError) as caught:
            await router.run_workflow(FORM, run_id="mine")
        assert {one.name: one.state for one in caught.value.result.steps} == {
            "plan": "done",
            "left": "done",
            "right": "failed",
            "end": "skipped",
        }
        assert "2 of 4 steps of essay are done, but right: " in caught.value.message
    bench.server.script("second", [Answer()], then="repeat last")
    # Another process finds it by its id, breakers and all.
    async with bench.open(fallback={"timeout_ms": 5000}) as router:
        result = await router.run_workflow(FORM, run_id="mine")
        assert [one.name for one in result.steps if one.reused] == ["plan", "left"]
        calls = len(bench.server.calls)
        again = await router.run_workflow(FORM, run_id="mine")
        assert (again.content, again.cost_usd) == (result.content, result.cost_usd)
        assert all(one.reused for one in again.steps)
        assert len(bench.server.calls) == calls
        fresh = await router.run_workflow(FORM)
        assert not any(one.reused for one in fresh.steps)
        assert (await router.run_workflow(FORM, run_id="mine")).run_id == "mine"
        assert len(bench.server.calls) == calls + 4


async def test_a_step_no_model_can_do_is_found_before_the_first_is_paid_for(
    bench: Bench,
) -> None:
    async with bench.open() as router:
        for change in ({"chain": "nobody"}, {"constraints": {"min_context": 10**9}}):
            steps = {**STEPS, "end": {"task": "{{left}}", **change}}
            with pytest.raises(InvalidRequestError, match=r"^steps\.end: "):
                await router.run_workflow({**FORM, "steps": steps})
        for wrong in ("", "x" * 101):
            with pytest.raises(InvalidRequestError, match="run_id"):
                await router.run_workflow(FORM, run_id=wrong)
    assert not bench.server.calls


async def test_an_answer_with_placeholders_in_it_is_only_text(bench: Bench) -> None:
    bench.server.script("first", [Answer("{{secret}} {{plan}}")], then="healthy")
    steps = {
        "plan": {"task": "x", "chain": "first"},
        "end": {"task": "<{{plan}}>", "chain": "first"},
    }
    form = {"name": "w", "inputs": {"secret": "hidden"}, "steps": steps}
    async with bench.open() as router:
        await router.run_workflow(form)
    assert bench.tasks()[-1] == "<{{secret}} {{plan}}>"


async def test_the_tags_of_the_form_count_its_cost_in_budgets_on_tags(bench: Bench) -> None:
    tags = {"project=trams": {"total": "0.0000001"}}
    form = {**FORM, "tags": {"project": "trams"}}
    async with bench.open(budget={"tags": tags}) as router:
        with pytest.raises(WorkflowError, match=r"The project=trams budget of \$0\.0000001"):
            await router.run_workflow(form)
        assert (await router.run_workflow(FORM)).state == "done"
