"""Token counts of the three wires, as disjoint buckets whose sum is what is billed.

Written here rather than taken from genai-prices, whose `extract_usage` fails for any model or
server that is not in its list, costs 140 ms to import, and gives buckets that overlap.
"""

from __future__ import annotations

from mcp_router.providers.reading import as_count, as_object
from mcp_router.types import Usage


def openai_usage(raw: object) -> Usage | None:
    """Read `usage` of a chat completion.

    `prompt_tokens` includes what was cached. `completion_tokens` includes reasoning, except where
    the total says that it stands beside (xAI). DeepSeek and Moonshot name the cached tokens
    differently.
    """
    usage = as_object(raw)
    if not usage:
        return None
    prompt, completion = (
        as_count(usage.get("prompt_tokens")),
        as_count(usage.get("completion_tokens")),
    )
    inside = as_object(usage.get("prompt_tokens_details"))
    cached = (
        as_count(inside.get("cached_tokens"))
        or as_count(usage.get("prompt_cache_hit_tokens"))
        or as_count(usage.get("cached_tokens"))
    )
    read = min(cached, prompt)
    written = min(as_count(inside.get("cache_write_tokens")), prompt - read)
    details = as_object(usage.get("completion_tokens_details"))
    reasoning = as_count(details.get("reasoning_tokens"))
    beside = as_count(usage.get("total_tokens")) == prompt + completion + reasoning
    return Usage(
        input_tokens=prompt - read - written,
        cache_read_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=reasoning if beside else min(reasoning, completion),
        output_tokens=completion if beside else max(0, completion - reasoning),
    )


def anthropic_usage(raw: object) -> Usage | None:
    """Read `usage` of a message: input excludes both caches, output includes thinking."""
    usage = as_object(raw)
    if not usage:
        return None
    output = as_count(usage.get("output_tokens"))
    details = as_object(usage.get("output_tokens_details"))
    thinking = min(as_count(details.get("thinking_tokens")), output)
    return Usage(
        input_tokens=as_count(usage.get("input_tokens")),
        cache_read_tokens=as_count(usage.get("cache_read_input_tokens")),
        cache_write_tokens=as_count(usage.get("cache_creation_input_tokens")),
        reasoning_tokens=thinking,
        output_tokens=output - thinking,
    )


def gemini_usage(raw: object) -> Usage | None:
    """Read `usageMetadata`: the prompt includes the cache, thoughts stand beside candidates.

    Prompts of built-in tools are counted apart, and billed as input.
    """
    usage = as_object(raw)
    if not usage:
        return None
    prompt = as_count(usage.get("promptTokenCount"))
    read = min(as_count(usage.get("cachedContentTokenCount")), prompt)
    return Usage(
        input_tokens=prompt - read + as_count(usage.get("toolUsePromptTokenCount")),
        cache_read_tokens=read,
        reasoning_tokens=as_count(usage.get("thoughtsTokenCount")),
        output_tokens=as_count(usage.get("candidatesTokenCount")),
    )


def usage_of(wire: str, answer: object) -> Usage | None:
    """Read what a whole answer says was used, whatever else is wrong with it."""
    body = as_object(answer)
    if wire == "gemini":
        return gemini_usage(body.get("usageMetadata"))
    read = anthropic_usage if wire == "anthropic" else openai_usage
    return read(body.get("usage"))
