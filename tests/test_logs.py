"""Lines of the log carry no secrets, stay on one line, and are JSON where that is asked for."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_router.logs import REDACTED, LogFormat, lines, redacted
from mcp_router.storage.tokens import new_secret
from tests.server.process import environment

SECRETS = (
    "sk-proj-Abcd1234efgh5678",
    "sk-ant-api03-Zz_9-aaaaaaaaaaaa",
    "AIzaSyA1234567890abcdefghijk",
    "gsk_abcdefgh12345678",
    "xai-abcdefgh12345678",
    "AKIAABCDEFGHIJKLMNOP",
    "ghp_abcdefgh12345678",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln_bmF0dXJl-ZQ",
    "0123456789abcdef0123456789abcdef",
    new_secret(),
)
FORMATS: tuple[LogFormat, ...] = ("text", "json")


def line_of(kind: LogFormat, message: str, *args: object, **more: Any) -> str:
    """Write one record as a logger would."""
    record = logging.LogRecord("mcp_router.x", logging.WARNING, "x.py", 1, message, args, None)
    record.__dict__.update(more)
    return lines(kind).format(record)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("secret", SECRETS, ids=range(len(SECRETS)))
@pytest.mark.parametrize("frame", ["{}", "key {} refused", '"{}"', "(a={})", "https://h/?x={}&y=1"])
def test_a_key_is_taken_out_wherever_it_stands(kind: LogFormat, secret: str, frame: str) -> None:
    line = line_of(kind, "%s", frame.format(secret))
    assert secret not in line
    assert REDACTED in line


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer hunter2",
        "authorization=Basic hunter2",
        "x-api-key: hunter2",
        '{"api_key": "hunter2 and more hunter2"}',
        "OPENAI_API_KEY=hunter2",
        "password = 'hunter2'",
        "client_secret=hunter2&x=1",
        "https://host/v1?key=hunter2",
        "postgresql://router:hunter2@db:5432/router",
        "postgresql://router:hunter2/p@hunter2@db/router",
        "Bearer hunter2-hunter2",
        "Set-Cookie: hunter2",
    ],
)
def test_what_is_called_a_secret_is_taken_out_however_short(text: str) -> None:
    assert "hunter2" not in redacted(text)
    assert REDACTED in redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        "dec_0123456789abcdef chose sonnet: cheapest of those above the floor",
        "401 POST /v1/chat/completions from 10.0.0.7: no_token (req_0123456789abcdef01234567)",
        "budget token=alice is at 80 % of its daily limit",
        "the key OPENAI_API_KEY is not set",
        "Put TLS in front of it: bearer tokens travel in the clear.",
        "candidate Qwen2.5-Coder-32B-Instruct-Turbo-FP8 score=0.8123 cost=$0.000123",
        "postgresql://db.internal:5432/router does not answer",
        "/home/me/projects/2026/a-rather-long-folder-name/router.db cannot be read",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text


@given(before=st.text(max_size=40), after=st.text(max_size=40), pick=st.integers(0, 9))
def test_no_surroundings_bring_a_bearer_token_through(before: str, after: str, pick: int) -> None:
    secret = SECRETS[pick]
    assert secret not in redacted(f"{before} Bearer {secret} {after}")


@pytest.mark.parametrize("kind", FORMATS)
@given(text=st.text())
def test_any_message_is_one_line_that_a_terminal_can_take(kind: LogFormat, text: str) -> None:
    line = line_of(kind, "%s", text)
    assert line.splitlines() == [line]
    assert line.isprintable()
    line.encode()


@given(text=st.text())
def test_a_line_of_json_is_one_object_with_time_level_logger_and_message(text: str) -> None:
    row = json.loads(line_of("json", "%s", text))
    assert list(row) == ["time", "level", "logger", "message"]
    assert (row["level"], row["logger"]) == ("warning", "mcp_router.x")
    assert row["message"] == redacted(text.strip())
    assert datetime.fromisoformat(row["time"]).utcoffset() is not None


def test_a_forged_line_stays_inside_the_one_that_it_came_in() -> None:
    forged = 'x\n2026-11-21 00:00:00 ERROR mcp_router all is lost\r{"level": "error"}\x1b[2J'
    assert "\\n2026-11-21" in line_of("text", "%s", forged)
    assert json.loads(line_of("json", "%s", forged))["level"] == "warning"


def test_ids_are_fields_of_their_own() -> None:
    row = json.loads(line_of("json", "x", decision_id="dec_0123456789abcdef", request_id="req_1"))
    assert (row["decision_id"], row["request_id"]) == ("dec_0123456789abcdef", "req_1")


@pytest.mark.parametrize("kind", FORMATS)
def test_an_exception_is_told_by_class_and_place_and_not_by_its_words(kind: LogFormat) -> None:
    try:
        raise ValueError("what a client sent")
    except ValueError:
        line = line_of(kind, "It failed", exc_info=sys.exc_info())
    assert "It failed: ValueError at test_logs.py:" in line
    assert "client sent" not in line


@pytest.mark.parametrize(
    "hostile",
    [
        "secret=",
        "://a:",
        "secret=\"'",
        "sk-",
        "Bearer ",
        "eyJaaaaaaaa.",
        "a1",
        "api_key   ",
        "@://",
    ],
)
def test_a_hostile_line_takes_no_more_than_linear_work(hostile: str) -> None:
    code = (
        "import time\nfrom mcp_router.logs import redacted\n"
        "def cpu(text):\n"
        "    start = time.process_time()\n    redacted(text)\n"
        "    return time.process_time() - start\n"
        f"small, large = {hostile!r} * 3_000, {hostile!r} * 60_000\n"
        "base = min(cpu(small) for _ in range(3))\n"
        "assert cpu(large) < 20 * 8 * max(base, 1e-3), (base, cpu(large))\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=environment(Path.cwd()))


def test_the_debug_log_as_json_names_the_decision_in_every_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mcp_router", "route", "Fix the login bug xyzzy", "--json"],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment(tmp_path, ROUTING_DEBUG="true", ROUTING_LOG_FORMAT="json"),
    )
    decided = json.loads(done.stdout)["decision_id"]
    text = (tmp_path / "debug.log").read_text(encoding="utf-8")
    rows = [json.loads(one) for one in text.splitlines()]
    assert {row["decision_id"] for row in rows} == {decided}
    assert {row["level"] for row in rows} == {"debug"}
    assert text in done.stderr
    assert "xyzzy" not in text
