"""Whatever another program of the machine sends to the port, the dashboard goes on in silence."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_router.dashboard.live import Dashboard, Source
from mcp_router.reporting.values import Report


@pytest.fixture(scope="module")
def dashboard(empty: Report) -> Iterator[Dashboard]:
    with Dashboard(Source(lambda: empty.revision, lambda: empty), port=0) as running:
        thread = threading.Thread(target=running.serve)
        thread.start()
        yield running
        running.stop()
        thread.join()


def said_to(dashboard: Dashboard, request: bytes) -> bytes:
    """Send bytes, then nothing more, and return all that comes back."""
    with socket.create_connection(("127.0.0.1", dashboard.port), timeout=20) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        try:
            return b"".join(iter(lambda: connection.recv(65_536), b""))
        except ConnectionResetError:
            # What was sent was not read to its end.
            return b""


def get(dashboard: Dashboard, target: bytes, *headers: bytes) -> bytes:
    host = b"Host: 127.0.0.1:%d" % dashboard.port
    lines = [b"GET " + target + b" HTTP/1.1", host, *headers, b"Connection: close", b"", b""]
    return said_to(dashboard, b"\r\n".join(lines))


def still_answers(dashboard: Dashboard) -> bool:
    page = get(dashboard, urlsplit(dashboard.url).path.encode())
    return page.startswith(b"HTTP/1.0 200") and b"<!doctype html>" in page.lower()


@pytest.mark.parametrize(
    "target",
    [
        b"//[::1",
        b"http://[x]:y/",
        b"*",
        b"/%00%ff%fe",
        b"/\xff\xfe\x80",
        b"/../../etc/passwd",
        b"/" + b"a" * 20_000,
        b"/?" + b"a=1&" * 5000,
        b"//127.0.0.1/",
        b"/\x1b[31m",
    ],
)
def test_an_address_that_is_none_of_ours_is_not_there(
    target: bytes, dashboard: Dashboard, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = get(dashboard, target)
    assert answer.split(b" ", 2)[1] in (b"404", b"400", b"414")
    assert urlsplit(dashboard.url).path.encode() not in answer
    assert still_answers(dashboard)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "headers",
    [
        (b"Host: evil.example",),
        (b"Origin: null",),
        (b"Origin: http://127.0.0.1",),
        (b"Sec-Fetch-Site: cross-site",),
        (b"Sec-Fetch-Site: \xff",),
    ],
)
def test_a_second_header_does_not_open_the_door(
    headers: tuple[bytes, ...], dashboard: Dashboard
) -> None:
    path = urlsplit(dashboard.url).path.encode()
    request = b"\r\n".join(
        [b"GET " + path + b" HTTP/1.1", *headers, b"Connection: close", b"", b""]
    )
    assert said_to(dashboard, request).startswith(b"HTTP/1.0 403")


@pytest.mark.parametrize(
    "request_",
    [
        b"",
        b"\r\n\r\n",
        b"GET",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 500 + b"\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
    ],
)
def test_what_is_no_request_gets_no_page(
    request_: bytes, dashboard: Dashboard, capfd: pytest.CaptureFixture[str]
) -> None:
    assert b" 200 " not in said_to(dashboard, request_)[:40]
    assert still_answers(dashboard)
    assert capfd.readouterr() == ("", "")


@given(st.binary(max_size=60))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_guess_of_a_path_is_answered(dashboard: Dashboard, guess: bytes) -> None:
    target = b"/" + bytes(byte for byte in guess if byte > 32)
    assert b" 200 " not in get(dashboard, target)[:40]


def test_a_query_does_not_change_which_page_is_meant(dashboard: Dashboard) -> None:
    path = urlsplit(dashboard.url).path.encode()
    assert get(dashboard, path + b"?x=1&x=2#top").startswith(b"HTTP/1.0 200")
    assert get(dashboard, path + b"state.json?revision=%ff").startswith(b"HTTP/1.0 200")
    assert get(dashboard, path.rstrip(b"/")).startswith(b"HTTP/1.0 404")
