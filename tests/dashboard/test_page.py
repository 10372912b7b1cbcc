"""The page is whole without any network, and nothing recorded can become part of its code."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from mcp_router.dashboard.page import page
from mcp_router.reporting.values import Report
from tests.dashboard.conftest import HOSTILE

REFERENCES = {"src", "href", "srcset", "action", "formaction", "xlink:href", "poster", "data"}


class Parsed(HTMLParser):
    """A page as a browser reads it: elements, their attributes, and text outside of code."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.code: dict[str, list[str]] = {"script": [], "style": []}
        self.texts: list[str] = []
        self._in: str = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._in = tag if tag in self.code else self._in

    def handle_endtag(self, tag: str) -> None:
        self._in = "" if tag == self._in else self._in

    def handle_data(self, data: str) -> None:
        (self.code[self._in] if self._in else self.texts).append(data)


def policy_of(parsed: Parsed) -> dict[str, str]:
    content = next(
        attributes["content"] or ""
        for tag, attributes in parsed.elements
        if tag == "meta" and "http-equiv" in attributes
    )
    return dict(part.strip().split(" ", 1) for part in content.split(";"))


def digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@pytest.mark.parametrize("which", ["report", "hostile", "empty"])
def test_nothing_is_fetched(which: str, request: pytest.FixtureRequest) -> None:
    parsed = Parsed(page(request.getfixturevalue(which)))
    for _, attributes in parsed.elements:
        assert not REFERENCES & set(attributes)
    assert "@import" not in "".join(parsed.code["style"])
    assert "url(" not in "".join(parsed.code["style"])


@pytest.mark.parametrize("live", [False, True])
def test_the_policy_allows_its_own_style_and_script_only(live: bool, report: Report) -> None:
    parsed = Parsed(page(report, live=live))
    found = policy_of(parsed)
    assert found["default-src"] == "'none'"
    assert found["connect-src"] == ("'self'" if live else "'none'")
    assert found["script-src"] == digest("".join(parsed.code["script"]))
    assert found["style-src"] == digest("".join(parsed.code["style"]))


@pytest.mark.parametrize("which", ["report", "hostile", "empty"])
def test_there_is_one_script_and_one_style_and_no_inline_code(
    which: str, request: pytest.FixtureRequest
) -> None:
    parsed = Parsed(page(request.getfixturevalue(which)))
    tags = [tag for tag, _ in parsed.elements]
    assert tags.count("script") == tags.count("style") == 1
    assert not {"img", "iframe", "object", "embed", "form", "link", "base", "a"} & set(tags)
    names = {name for _, attributes in parsed.elements for name in attributes}
    assert not [name for name in names if name.startswith("on")]
    assert "style" not in names


def test_hostile_texts_are_shown_as_they_are(hostile: Report) -> None:
    parsed = Parsed(page(hostile))
    shown = "".join(parsed.texts)
    for text in HOSTILE[:4]:
        assert text in shown
    for _, attributes in parsed.elements:
        assert "\x00" not in "".join(filter(None, attributes.values()))


def test_no_invisible_mark_reorders_the_page(hostile: Report) -> None:
    assert not set(page(hostile)) & {"\u202e", "\u2066", "\x00"}


def test_every_figure_can_be_read_without_script(report: Report) -> None:
    shown = "".join(Parsed(page(report)).texts)
    for row in (*report.by_model, *report.by_task):
        assert row.group.replace("_", " ") in shown
    for entry in report.decisions:
        assert entry.reason in shown
        assert entry.decision_id in shown
    assert "November is expected to end at" in shown


def test_every_cell_of_a_table_has_a_heading(report: Report) -> None:
    parsed = Parsed(page(report))
    scopes = [attributes.get("scope") for tag, attributes in parsed.elements if tag == "th"]
    assert set(scopes) == {"col", "row"}


def test_every_chart_has_a_name_for_those_who_cannot_see_it(report: Report) -> None:
    parsed = Parsed(page(report))
    charts = [one for tag, one in parsed.elements if tag == "div" and one.get("role") == "img"]
    assert len(charts) == 14
    assert all(one.get("aria-label") for one in charts)


def test_an_empty_store_makes_a_page_that_says_so(empty: Report) -> None:
    shown = "".join(Parsed(page(empty)).texts)
    assert "Nothing recorded yet." in shown
    assert "No decision is recorded yet." in shown
    assert "Nothing was run yet" in shown


def test_the_page_is_small_enough_for_a_phone(report: Report) -> None:
    assert len(page(report).encode()) < 500_000


def test_the_same_report_makes_the_same_page(report: Report) -> None:
    assert page(report) == page(report)
    assert re.match(
        r'<!doctype html>\n<html lang="en" data-version="[\d.]+" data-rev', page(report)
    )
