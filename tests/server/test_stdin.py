"""Lone surrogates are mended and everything else passes unchanged."""

from __future__ import annotations

import json

from hypothesis import example, given
from hypothesis import strategies as st

from mcp_router.server.stdin import mend

ANY_TEXT = st.text(st.characters(exclude_categories=()))
HARD_TEXT = st.text(st.sampled_from('\\u\ud83d\ude00\udfff\ud800d8"\nx'))


def joined(text: str) -> str:
    """Pair up neighbouring surrogates and replace the lone ones."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


@given(text=ANY_TEXT | HARD_TEXT)
@example(text="\\ud800")
@example(text="\ud800\ud83d\ude00\ude00")
def test_escaped_text_decodes_to_itself_without_lone_surrogates(text: str) -> None:
    mended = json.loads(mend(json.dumps(text).encode()))
    assert mended.encode("utf-8").decode() == joined(text)


@given(text=ANY_TEXT)
def test_text_without_surrogates_is_not_touched(text: str) -> None:
    line = json.dumps(text.encode("utf-8", "ignore").decode()).encode()
    assert mend(line) == line


@given(line=st.binary())
def test_any_line_keeps_its_length_and_its_end(line: bytes) -> None:
    assert len(mend(line)) == len(line)
    assert mend(line).count(b"\n") == line.count(b"\n")
