"""Which step needs which: read from the texts, checked before anything is paid for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_router.errors import ConfigError
from mcp_router.workflows.placeholders import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mcp_router.workflows.form import Workflow


def needs_of(workflow: Workflow) -> dict[str, tuple[str, ...]]:
    """Map each step to the steps whose answers it waits for."""
    return {
        name: tuple(dict.fromkeys((*step.needs, *_steps_named(workflow, name))))
        for name, step in workflow.steps.items()
    }


def inputs_of(workflow: Workflow, name: str) -> tuple[str, ...]:
    """List the inputs that a step's texts name."""
    return tuple(one for one in _named(workflow, name) if one in workflow.inputs)


def check(workflow: Workflow, *, place: str) -> None:
    """Make sure that every name leads somewhere and that no step waits for itself.

    Raises:
        ConfigError: names the step and what is wrong with it.
    """
    both = sorted(set(workflow.inputs) & set(workflow.steps))
    if both:
        raise ConfigError(place=place, key=f"inputs.{both[0]}", problem="a step has this name, too")
    if workflow.output is not None and workflow.output not in workflow.steps:
        raise ConfigError(
            place=place,
            key="output",
            problem=f"there is no step {workflow.output!r}",
            allowed=", ".join(workflow.steps),
        )
    for name in workflow.steps:
        _check_names(workflow, name, place=place)
    order(needs_of(workflow), place=place)


def order(needs: Mapping[str, tuple[str, ...]], *, place: str) -> tuple[str, ...]:
    """Put the steps in an order in which each comes after those it needs.

    Raises:
        ConfigError: steps wait for one another in a circle; names them.
    """
    done: dict[str, None] = {}
    waiting = dict(needs)
    while waiting:
        ready = [name for name, needed in waiting.items() if all(one in done for one in needed)]
        if not ready:
            circle = " -> ".join(_circle(waiting))
            problem = f"steps wait for one another: {circle}"
            raise ConfigError(place=place, key="steps", problem=problem)
        for name in ready:
            del waiting[name]
            done[name] = None
    return tuple(done)


def output_of(workflow: Workflow) -> str:
    """Name the step whose answer is the result."""
    return workflow.output or list(workflow.steps)[-1]


def _check_names(workflow: Workflow, name: str, *, place: str) -> None:
    known = (*workflow.inputs, *workflow.steps)
    for one in _named(workflow, name):
        if one not in known:
            raise ConfigError(
                place=place,
                key=f"steps.{name}",
                problem=f"{{{{{one}}}}} names neither an input nor a step",
                allowed=", ".join(known),
            )
    for one in workflow.steps[name].needs:
        if one not in workflow.steps:
            raise ConfigError(
                place=place,
                key=f"steps.{name}.needs",
                problem=f"there is no step {one!r}",
                allowed=", ".join(workflow.steps),
            )


def _named(workflow: Workflow, name: str) -> Iterator[str]:
    step = workflow.steps[name]
    yield from dict.fromkeys((*names_in(step.system), *names_in(step.task)))


def _steps_named(workflow: Workflow, name: str) -> tuple[str, ...]:
    return tuple(one for one in _named(workflow, name) if one in workflow.steps)


def _circle(waiting: Mapping[str, tuple[str, ...]]) -> list[str]:
    path = [next(iter(waiting))]
    while path.count(path[-1]) == 1:
        path.append(next(one for one in waiting[path[-1]] if one in waiting))
    return path[path.index(path[-1]) :]
