"""Settings files as people leave them: with comments, trailing commas and odd layout."""

from __future__ import annotations

import json

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from mcp_router.hosts.jsonc import Dialect

# A document takes ten milliseconds to draw, and more on a machine that is busy.
few = settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])

STRICT = Dialect()
LENIENT = Dialect(comments=True, trailing_commas=True)

_LINE_COMMENT = st.sampled_from(["// a, {b}: [c]", '// "quoted', "// /*", "//"])
_BLOCK_COMMENT = st.sampled_from(["/* x */", "/* {,} */", '/* " */', "/**/", "/* two\nlines */"])
_BLANKS = st.sampled_from(["", "", " ", "\n", "\n  ", "\n\t", "  \n    "])

names = st.sampled_from(["a", "b-c", "d e", 'q"uote', "back\\slash", "{", "//", "é", "/* */"])
scalars = st.none() | st.booleans() | st.integers() | st.sampled_from(["", "x", "// y", '"', ",}"])


def values() -> st.SearchStrategy[object]:
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
        max_leaves=6,
    )


@st.composite
def _gap(draw: st.DrawFn, *, lenient: bool) -> str:
    if not lenient:
        return draw(_BLANKS)
    parts = draw(st.lists(_BLANKS | _BLOCK_COMMENT | _LINE_COMMENT.map("{}\n".format), max_size=2))
    return "".join(parts)


@st.composite
def _written(draw: st.DrawFn, value: object, *, lenient: bool) -> str:
    gap = _gap(lenient=lenient)
    if isinstance(value, dict):
        items = [
            f"{draw(gap)}{json.dumps(key)}{draw(gap)}:{draw(gap)}"
            f"{draw(_written(inner, lenient=lenient))}{draw(gap)}"
            for key, inner in value.items()
        ]
        opening, closing = "{", "}"
    elif isinstance(value, list):
        items = [
            f"{draw(gap)}{draw(_written(inner, lenient=lenient))}{draw(gap)}" for inner in value
        ]
        opening, closing = "[", "]"
    else:
        return json.dumps(value, ensure_ascii=draw(st.booleans()))
    end = "," if items and lenient and draw(st.booleans()) else ""
    return f"{opening}{','.join(items)}{end}{draw(gap)}{closing}"


@st.composite
def documents(
    draw: st.DrawFn, *, table: str, lenient: bool, filled: bool = False
) -> tuple[str, dict[str, object]]:
    """Draw a text and what it says; half of the time, or if `filled`, it has servers in `table`."""
    said = draw(st.dictionaries(names, values(), max_size=3))
    if filled or draw(st.booleans()):
        said[table] = draw(st.dictionaries(names, values(), min_size=int(filled), max_size=3))
    if draw(st.booleans()):
        text = json.dumps(said, indent=draw(st.sampled_from([None, 2, 4, "\t"])))
    else:
        text = draw(_gap(lenient=lenient)) + draw(_written(said, lenient=lenient))
    text += draw(st.sampled_from(["", "\n"]))
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    return text, said
