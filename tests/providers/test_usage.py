"""Token buckets: disjoint, never negative, and their sum is what the provider counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.providers.usage import anthropic_usage, gemini_usage, openai_usage, usage_of
from mcp_router.types import Usage

COUNTS = st.integers(0, 10_000_000)


def total(usage: Usage | None) -> int:
    assert usage is not None
    return sum(usage.model_dump().values())


@given(COUNTS, COUNTS, COUNTS, COUNTS, COUNTS)
def test_openai_counts_cache_and_reasoning_inside(
    fresh: int, cached: int, written: int, reasoning: int, visible: int
) -> None:
    raw = {
        "prompt_tokens": fresh + cached + written,
        "completion_tokens": reasoning + visible,
        "total_tokens": fresh + cached + written + reasoning + visible,
        "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }

    usage = openai_usage(raw)

    assert usage == Usage(
        input_tokens=fresh,
        cache_read_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=reasoning,
        output_tokens=visible,
    )
    assert total(usage) == raw["total_tokens"]


@given(COUNTS, COUNTS, st.integers(1, 1000))
def test_xai_counts_reasoning_beside_the_completion(
    prompt: int, completion: int, reasoning: int
) -> None:
    raw = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion + reasoning,
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }

    assert openai_usage(raw) == Usage(
        input_tokens=prompt, reasoning_tokens=reasoning, output_tokens=completion
    )


@given(COUNTS, COUNTS, COUNTS)
def test_deepseek_names_its_cache_hits(hit: int, miss: int, completion: int) -> None:
    raw = {
        "prompt_tokens": hit + miss,
        "prompt_cache_hit_tokens": hit,
        "prompt_cache_miss_tokens": miss,
        "completion_tokens": completion,
    }

    assert openai_usage(raw) == Usage(
        input_tokens=miss, cache_read_tokens=hit, output_tokens=completion
    )


@given(COUNTS, COUNTS, COUNTS, COUNTS, COUNTS)
def test_anthropic_counts_caches_beside_the_input(
    fresh: int, read: int, written: int, thinking: int, visible: int
) -> None:
    raw = {
        "input_tokens": fresh,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": written,
        "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
        "output_tokens": thinking + visible,
        "output_tokens_details": {"thinking_tokens": thinking},
    }

    usage = anthropic_usage(raw)

    assert usage == Usage(
        input_tokens=fresh,
        cache_read_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=thinking,
        output_tokens=visible,
    )


@given(COUNTS, COUNTS, COUNTS, COUNTS, COUNTS)
def test_gemini_counts_the_cache_inside_and_thoughts_beside(
    fresh: int, cached: int, tools: int, thoughts: int, visible: int
) -> None:
    raw = {
        "promptTokenCount": fresh + cached,
        "cachedContentTokenCount": cached,
        "toolUsePromptTokenCount": tools,
        "thoughtsTokenCount": thoughts,
        "candidatesTokenCount": visible,
        "totalTokenCount": fresh + cached + tools + thoughts + visible,
    }

    usage = gemini_usage(raw)

    assert usage == Usage(
        input_tokens=fresh + tools,
        cache_read_tokens=cached,
        reasoning_tokens=thoughts,
        output_tokens=visible,
    )
    assert total(usage) == raw["totalTokenCount"]


@pytest.mark.parametrize("read", [openai_usage, anthropic_usage, gemini_usage])
@pytest.mark.parametrize("raw", [None, {}, [], "12", 12])
def test_no_usage_is_unknown_and_not_zero(read: object, raw: object) -> None:
    assert callable(read)
    assert read(raw) is None


JUNK = st.one_of(st.none(), st.text(max_size=5), st.integers(), st.floats(), st.booleans())
NAMES = st.sampled_from(
    [
        *("prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens"),
        *("prompt_tokens_details", "completion_tokens_details", "promptTokenCount"),
        *("cachedContentTokenCount", "thoughtsTokenCount", "cache_read_input_tokens"),
    ]
)
DETAILS = st.dictionaries(st.sampled_from(["cached_tokens", "reasoning_tokens"]), JUNK)


@given(st.dictionaries(NAMES, st.one_of(JUNK, DETAILS), min_size=1))
def test_junk_never_gives_a_negative_count(raw: dict[str, object]) -> None:
    for read in (openai_usage, anthropic_usage, gemini_usage):
        usage = read(raw)
        assert usage is not None
        assert min(usage.model_dump().values()) >= 0


@given(COUNTS, COUNTS, COUNTS)
def test_more_cached_than_prompted_is_cut_to_the_prompt(
    prompt: int, cached: int, written: int
) -> None:
    details = {"cached_tokens": cached, "cache_write_tokens": written}
    usage = openai_usage({"prompt_tokens": prompt, "prompt_tokens_details": details, "x": 1})

    assert total(usage) == prompt


@pytest.mark.parametrize(
    "raw",
    [
        {"prompt_tokens_details": {"cached_tokens": 4}},
        {"prompt_cache_hit_tokens": 4},
        {"cached_tokens": 4},
        {"prompt_tokens_details": {"cached_tokens": 0}, "cached_tokens": 4},
    ],
)
def test_cached_tokens_are_found_under_every_name(raw: dict[str, object]) -> None:
    usage = openai_usage({"prompt_tokens": 10, "completion_tokens": 2, **raw})

    assert usage == Usage(input_tokens=6, cache_read_tokens=4, output_tokens=2)


@given(COUNTS, COUNTS)
def test_more_thought_than_written_is_cut_to_what_was_written(
    completion: int, reasoning: int
) -> None:
    details = {"reasoning_tokens": reasoning}
    raw = {"completion_tokens": completion, "completion_tokens_details": details}
    found = openai_usage({**raw, "total_tokens": 1 + completion + reasoning})
    claude = anthropic_usage(
        {"output_tokens": completion, "output_tokens_details": {"thinking_tokens": reasoning}}
    )

    assert total(found) == total(claude) == completion


@given(COUNTS, COUNTS)
def test_gemini_never_caches_more_than_was_prompted(prompt: int, cached: int) -> None:
    usage = gemini_usage({"promptTokenCount": prompt, "cachedContentTokenCount": cached})

    assert total(usage) == prompt


def test_a_cache_written_counts_once() -> None:
    details = {"cached_tokens": 6, "cache_write_tokens": 3}
    usage = openai_usage({"prompt_tokens": 10, "prompt_tokens_details": details})

    assert usage == Usage(input_tokens=1, cache_read_tokens=6, cache_write_tokens=3)


@pytest.mark.parametrize(
    ("wire", "answer"),
    [
        ("openai", {"usage": {"prompt_tokens": 7, "completion_tokens": 2}, "choices": []}),
        ("anthropic", {"usage": {"input_tokens": 7, "output_tokens": 2}, "type": "error"}),
        ("gemini", {"usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 2}}),
    ],
)
def test_usage_is_found_in_an_answer_that_is_none(wire: str, answer: object) -> None:
    assert usage_of(wire, answer) == Usage(input_tokens=7, output_tokens=2)


@pytest.mark.parametrize("wire", ["openai", "anthropic", "gemini"])
@pytest.mark.parametrize("answer", [None, [], {}, "usage", {"usage": 3, "usageMetadata": []}])
def test_an_answer_without_usage_used_nothing_that_is_known(wire: str, answer: object) -> None:
    assert usage_of(wire, answer) is None
