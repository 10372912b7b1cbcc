"""The server as a process: `python -m mcp_router.testing`."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest

from mcp_router.testing.__main__ import main
from mcp_router.testing.catalogue import BEHAVIOURS

COMMAND = [sys.executable, "-m", "mcp_router.testing"]


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    process = subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def post(url: str, *, key: str = "k", model: str = "m") -> int:
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}]}
    headers = {"authorization": f"Bearer {key}"}
    return httpx2.post(f"{url}/chat/completions", json=body, headers=headers).status_code


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 0), ("SIGINT", 130)])
def test_it_serves_what_its_arguments_say_until_it_is_stopped(name: str, code: int) -> None:
    arguments = ("--api-key", "right", "--model", "m=server_error,healthy")
    with running(*arguments) as (process, urls):
        assert set(urls) == {"openai", "anthropic", "gemini"}
        assert post(urls["openai"], key="wrong") == 401
        assert [post(urls["openai"], key="right") for _ in range(3)] == [500, 200, 200]
        process.send_signal(signal.Signals[name])
        assert process.wait(timeout=10) == code
        _, errors = process.communicate()
        assert errors == ""


def test_random_faults_may_be_asked_for() -> None:
    with running("--random-rate", "1.0", "--seed", "3") as (_, urls):
        assert _some_fail(urls["openai"])


def _some_fail(url: str) -> bool:
    try:
        return any(post(url) != 200 for _ in range(50))
    except httpx2.TransportError:
        return True


def test_every_fault_is_listed_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    assert capsys.readouterr().out.split() == list(BEHAVIOURS)


@pytest.mark.parametrize("written", ["m", "m=", "=cut", "m=cut,nonsense"])
def test_an_unknown_fault_is_bad_usage(written: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--model", written])
    assert stopped.value.code == 2
    assert "--list" in capsys.readouterr().err
