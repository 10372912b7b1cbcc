"""Text stays text, whatever it holds."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from mcp_router.dashboard.html import Html, element, escaped, joined, plain


class Reader(HTMLParser):
    """Collects what a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: dict[str, str | None] = {}
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.update(attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def read(markup: str) -> Reader:
    reader = Reader()
    reader.feed(markup)
    reader.close()
    return reader


@given(st.text())
def test_any_text_comes_back_as_the_same_text(text: str) -> None:
    found = read(element("p", text))
    assert found.tags == ["p"]
    assert found.text == plain(text)


@given(st.text())
def test_any_text_in_an_attribute_stays_there(text: str) -> None:
    found = read(element("a", "x", title=text))
    assert found.tags == ["a"]
    assert found.attributes == {"title": plain(text)}


@given(st.text())
def test_no_text_reorders_or_controls_what_is_around_it(text: str) -> None:
    made = escaped(text)
    assert not set(made) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\x00\x1b")


def test_markup_is_not_escaped_twice() -> None:
    assert element("p", element("b", "<")) == "<p><b>&lt;</b></p>"


def test_children_may_be_nested_and_missing() -> None:
    assert joined("a", None, ["b", [Html("<i>c</i>")]]) == "ab<i>c</i>"


def test_attributes_are_written_as_html_has_them() -> None:
    made = element("td", "x", class_="num", data_title="A", hidden=True, open=False, id=None)
    assert made == '<td class="num" data-title="A" hidden>x</td>'


def test_elements_without_content_are_not_closed() -> None:
    assert element("meta", charset="utf-8") == '<meta charset="utf-8">'
