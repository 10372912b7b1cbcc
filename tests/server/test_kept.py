"""The line under a kept answer says that it is one, in the tool's result as well."""

from __future__ import annotations

from mcp.types import TextContent

from mcp_router.server.completions import completion_answer
from mcp_router.types import Attempt
from tests.storage.test_answers import completion


def test_a_kept_answer_is_told_as_one_that_cost_nothing() -> None:
    tried = Attempt(model="alpha", provider="openai", outcome="cache", reason="kept before")
    done = completion(cached=True, cost_usd=0, attempts=(tried,))
    (content,) = completion_answer(done, attempts=0).content
    assert isinstance(content, TextContent)
    assert content.text == "Old.\n\n---\nalpha (openai), a kept answer, $0, d1"
