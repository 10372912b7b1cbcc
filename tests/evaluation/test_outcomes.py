from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_router.errors import InvalidRequestError
from mcp_router.evaluation.outcomes import BUCKETS, Row, features_of, only, outcomes, read_rows
from mcp_router.routing.features import find_features
from mcp_router.routing.intake import as_request
from mcp_router.routing.linear import hashed
from mcp_router.routing.tokens import request_counts

RATES = {"a": (1.0, 10.0), "b": (2.0, 20.0)}


def row(**changes: object) -> Row:
    fields: dict[str, object] = {"prompt": "Why is the sky blue?", "scores": {"a": 1, "b": 0}}
    return Row.model_validate({**fields, **changes})


def test_counted_tokens_are_priced() -> None:
    found = outcomes([row(tokens={"a": (1000, 100), "b": (500, 50)})] * 10, rates=RATES)
    assert found.models == ("a", "b")
    assert found.requests[0].costs == pytest.approx({"a": 0.002, "b": 0.002})


def test_a_cost_that_is_given_is_taken_before_prices() -> None:
    found = outcomes([row(costs={"a": 0.5})] * 10, rates=RATES)
    assert found.requests[0].costs["a"] == 0.5


def test_an_answer_nobody_counted_is_as_long_as_is_usual() -> None:
    counted = row(tokens={"a": (0, 400), "b": (0, 400)})
    found = outcomes([counted] * 9 + [row(tokens={"a": None})], rates={**RATES, "b": (0, 20)})
    assert found.requests[-1].costs["b"] == pytest.approx(400 * 20 / 1e6)


def test_models_without_price_or_hardly_tried_are_left_out_by_name() -> None:
    more = row(scores={"a": 1, "b": 0, "rare": 1, "free?": 1})
    found = outcomes([more, *[row()] * 19], rates={**RATES, "rare": (1, 1)})
    assert found.models == ("a", "b")
    assert found.dropped == ("free?", "rare")


def test_requests_that_lack_a_model_are_left_out() -> None:
    found = outcomes([*[row()] * 19, row(scores={"a": 1})], rates=RATES)
    assert len(found.requests) == 19


@pytest.mark.parametrize("rows", [[], [row()] * 9, [row(scores={"a": 1})] * 20])
def test_too_little_is_refused_with_what_to_do(rows: list[Row]) -> None:
    with pytest.raises(InvalidRequestError, match="2 priced models") as caught:
        outcomes(rows, rates=RATES)
    assert "--prices" in str(caught.value)


def test_words_are_counted_unless_they_are_given() -> None:
    found = outcomes([row(), *[row(prompt="", words=70)] * 10], rates=RATES)
    assert [one.case.words for one in found.requests[:2]] == [5, 70]
    assert found.requests[1].case.buckets == frozenset()


def test_the_same_words_in_other_case_are_the_same_request() -> None:
    found = outcomes([row(), row(prompt="WHY is the sky -- blue"), *[row()] * 9], rates=RATES)
    assert found.requests[0].words == found.requests[1].words
    assert (
        found.requests[0].words
        != outcomes([row(prompt="Why?")] * 10, rates=RATES).requests[0].words
    )


def test_words_and_cues_are_hashed_as_the_classifier_does() -> None:
    request = as_request("Fix the login bug")
    own = hashed(find_features(request, counts=request_counts(request)), buckets=BUCKETS)
    assert features_of(row(prompt="Fix the login bug")) == own.words | own.cues


def test_features_stand_in_for_a_text_that_is_not_given() -> None:
    found = outcomes([row(prompt="", words=3, features=(5, 9))] * 10, rates=RATES)
    assert found.requests[0].case.buckets == frozenset({5, 9})


def test_true_task_types_are_kept_beside_what_the_classifier_says() -> None:
    told = row(prompt="Translate this letter into French.", task_type="translation")
    unread = row(prompt="", words=3, task_type="chat")
    found = outcomes([told, unread, *[row()] * 8], rates=RATES)
    assert found.requests[0].task == ("translation", "translation")
    assert found.requests[1].task == ("chat", "not said")
    assert found.requests[2].task is None


def test_only_some_models_are_kept_and_unknown_ones_refused() -> None:
    rows = [row(scores={"a": 1, "b": 0, "c": 1}), row(scores={"c": 1})]
    assert [dict(one.scores) for one in only(rows, ["a", "b"])] == [{"a": 1, "b": 0}]
    with pytest.raises(InvalidRequestError, match="'nobody' was not judged"):
        only(rows, ["nobody"])


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        "{",
        '{"scores": {}}',
        '{"scores": {"a": 2}}',
        '{"scores": {"a": NaN}}',
        '{"scores": {"a": 1}, "costs": {"a": Infinity}}',
        '{"scores": {"a": 1}, "costs": {"a": -1}}',
        '{"scores": {"a": 1}, "features": [99999]}',
        '{"scores": {"a": 1}, "tokens": {"a": [1e30, 1]}}',
        '{"scores": {"a": 1}, "latency_ms": {"a": NaN}}',
        '{"scores": {"a": 1}, "task_type": "juggling"}',
        "[" * 100_000,
    ],
)
def test_a_wrong_line_is_named(line: str, tmp_path: Path) -> None:
    file = tmp_path / "o.jsonl"
    file.write_text('{"scores": {"a": 1}}\n\n' + line, encoding="utf-8")
    with pytest.raises(InvalidRequestError, match="line 3 is no outcome"):
        read_rows(file)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "o.jsonl"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidRequestError, match=r"o\.jsonl cannot be read"):
        read_rows(file)


@given(st.text(max_size=40))
@settings(max_examples=50)
def test_any_prompt_is_read_back_and_hashed(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    file = tmp_path_factory.mktemp("o") / "o.jsonl"
    line = json.dumps({"prompt": text, "scores": {"a": 1, "b": 0}}, ensure_ascii=False)
    file.write_text(line + "\n", encoding="utf-8")
    (found,) = read_rows(file)
    assert found.prompt == text
    assert outcomes([found] * 10, rates=RATES).requests[0].case.words <= len(text)
