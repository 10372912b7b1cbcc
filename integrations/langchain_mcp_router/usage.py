"""Token counts, as the router and as LangChain write them."""

from __future__ import annotations

from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata

from mcp_router import Usage


def usage_metadata(usage: Usage) -> UsageMetadata:
    """Write disjoint buckets as LangChain's totals with details."""
    inputs = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
    outputs = usage.output_tokens + usage.reasoning_tokens
    return UsageMetadata(
        input_tokens=inputs,
        output_tokens=outputs,
        total_tokens=inputs + outputs,
        input_token_details=InputTokenDetails(
            cache_read=usage.cache_read_tokens, cache_creation=usage.cache_write_tokens
        ),
        output_token_details=OutputTokenDetails(reasoning=usage.reasoning_tokens),
    )


def usage_of(metadata: UsageMetadata | None) -> Usage | None:
    """Read LangChain's totals as disjoint buckets; None where nothing was counted."""
    if not metadata or not metadata["input_tokens"] + metadata["output_tokens"]:
        return None
    # Providers add keys of their own, such as the lifetimes of what was cached.
    inside = dict[str, object](metadata.get("input_token_details") or {})
    read = _count(inside.pop("cache_read", 0))
    written = sum(_count(n) for key, n in inside.items() if key in _WRITTEN)
    thought = _count((metadata.get("output_token_details") or {}).get("reasoning"))
    return Usage(
        input_tokens=max(0, metadata["input_tokens"] - read - written),
        cache_read_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=thought,
        output_tokens=max(0, metadata["output_tokens"] - thought),
    )


def cached_tokens(metadata: UsageMetadata | None) -> int:
    """Estimate how much of a prompt its provider holds in its cache; 0 where it shows no sign."""
    found = usage_of(metadata)
    if metadata is None or found is None:
        return 0
    warm = found.cache_read_tokens or found.cache_write_tokens
    return metadata["input_tokens"] if warm else 0


_WRITTEN = ("cache_creation", "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")


def _count(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0
