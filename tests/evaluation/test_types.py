from __future__ import annotations

import pytest

from mcp_router.evaluation.types import confusion


def test_pairs_are_counted_by_the_true_type() -> None:
    found = confusion([("chat", "chat"), ("chat", "factual"), ("factual", "factual")])
    assert found is not None
    assert found.counts == {"chat": {"chat": 1, "factual": 1}, "factual": {"factual": 1}}
    assert found.accuracy == pytest.approx(2 / 3)


def test_without_labels_there_is_no_matrix() -> None:
    assert confusion([]) is None
