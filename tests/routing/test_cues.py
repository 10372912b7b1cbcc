"""Cues: the words of a prompt are found where they stand."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from mcp_router.routing.cues import find_cues

# The same words and marks, as one pattern over a whole text.
WHOLE = r"\w+(?:'\w+)*[+#]*|[.!?:;](?=\s|$)|\n|[\u3002\uff01\uff1f]"
BLANKS = (" ", "\n", "\t", "\u2028", "\u3000", "\x1c")
MARKS = (".", "?", "!", ":", ";", "'", "+", "_", "--", "\u2026", "\u3002", "\uff01")
WORDS = ("fix", "it's", "c++", "c#", "a.b", "x_y", "3.5", "日本", "é", "٣", "²")
pieces = st.sampled_from((*WORDS, *MARKS, *BLANKS))


@given(st.lists(pieces, max_size=60).map("".join) | st.text(max_size=60))
def test_words_cut_at_blanks_are_those_that_one_pattern_finds(prose: str) -> None:
    assert list(find_cues(prose).tokens) == re.findall(WHOLE, prose)
