"""Token counts survive the way to LangChain and back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages.ai import UsageMetadata, add_usage

from langchain_mcp_router.usage import cached_tokens, usage_metadata, usage_of
from mcp_router import Usage

COUNTS = st.integers(0, 10**7)
USAGES = st.builds(
    Usage,
    input_tokens=COUNTS,
    cache_read_tokens=COUNTS,
    cache_write_tokens=COUNTS,
    reasoning_tokens=COUNTS,
    output_tokens=COUNTS,
)


@given(USAGES)
def test_there_and_back_is_the_same(usage: Usage) -> None:
    written = usage_metadata(usage)
    assert written["total_tokens"] == sum(usage.model_dump().values())
    assert usage_of(written) == (usage if written["total_tokens"] else None)


@given(USAGES, USAGES)
def test_langchain_can_add_them_up(one: Usage, other: Usage) -> None:
    total = add_usage(usage_metadata(one), usage_metadata(other))
    assert total["total_tokens"] == sum((*one.model_dump().values(), *other.model_dump().values()))


def test_lifetimes_of_a_cache_count_as_written_to_it() -> None:
    metadata = UsageMetadata(
        input_tokens=100,
        output_tokens=7,
        total_tokens=107,
        input_token_details={"cache_read": 10, "ephemeral_5m_input_tokens": 30},  # type: ignore[typeddict-unknown-key]
    )
    assert usage_of(metadata) == Usage(
        input_tokens=60, cache_read_tokens=10, cache_write_tokens=30, output_tokens=7
    )
    assert cached_tokens(metadata) == 100


def test_nothing_counted_is_unknown_and_no_cache_is_none() -> None:
    assert usage_of(None) is None
    assert cached_tokens(None) == 0
    assert cached_tokens(usage_metadata(Usage(input_tokens=9, output_tokens=1))) == 0
