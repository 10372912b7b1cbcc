"""What stands around the text in the chunks of a stream, which is the same in nearly all of them.

A chunk that differs from one that was decoded in nothing but a plain string is not decoded again:
decoding is a third of what reading it takes.
"""

from __future__ import annotations


class Frame:
    """Finds the text of chunks that are built like the one it has learned."""

    def __init__(self) -> None:
        self._before = ""
        self._after = ""

    def text(self, chunk: str) -> str | None:
        """Return the text that a chunk has in the place of the learned one, never ""; else None."""
        before, after = self._before, self._after
        if not before or not chunk.startswith(before) or not chunk.endswith(after):
            return None
        text = chunk[len(before) : len(chunk) - len(after)]
        # In JSON nothing else than a quote, a backslash or a control sign ends or changes a string.
        plain = '"' not in text and "\\" not in text and text.isprintable()
        return text if text and plain else None

    def learn(self, chunk: str, *, text: str) -> None:
        """Note what stands around the only string in a chunk that reads `text`."""
        # Without a backslash every string is written as it reads.
        if "\\" in chunk or chunk.count(f'"{text}"') != 1:
            return
        start = chunk.index(f'"{text}"') + 1
        self._before, self._after = chunk[:start], chunk[start + len(text) :]
