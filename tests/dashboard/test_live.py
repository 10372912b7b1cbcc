"""The dashboard answers this machine's browser at its secret address, and nobody else."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from mcp_router.dashboard.live import Dashboard, PortTakenError, Source
from mcp_router.errors import StorageError
from mcp_router.reporting.values import Report


class Reply(NamedTuple):
    status: int
    body: str
    headers: dict[str, str]


class Recorded:
    """Figures that a test can change."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.broken = False

    def read(self) -> Report:
        if self.broken:
            raise StorageError(path="router.db", problem="it is locked")
        return self.report


@pytest.fixture
def recorded(empty: Report) -> Recorded:
    return Recorded(empty)


@pytest.fixture
def dashboard(recorded: Recorded) -> Iterator[Dashboard]:
    source = Source(lambda: recorded.report.revision, recorded.read)
    with Dashboard(source, port=0) as running:
        thread = threading.Thread(target=running.serve)
        thread.start()
        yield running
        running.stop()
        thread.join()


def ask(dashboard: Dashboard, path: str = "", *, method: str = "GET", **headers: str) -> Reply:
    """Ask for a path below the secret address, or for an absolute one."""
    base = urlsplit(dashboard.url).path
    target = path if path.startswith("/") else base + path
    connection = http.client.HTTPConnection("127.0.0.1", dashboard.port, timeout=20)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, target, headers=named)
    answer = connection.getresponse()
    reply = Reply(answer.status, answer.read().decode(), dict(answer.getheaders()))
    connection.close()
    return reply


def test_the_page_is_served_at_its_address(dashboard: Dashboard) -> None:
    reply = ask(dashboard)
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    assert 'data-state="state.json"' in reply.body


def test_nothing_may_keep_frame_or_read_it(dashboard: Dashboard) -> None:
    headers = ask(dashboard).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/", "/x/", "/state.json", "/../", "//", "/%2e/"])
def test_without_the_token_there_is_nothing(path: str, dashboard: Dashboard) -> None:
    assert ask(dashboard, path).status == 404


def test_every_dashboard_has_a_token_of_its_own(dashboard: Dashboard, recorded: Recorded) -> None:
    with Dashboard(Source(str, recorded.read), port=0) as other:
        assert urlsplit(other.url).path != urlsplit(dashboard.url).path
        assert len(urlsplit(other.url).path) > 20


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1:1", ""]
)
def test_another_host_name_is_refused(host: str, dashboard: Dashboard) -> None:
    assert ask(dashboard, Host=host).status == 403


def test_localhost_is_this_machine_too(dashboard: Dashboard) -> None:
    assert ask(dashboard, Host=f"localhost:{dashboard.port}").status == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1"])
def test_another_site_is_refused(origin: str, dashboard: Dashboard) -> None:
    assert ask(dashboard, "state.json", Origin=origin).status == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_request_that_another_site_makes_is_refused(site: str, dashboard: Dashboard) -> None:
    assert ask(dashboard, Sec_Fetch_Site=site).status == 403


def test_its_own_page_may_ask(dashboard: Dashboard) -> None:
    own = f"http://127.0.0.1:{dashboard.port}"
    assert ask(dashboard, "state.json", Origin=own, Sec_Fetch_Site="same-origin").status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_it_can_only_be_read(method: str, dashboard: Dashboard) -> None:
    assert ask(dashboard, method=method).status == 501


def test_without_news_nothing_is_sent(dashboard: Dashboard, recorded: Recorded) -> None:
    reply = ask(dashboard, f"state.json?revision={recorded.report.revision}")
    assert (reply.status, reply.body) == (304, "")


def test_news_hold_the_new_figures(
    dashboard: Dashboard, recorded: Recorded, report: Report
) -> None:
    known = recorded.report.revision
    recorded.report = report
    reply = ask(dashboard, f"state.json?revision={known}")
    news = json.loads(reply.body)
    assert news["revision"] == report.revision
    assert "Quality against cost" in news["content"]
    assert "<script" not in news["content"]
    assert ask(dashboard, f"state.json?revision={news['revision']}").status == 304


def test_a_store_that_fails_does_not_stop_it(dashboard: Dashboard, recorded: Recorded) -> None:
    recorded.broken = True
    reply = ask(dashboard)
    assert reply.status == 503
    assert "it is locked" in reply.body
    recorded.broken = False
    assert ask(dashboard).status == 200


def test_a_browser_that_goes_away_is_no_error(
    dashboard: Dashboard, capfd: pytest.CaptureFixture[str]
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", dashboard.port)
    connection.request("GET", urlsplit(dashboard.url).path)
    connection.close()
    assert ask(dashboard).status == 200
    assert capfd.readouterr().err == ""


def test_a_port_that_is_taken_is_told_with_the_next_step(dashboard: Dashboard) -> None:
    with pytest.raises(PortTakenError, match="--port 0"):
        Dashboard(Source(str, dict), port=dashboard.port)  # type: ignore[arg-type]
