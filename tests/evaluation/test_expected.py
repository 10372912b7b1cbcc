from __future__ import annotations

import pytest

from mcp_router.evaluation.expected import expected, usual
from mcp_router.evaluation.outcomes import Judged
from mcp_router.learning.groups import learn_groups
from mcp_router.learning.learner import Case


def request(group: str, words: int, cost: float) -> Judged:
    buckets = frozenset({1 if group == "law" else 2})
    return Judged(Case(group, buckets, words, {"a": 1.0}), {"a": cost})


REQUESTS = [
    request(group, words, base + 0.01 * words)
    for group, base in (("law", 5.0), ("code", 1.0))
    for words in (10, 20, 30)
]
GROUPS = learn_groups((one.case.group, one.case.buckets) for one in REQUESTS)


def test_a_longer_request_is_expected_to_cost_more() -> None:
    known = usual(REQUESTS)
    assert known.slopes["a"] == pytest.approx(0.01)
    short, long = (
        expected(known, Case("", frozenset({1}), words, {}), groups=GROUPS)["a"]
        for words in (20, 120)
    )
    assert long - short == pytest.approx(1.0)


def test_however_short_it_is_it_costs_something() -> None:
    known = usual([*REQUESTS, *(request("code", words, words) for words in (1, 500))])
    case = Case("", frozenset({2}), 0, {})
    assert expected(known, case, groups=GROUPS)["a"] > 0
