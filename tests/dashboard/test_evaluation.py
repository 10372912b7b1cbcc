"""The page of an evaluation: whole, without a script of its own, and safe with any name."""

from __future__ import annotations

from functools import cache

import pytest

from mcp_router.dashboard.charts import Size
from mcp_router.dashboard.drawing import draw
from mcp_router.dashboard.evaluation import evaluation_document
from mcp_router.dashboard.evaluation_charts import front, reliability
from mcp_router.evaluation.outcomes import Row, outcomes
from mcp_router.evaluation.trial import Asked, Trial, run_trial
from mcp_router.types import TaskType
from tests.evaluation.pools import divided, rows

HOSTILE = "</script><img src=x onerror=alert(1)>"
SIZES = [Size(1116, 300), Size(318, 260, narrow=True)]


@cache
def trial() -> Trial:
    return run_trial(divided(120), asked=Asked(splits=2))


@cache
def hostile() -> Trial:
    chances = {"dear": {"law": 0.9, "code": 0.9}, "cheap": {"law": 0.1, "code": 0.9}}
    named = {"dear": HOSTILE, "cheap": "cheap"}
    made = [
        Row(
            prompt=one.prompt,
            category=one.category,
            scores={named[name]: score for name, score in one.scores.items()},
            costs={named[name]: cost for name, cost in one.costs.items()},
            task_type=TaskType.CHAT,
        )
        for one in rows(60, chances=chances)
    ]
    return run_trial(outcomes(made, rates={}))


@pytest.mark.parametrize("size", SIZES)
def test_charts_are_as_wide_as_their_room(size: Size) -> None:
    for spec in (front(trial(), size=size), reliability(trial().bins, size=size)):
        svg = draw(spec)
        width = float(svg.partition('width="')[2].partition('"')[0])
        assert width == pytest.approx(size.width, abs=10)


def test_every_policy_and_figure_is_on_the_page() -> None:
    page = evaluation_document(trial(), verdict="It saves.", about="mine", dropped=("gone-7b",))
    for one in trial().lines:
        assert one.policy in page
    for said in ("It saves.", "gone-7b", "APGR", "Saved over the splits", "halved 2 times"):
        assert said in page


def test_hostile_names_stay_text() -> None:
    page = evaluation_document(hostile(), verdict=HOSTILE, about=HOSTILE, dropped=(HOSTILE,))
    assert "<img" not in page
    assert page.count("</script>") == 1
    assert "Task types" in page


def test_a_pool_that_costs_nothing_is_drawn_all_the_same() -> None:
    made = [
        one.model_copy(update={"costs": {"dear": 0.0, "cheap": 0.0}})
        for one in rows(40, chances={"dear": {"law": 1, "code": 1}, "cheap": {"law": 1, "code": 1}})
    ]
    free = run_trial(outcomes(made, rates={}))
    assert free.verdict == "nothing"
    assert "Cost and quality" in evaluation_document(free, verdict="", about="", dropped=())
