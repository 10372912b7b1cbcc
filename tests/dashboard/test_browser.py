"""A real browser shows the page at phone and desktop width, light and dark, and runs its script."""

from __future__ import annotations

import functools
import html
import json
import re
import shutil
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mcp_router.dashboard.evaluation import evaluation_document
from mcp_router.dashboard.live import Dashboard, Source
from mcp_router.dashboard.page import page
from mcp_router.reporting.values import Report
from tests.dashboard.browser import Browser, find_program
from tests.dashboard.test_evaluation import trial

FOLDER = Path(__file__).parent
SIZES = {"phone": (390, 844), "desk": (1280, 900)}
LIGHT_PAGE, DARK_PAGE = (0xF4, 0xF5, 0xF7), (0x0F, 0x13, 0x1B)


class Quiet(SimpleHTTPRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Keep the output of the tests clean."""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Browser:
    program = find_program()
    if program is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium).")
    return Browser(program, tmp_path_factory.mktemp("browser"))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """The address of `tmp_path`, with the two harnesses in it."""
    for harness in ("harness.html", "host.html"):
        shutil.copy(FOLDER / harness, tmp_path / harness)
    handler = functools.partial(Quiet, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def used(browser: Browser, site: str, *, harness: str = "harness.html") -> dict[str, Any]:
    """What a harness saw when it used the page, which must have caused no complaint."""
    seen = browser.open(f"{site}/{harness}")
    assert seen.console == ""
    found = re.search(r'<pre id="result">(.*?)</pre>', seen.dom, re.DOTALL)
    assert found is not None
    result: dict[str, Any] = json.loads(html.unescape(found[1]))
    return result


def test_the_page_fits_searches_and_explains_its_marks(
    browser: Browser, site: str, report: Report, tmp_path: Path
) -> None:
    (tmp_path / "page.html").write_text(page(report), encoding="utf-8")
    result = used(browser, site)
    assert result["desk"] == {"overflow": 0, "wide": 7, "narrow": 0, "past": 0}
    assert result["phone"] == {"overflow": 0, "wide": 0, "narrow": 7, "past": 0}
    assert result["small"]["overflow"] == 0
    assert result["nothing"]["left"] == 0
    assert result["nothing"]["said"] == "0 of 60 decisions"
    assert 0 < result["word"]["left"] < result["word"]["of"] == 60
    assert result["word"]["all"]
    assert result["all"]["left"] == 60
    assert result["tip"]["hidden"] is False
    assert result["tip"]["text"] == result["tip"]["mark"]


def test_hostile_texts_run_nothing(
    browser: Browser, site: str, hostile: Report, tmp_path: Path
) -> None:
    (tmp_path / "page.html").write_text(page(hostile), encoding="utf-8")
    result = used(browser, site)
    assert result["injected"] is None
    assert result["desk"]["overflow"] == result["phone"]["overflow"] == 0


def test_the_file_is_whole_when_opened_from_the_disk(
    browser: Browser, report: Report, tmp_path: Path
) -> None:
    file = tmp_path / "page.html"
    file.write_text(page(report), encoding="utf-8")
    seen = browser.open(file.as_uri())
    assert seen.console == ""
    assert 'class="scripted"' in seen.dom
    for text in ("Spending over time", "Budget left this month", "Latest decisions"):
        assert text in seen.dom


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", SIZES)
def test_it_looks_light_or_dark_as_the_reader_likes(
    width: str, dark: bool, browser: Browser, report: Report, tmp_path: Path
) -> None:
    file, to = tmp_path / "page.html", tmp_path / "page.png"
    file.write_text(page(report), encoding="utf-8")
    seen = browser.screenshot(file.as_uri(), size=SIZES[width], dark=dark, to=to)
    assert (seen.width, seen.height) == SIZES[width]
    assert seen.corner == (DARK_PAGE if dark else LIGHT_PAGE)


def test_a_served_page_brings_itself_up_to_date(
    browser: Browser, empty: Report, report: Report
) -> None:
    told = [empty]

    def latest() -> Report:
        # The first answer is the page itself; there is news ever after.
        return told.pop() if told else report

    with Dashboard(Source(lambda: report.revision, latest), port=0) as dashboard:
        thread = threading.Thread(target=dashboard.serve)
        thread.start()
        seen = browser.open(dashboard.url, milliseconds=9_000)
        dashboard.stop()
        thread.join()
    assert seen.console == ""
    assert f'data-revision="{report.revision}"' in seen.dom
    assert "Quality against cost" in seen.dom


def test_long_names_of_models_wrap_on_a_phone(browser: Browser, site: str, tmp_path: Path) -> None:
    found = trial()
    named = found._replace(pair=found.pair._replace(weak="gemma-2-9b-it" * 2, strong="x" * 60))
    document = evaluation_document(named, verdict="", about="", dropped=())
    (tmp_path / "page.html").write_text(document, encoding="utf-8")
    (tmp_path / "tables.html").write_text(TABLES, encoding="utf-8")
    assert used(browser, site, harness="tables.html") == {"tables": 2, "scroll": 0}


TABLES = """
<iframe id="page" src="page.html" style="width: 390px; border: 0"></iframe>
<pre id="result"></pre>
<script>
  const frame = document.getElementById("page");
  frame.addEventListener("load", () => {
    const tables = [...frame.contentDocument.querySelectorAll(".scroll")];
    const scroll = tables.filter((one) => one.scrollWidth > one.clientWidth).length;
    const said = JSON.stringify({ tables: tables.length, scroll });
    document.getElementById("result").textContent = said;
  });
</script>
"""

APP = "ui://mcp-router/report"


@pytest.mark.parametrize("kind", ["report", "hostile"])
def test_in_a_host_of_mcp_apps_it_shakes_hands_and_brings_itself_up_to_date(
    kind: str, browser: Browser, site: str, empty: Report, tmp_path: Path, request: Any
) -> None:
    newest: Report = request.getfixturevalue(kind)
    (tmp_path / "page.html").write_text(page(empty, app=APP), encoding="utf-8")
    (tmp_path / "fresh.html").write_text(page(newest, app=APP), encoding="utf-8")
    result = used(browser, site, harness="host.html")
    said = [one.get("method") for one in result["heard"]]
    assert said[:2] == ["ui/initialize", "ui/notifications/initialized"]
    asked = next(one for one in result["heard"] if one.get("method") == "resources/read")
    assert asked["params"] == {"uri": APP}
    assert {"jsonrpc": "2.0", "id": 77, "result": {}} in result["heard"]
    assert result["revision"] == newest.revision != empty.revision
    assert "Latest decisions" in result["text"]
    sizes = [one["params"] for one in result["heard"] if "size-changed" in one.get("method", "")]
    assert abs(sizes[-1]["height"] - result["height"]) <= 1
    assert result["dark"] == f"rgb{DARK_PAGE}"
    assert result["light"] == f"rgb{LIGHT_PAGE}"
    assert result["injected"] is None


def test_outside_of_a_host_the_same_page_says_nothing(
    browser: Browser, report: Report, tmp_path: Path
) -> None:
    file = tmp_path / "page.html"
    file.write_text(page(report, app=APP), encoding="utf-8")
    assert browser.open(file.as_uri()).console == ""
