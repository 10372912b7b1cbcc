"""Complexity, pattern, priority, needs and length, judged from features: limits on both sides."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.routing.complexity import judge_complexity, judge_pattern, judge_priority
from mcp_router.routing.features import Features
from mcp_router.routing.needs import expected_output, find_needs
from mcp_router.routing.text import Reading
from mcp_router.types import Complexity, Need, Pattern, Request, TaskType, ToolSpec

ORDER = list(Complexity)
SURE = {"debugging": 1.0}
CODE = {"code_generation", "code_review", "debugging", "refactoring", "testing"}
LIGHT = ("creative", "translation", "classification", "extraction")


def reading(**changes: Any) -> Reading:
    return Reading("", "", "", (), (), 0, 0)._replace(**changes)


def features(**changes: Any) -> Features:
    plain = Features(
        reading=reading(),
        prose="",
        words=12,
        marks=frozenset(),
        traits={},
        languages={},
        evidence=(),
        input_tokens=20,
    )
    return plain._replace(**changes)


def level(chances: dict[str, float] | None = None, **changes: Any) -> int:
    return ORDER.index(judge_complexity(chances or SURE, features=features(**changes)))


def critical(kind: str, *, weight: float, sure: float = 1.0, **traits: float) -> bool:
    chances = {kind: sure, "chat": 1 - sure} if sure < 1 else {kind: 1.0}
    found = judge_complexity(chances, features=features(traits={"critical": weight, **traits}))
    return found is Complexity.CRITICAL


@pytest.mark.parametrize(
    ("kind", "least"),
    [
        ("debugging", 2.0),
        ("architecture", 2.0),
        ("documentation", 3.0),
        ("my_own_task", 2.0),
        ("chat", 4.0),
        ("simple_task", 4.0),
        *((kind, 5.0) for kind in LIGHT),
    ],
)
def test_grave_words_make_each_kind_of_work_critical_at_their_own_weight(
    kind: str, least: float
) -> None:
    assert critical(kind, weight=least)
    assert not critical(kind, weight=least - 0.01)


def test_a_question_of_fact_is_critical_when_it_is_grave_and_hard_or_uncertain() -> None:
    assert not critical("factual", weight=3.0)
    assert critical("factual", weight=3.0, hard=4.0)
    assert not critical("factual", weight=2.9, hard=9.0)
    assert not critical("factual", weight=4.0)
    assert critical("factual", weight=4.0, sure=0.59)
    assert not critical("factual", weight=4.0, sure=0.6)
    assert not critical("factual", weight=3.9, sure=0.59)


@given(
    st.dictionaries(st.sampled_from(["hard", "must", "think"]), st.floats(0, 20)),
    st.integers(1, 2_000),
    st.sampled_from([kind.value for kind in TaskType]),
)
def test_more_words_and_more_demands_never_make_work_easier(
    traits: dict[str, float], words: int, kind: str
) -> None:
    plain = level({kind: 1.0}, words=words, traits=traits)

    assert level({kind: 1.0}, words=2 * words, traits=traits) >= plain
    assert level({kind: 1.0}, words=words, traits={**traits, "hard": 30.0}) >= plain
    assert level({kind: 1.0}, words=words, traits={**traits, "easy": 3.0}) <= plain


def test_hard_words_alone_do_not_make_small_talk_complex() -> None:
    assert level({"chat": 1.0}, traits={"hard": 1_000.0}) < ORDER.index(Complexity.COMPLEX)


def test_easy_words_do_not_make_architecture_simple() -> None:
    assert level({"architecture": 1.0}, traits={"easy": 1_000.0}) > 0


@pytest.mark.parametrize("one", ["LaTeX", "formula", "answer options", "programming puzzle"])
def test_each_hard_shape_raises_the_level_of_borderline_work(one: str) -> None:
    chances = {"summarization": 1.0}

    assert level(chances) == 0
    assert level(chances, marks=frozenset({one})) == 1
    assert level(chances, marks=frozenset({"table", "question"})) == 0


def test_a_large_prompt_raises_the_level_of_borderline_work() -> None:
    assert level({"summarization": 1.0}, input_tokens=7_999) == 0
    assert level({"summarization": 1.0}, input_tokens=8_000) == 1


def test_doubt_about_the_kind_counts_only_where_there_is_something_to_read() -> None:
    unsure = {"summarization": 0.34, "documentation": 0.33, "extraction": 0.33}

    assert level(unsure, words=8) == 1
    assert level(unsure, words=7) == 0


def test_thinking_words_raise_the_level_once() -> None:
    chances = {"translation": 1.0}
    think = {"think": 0.1}

    assert level(chances) == 0
    assert level(chances, traits=think) == 1
    assert level(chances, traits={"think": 50.0}) == 1


@pytest.mark.parametrize(
    ("changes", "pattern"),
    [
        ({}, Pattern.SINGLE_SHOT),
        ({"reading": reading(tool_results=1)}, Pattern.ITERATIVE),
        ({"traits": {"iterate": 0.51}}, Pattern.ITERATIVE),
        ({"traits": {"iterate": 0.5}}, Pattern.SINGLE_SHOT),
        ({"traits": {"steps": 2.0}}, Pattern.MULTI_STEP),
        ({"traits": {"steps": 1.9}}, Pattern.SINGLE_SHOT),
        ({"traits": {"steps": 1.0}, "words": 60}, Pattern.MULTI_STEP),
        ({"traits": {"steps": 1.0}, "words": 59}, Pattern.SINGLE_SHOT),
        ({"traits": {"steps": 0.9}, "words": 600}, Pattern.SINGLE_SHOT),
        ({"traits": {"steps": 9.0, "iterate": 9.0}}, Pattern.ITERATIVE),
    ],
)
def test_the_pattern_follows_from_words_about_steps(
    changes: dict[str, Any], pattern: Pattern
) -> None:
    found = judge_pattern("testing", features=features(**changes), complexity=Complexity.CRITICAL)

    assert found is pattern


@pytest.mark.parametrize("kind", ["architecture", "planning", "coordination", "testing"])
@pytest.mark.parametrize("complexity", ORDER)
def test_broad_work_has_several_steps_once_it_is_hard(kind: str, complexity: Complexity) -> None:
    found = judge_pattern(kind, features=features(), complexity=complexity)
    hard = complexity in (Complexity.COMPLEX, Complexity.CRITICAL)

    assert (found is Pattern.MULTI_STEP) is (hard and kind != "testing")


@pytest.mark.parametrize(
    ("kind", "complexity", "traits", "priority"),
    [
        ("testing", Complexity.MEDIUM, {}, 3),
        ("testing", Complexity.SIMPLE, {}, 3),
        ("testing", Complexity.CRITICAL, {}, 5),
        ("testing", Complexity.CRITICAL, {"relaxed": 0.1}, 1),
        ("testing", Complexity.MEDIUM, {"urgent": 0.1}, 4),
        ("testing", Complexity.MEDIUM, {"urgent": 0.1, "critical": 1.9}, 4),
        ("testing", Complexity.MEDIUM, {"urgent": 0.1, "critical": 2.0}, 5),
        ("testing", Complexity.MEDIUM, {"critical": 2.0}, 3),
        ("testing", Complexity.MEDIUM, {"urgent": 3.0, "relaxed": 0.1}, 1),
        ("chat", Complexity.SIMPLE, {}, 2),
        ("simple_task", Complexity.SIMPLE, {}, 2),
        ("chat", Complexity.MEDIUM, {}, 3),
        ("chat", Complexity.SIMPLE, {"urgent": 1.0}, 4),
        *((kind, Complexity.SIMPLE, {"urgent": 1.0}, 3) for kind in LIGHT),
    ],
)
def test_priority_weighs_urgency_gravity_and_leisure(
    kind: str, complexity: Complexity, traits: dict[str, float], priority: int
) -> None:
    found = judge_priority(kind, features=features(traits=traits), complexity=complexity)

    assert found == priority


def needs(
    kind: str = "chat",
    *,
    complexity: Complexity = Complexity.MEDIUM,
    asked: dict[str, Any] | None = None,
    **changes: Any,
) -> set[Need]:
    request = Request.model_validate({"messages": (), **(asked or {})})
    return set(find_needs(request, kind=kind, complexity=complexity, features=features(**changes)))


@pytest.mark.parametrize(
    ("media", "sees"),
    [
        (("image/png",), True),
        (("application/pdf",), True),
        (("video/mp4",), True),
        (("audio/mpeg",), False),
        (("text/plain",), False),
        (("audio/mpeg", "image/png"), True),
        ((), False),
    ],
)
def test_only_what_has_to_be_seen_needs_eyes(media: tuple[str, ...], sees: bool) -> None:
    assert (Need.VISION in needs(reading=reading(media=media))) is sees


@pytest.mark.parametrize(
    ("changes", "need"),
    [
        ({"asked": {"tools": (ToolSpec(name="t"),)}}, Need.TOOLS),
        ({"reading": reading(tool_results=1)}, Need.TOOLS),
        ({"traits": {"tools": 0.1}}, Need.TOOLS),
        ({"asked": {"json_mode": True}}, Need.JSON),
        ({"asked": {"response_schema": {}}}, Need.JSON),
        ({"traits": {"json": 0.1}}, Need.JSON),
        ({"input_tokens": 100_000}, Need.LONG_CONTEXT),
        ({"traits": {"long": 0.1}}, Need.LONG_CONTEXT),
        ({"traits": {"think": 0.1}}, Need.THINKING),
        ({"kind": "math_logic", "complexity": Complexity.COMPLEX}, Need.THINKING),
        ({"kind": "multimodal"}, Need.VISION),
        ({"marks": frozenset({"programming puzzle"})}, Need.CODE),
        *(({"kind": kind}, Need.CODE) for kind in sorted(CODE)),
    ],
)
def test_each_need_has_its_own_reasons(changes: dict[str, Any], need: Need) -> None:
    assert needs(**changes) == {need}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"input_tokens": 99_999},
        {"traits": {"think": 1.0}, "complexity": Complexity.SIMPLE},
        {"kind": "math_logic", "complexity": Complexity.MEDIUM},
        {"marks": frozenset({"table"})},
        {"asked": {"json_mode": False}},
    ],
)
def test_without_a_reason_nothing_is_needed(changes: dict[str, Any]) -> None:
    assert needs(**changes) == set()


@given(st.sampled_from([kind.value for kind in TaskType]))
def test_code_is_needed_for_work_on_code_and_for_nothing_else(kind: str) -> None:
    assert (Need.CODE in needs(kind)) is (kind in CODE)


def length(
    ask: str = "",
    *,
    kind: str = "analysis",
    complexity: Complexity = Complexity.MEDIUM,
    limit: int | None = None,
    **changes: Any,
) -> int:
    found = features(prose=ask, **changes)
    return expected_output(kind, complexity=complexity, features=found, limit=limit)


@pytest.mark.parametrize(
    ("ask", "tokens"),
    [
        ("write 100 words", 135),
        ("a 200-word text", 270),
        ("write 1,200 words", 1_620),
        ("a 120,500 word novel", 100_000),
        ("a 20,500 word story", 27_675),
        ("1.5 pages on tea", 975),
        ("one page", 650),
        ("six pages", 3_900),
        ("ten lines", 120),
        ("in two sentences", 56),
        ("two short sentences", 56),
        ("2-3 sentences", 56),
        ("five bullets", 150),
        ("3 paragraphs, 9 pages", 390),
        ("100 worter", 160),
        ("ein 100-wort text", 160),
        ("100 mots", 150),
        ("100 palabras", 150),
        ("100 parole", 150),
        ("100 palavras", 150),
        ("100 slow", 200),
        ("100 слов", 200),
        ("in zwei satzen", 72),
        ("drei absatze", 495),
        ("en tres frases", 96),
        ("en deux phrases", 64),
        ("dos parrafos", 300),
    ],
)
def test_a_length_that_is_asked_for_counts(ask: str, tokens: int) -> None:
    assert length(ask) == tokens


@pytest.mark.parametrize(
    "ask",
    [
        "three hundred words",
        "a two thousand word essay",
        "version 1.25 words",
        "this 300-page contract",
        "the 40 pages",
        "our 20 pages",
        "these boring 200 lines",
        "in other words",
        "100 wordsmiths",
        "0 words",
    ],
)
def test_what_is_no_length_of_the_answer_leaves_the_typical_one(ask: str) -> None:
    assert length(ask) == length() == 700


@pytest.mark.parametrize(
    ("ask", "tokens"),
    [
        ("cut this 30-page report to 200 words", 270),
        ("turn the text into 100 words", 135),
        ("make it about 100 words", 135),
    ],
)
def test_the_length_of_the_source_does_not_hide_that_of_the_answer(ask: str, tokens: int) -> None:
    assert length(ask) == tokens


@pytest.mark.parametrize(
    "ask",
    [
        "answer yes or no",
        "true or false",
        "one word, please: in a single word",
        "only the number",
        "just the label",
        "nothing else",
    ],
)
def test_a_terse_answer_is_a_dozen_tokens(ask: str) -> None:
    assert length(ask) in {12, 1}


def test_harder_work_is_answered_at_greater_length() -> None:
    lengths = [length(complexity=one) for one in ORDER]

    assert lengths == [420, 700, 1_190, 1_400]


@given(st.sampled_from([*TaskType, "my_own_task"]), st.integers(1, 5_000), st.sampled_from(ORDER))
def test_a_limit_caps_any_answer_and_none_is_empty(
    kind: str, limit: int, complexity: Complexity
) -> None:
    free = length(kind=kind, complexity=complexity)

    assert free >= 1
    assert length(kind=kind, complexity=complexity, limit=limit) == min(free, limit)


@pytest.mark.parametrize(
    ("tokens", "out"), [(10, 30), (25, 30), (26, 31), (1_000, 1_200), (100_000, 120_000)]
)
def test_a_translation_is_as_long_as_its_source(tokens: int, out: int) -> None:
    for complexity in ORDER:
        assert length(kind="translation", complexity=complexity, input_tokens=tokens) == out


@pytest.mark.parametrize(("tokens", "out"), [(20, 60), (300, 150), (600, 300), (99_999, 300)])
def test_a_summary_is_at_most_half_its_source_and_no_longer_than_usual(
    tokens: int, out: int
) -> None:
    assert length(kind="summarization", input_tokens=tokens) == out


@pytest.mark.parametrize("kind", ["refactoring", "testing", "debugging"])
@pytest.mark.parametrize("block", [True, False])
def test_rewritten_code_is_as_long_as_the_code(kind: str, block: bool) -> None:
    marks = frozenset({"code block"}) if block else frozenset[str]()
    sizes = [length(kind=kind, marks=marks, input_tokens=n) for n in (10, 5_000, 50_000)]
    usual = length(kind=kind)

    expected = [usual, 5_000, 8_000] if block and kind != "debugging" else [usual] * 3
    assert sizes == expected


@pytest.mark.parametrize(
    ("kind", "traits", "expected"),
    [
        ("translation", {"hard": 1.0}, 0),
        ("translation", {"hard": 1.2}, 1),
        ("translation", {"must": 1.0}, 0),
        ("translation", {"must": 4.0}, 0),
        ("translation", {"must": 6.0}, 1),
        ("data_analysis", {"must": 1_000.0}, 1),
        ("code_review", {"must": 1_000.0}, 2),
        ("code_generation", {"easy": 0.5}, 1),
        ("code_generation", {"easy": 1.0}, 0),
        ("code_generation", {"easy": 1.0, "hard": 1.0}, 1),
    ],
)
def test_demands_raise_the_level_and_easy_words_lower_it_within_bounds(
    kind: str, traits: dict[str, float], expected: int
) -> None:
    assert level({kind: 1.0}, traits=traits) == expected


@pytest.mark.parametrize(("words", "expected"), [(1, 0), (12, 0), (20, 0), (30, 1), (400, 1)])
def test_length_counts_by_its_logarithm(words: int, expected: int) -> None:
    assert level({"documentation": 1.0}, words=words) == expected


@pytest.mark.parametrize("kind", ["summarization", "translation", "extraction", "classification"])
@pytest.mark.parametrize(("words", "tokens", "expected"), [(400, 550, 0), (8_000, 11_000, 1)])
def test_the_length_of_what_is_worked_on_counts_little_until_it_is_a_lot(
    kind: str, words: int, tokens: int, expected: int
) -> None:
    assert level({kind: 1.0}, words=words, input_tokens=tokens) == expected
