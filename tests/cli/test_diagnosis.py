"""The command `doctor`: its page, its JSON and its exit code."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Invoke


@pytest.fixture(autouse=True)
def python_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the server that the doctor starts find the package of this checkout."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))


def test_a_sound_installation_exits_with_0_and_says_so(invoke: Invoke) -> None:
    result = invoke("doctor")
    assert result.code == 0, result.out
    assert result.out.startswith("Status  What")
    assert "Keys: Recommending works without" in result.out
    assert result.out.endswith("Everything works.\n")


def test_the_json_has_one_object_for_each_finding(invoke: Invoke) -> None:
    findings = invoke("doctor", "--json").json
    assert {tuple(finding) for finding in findings} == {("subject", "status", "text", "mend")}
    assert {finding["status"] for finding in findings} <= {"ok", "warn", "fail"}


def test_what_does_not_work_exits_with_1(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUTING_STRATEGY", "fastest")
    result = invoke("doctor")
    assert result.code == 1
    assert "checks failed." in result.out
    assert "Settings: Allowed: " in result.out


def test_no_key_is_ever_shown(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-s3cret")
    result = invoke("doctor")
    assert "set for openai" in result.out
    assert "s3cret" not in result.out + result.err
