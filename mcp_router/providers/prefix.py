"""What requests begin with and may have in common, so that a provider need not read it again."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from mcp_router.providers.parts import system_text

if TYPE_CHECKING:
    from mcp_router.providers.wire import Call, Json, Target

_MARK = {"type": "ephemeral"}
# Thoughts cannot be marked, nor can a text without words, which is never sent.
_UNMARKABLE = ("thinking", "redacted_thinking")


def prefix_key(target: Target, call: Call) -> str | None:
    """Name what a call begins with, system text and tools, so that OpenAI finds it a warm cache.

    Source: https://platform.openai.com/docs/guides/prompt-caching. None where no key is taken:
    elsewhere a prefix is kept unasked, and an unknown parameter may be refused.
    """
    if target.provider.name not in ("openai", "azure"):
        return None
    stable = [system_text(call.messages), *(one.model_dump_json() for one in call.tools)]
    text = "\n".join(stable).encode("utf-8", "replace")
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def mark_prefix(body: Json) -> None:
    """Mark the ends of what will come again in a request to Anthropic: tools, system, last turn.

    The newest turn is left unmarked, as writing it costs more than reading and it may be the
    last one. Source: https://platform.claude.com/docs/en/build-with-claude/prompt-caching
    """
    turns = body["messages"]
    stable: list[Json] = turns[-2]["content"] if len(turns) > 1 else []
    ends: tuple[list[Json], ...] = (body.get("tools", []), body.get("system", []), stable)
    for blocks in ends:
        markable = [one for one in blocks if one.get("type") not in _UNMARKABLE]
        if markable:
            markable[-1]["cache_control"] = dict(_MARK)
