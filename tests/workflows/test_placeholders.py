"""A placeholder takes a text in as it is, and nothing that is put in is looked at again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.workflows.placeholders import filled, names_in

NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,10}", fullmatch=True)
HOSTILE = st.one_of(
    st.text(), st.sampled_from(["{{a}}", "{{ b }}", "{0.__class__}", "%s", "\\g<1>", "{{", "}}"])
)


@given(st.dictionaries(NAMES, HOSTILE, min_size=1, max_size=5), HOSTILE)
def test_each_text_stands_in_the_result_exactly_as_it_was(
    values: dict[str, str], between: str
) -> None:
    between = between.replace("{", "").replace("}", "")
    text = between.join(f"<{{{{{name}}}}}>" for name in values)
    assert filled(text, values=values) == between.join(f"<{one}>" for one in values.values())
    assert names_in(text) == tuple(values)


@given(st.text())
def test_a_text_without_placeholders_stays_as_it_is(text: str) -> None:
    if not names_in(text):
        assert filled(text, values={}) == text


@pytest.mark.parametrize(
    "text", ["{{}}", "{{ a b }}", "{{a.b}}", "{a}", "{{1a}}", "{{a", "{{a\n}}", "{{ü}}"]
)
def test_what_is_no_placeholder_is_text(text: str) -> None:
    assert names_in(text) == ()
    assert filled(text, values={"a": "x"}) == text


def test_blanks_within_the_braces_do_not_matter() -> None:
    assert filled("{{ a }}-{{\ta}}", values={"a": "x"}) == "x-x"


def test_a_name_without_a_text_is_an_error() -> None:
    with pytest.raises(KeyError):
        filled("{{a}}", values={})
