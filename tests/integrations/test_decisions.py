"""The router behind langchain's own router middleware, where the installed langchain has it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import HumanMessage

from langchain_mcp_router import router_decision_model
from mcp_router import Constraints, InvalidRequestError
from tests.integrations.harbour import Harbour, harbour

NEWEST = find_spec("langchain_core.decisions") is not None
since_18 = pytest.mark.skipif(not NEWEST, reason="needs langchain-core 1.8 and langchain 1.5")
until_17 = pytest.mark.skipif(NEWEST, reason="is about cores before 1.8")
LABELS = {"fast": "gemini-m", "strong": "openai-m"}


@pytest.fixture
def port(tmp_path: Path) -> Iterator[Harbour]:
    with harbour(tmp_path) as one:
        yield one


@until_17
def test_an_older_core_is_told_what_is_missing(port: Harbour) -> None:
    with pytest.raises(ImportError, match=r"langchain-core>=1\.8 is needed"):
        router_decision_model(router=port.router)


def asked(**labels: Any) -> dict[str, Any]:
    from langchain_core import decisions  # type: ignore[attr-defined]

    question = decisions.Choice(instructions="Which?", criteria=dict.fromkeys(labels, "any"))
    return {"state": HumanMessage("Fix the login bug"), "questions": {"model_route": question}}


@since_18
def test_it_chooses_as_the_router_would(port: Harbour) -> None:
    model = router_decision_model(models=LABELS, router=port.router)

    answer = model.invoke(asked(**LABELS)).choices["model_route"]

    expected = port.router.route(
        "Fix the login bug", constraints=Constraints(models=tuple(LABELS.values()))
    )
    assert LABELS[answer.choice] == expected.model
    assert answer.confidence == expected.confidence
    assert sum(answer.probabilities.values()) == pytest.approx(1)


@since_18
def test_a_question_of_another_kind_is_refused(port: Harbour) -> None:
    from langchain_core import decisions  # type: ignore[attr-defined]

    model = router_decision_model(models=LABELS, router=port.router)
    question = decisions.Noul(instructions="Is it?")

    with pytest.raises(InvalidRequestError, match="choice only"):
        model.invoke({"state": "x", "questions": {"a": question}})


@since_18
@pytest.mark.filterwarnings("ignore:The middleware `ModelRouterMiddleware` is in beta")
def test_the_stock_middleware_sends_the_agent_where_the_router_says(port: Harbour) -> None:
    from langchain.agents.middleware import (  # type: ignore[attr-defined]
        ModelChoice,
        ModelRouterMiddleware,
    )

    targets = port.targets()
    names = {"fast": "anthropic-m", "strong": "openai-m"}
    choices = {label: ModelChoice(targets[name], label) for label, name in names.items()}
    classifier = router_decision_model(models=names, router=port.router)
    stock = ModelRouterMiddleware(choices=choices, instructions="Choose.", classifier=classifier)
    made = create_agent(targets["openai-m"], middleware=[stock])

    for found in (
        made.invoke({"messages": [HumanMessage("hello")]}),
        asyncio.run(made.ainvoke({"messages": [HumanMessage("hello")]})),
    ):
        said = found["messages"][-1].response_metadata["model_name"]
        assert said == names[found["model_route"].choice]
