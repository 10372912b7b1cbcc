"""A file of results holds whole lines, and every one of them is found again after any crash."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_router import InvalidRequestError
from mcp_router.workflows.results import ResultFile

HASHES = {f"r{number}": f"h{number}" for number in range(6)}


def line(number: int, *, ok: bool = True, mark: str = "") -> dict[str, Any]:
    said = {"id": f"r{number}", "hash": mark or f"h{number}", "ok": ok, "batch": "b1"}
    return {**said, "result": {"content": "ä\n\u2028 {" * number}}


def written(path: Path) -> list[dict[str, Any]]:
    text = path.read_text(encoding="utf-8")
    assert not text or text.endswith("\n")
    return [json.loads(one) for one in text.split("\n")[:-1]]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_wherever_a_file_is_cut_every_whole_line_is_kept_and_the_rest_goes(
    tmp_path: Path, data: st.DataObject
) -> None:
    path = tmp_path / "results.jsonl"
    path.unlink(missing_ok=True)
    lines = [(json.dumps(line(number)) + "\n").encode() for number in range(5)]
    whole = b"".join(lines)
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    with ResultFile(path, hashes=HASHES, resume=True) as file:
        kept = len(file.standing.done)
        # A last line without its end may still be whole.
        ends = [sum(map(len, lines[:count])) for count in range(6)]
        assert kept == sum(end - 1 <= cut for end in ends[1:])
        assert file.standing.torn == (cut not in ends and cut + 1 not in ends)
        for number in range(kept, 5):
            file.add(line(number))
    assert [one["id"] for one in written(path)] == [f"r{number}" for number in range(5)]


def test_only_what_went_well_and_still_asks_the_same_counts_once(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    found = [
        *(line(0), line(1, ok=False), line(2, mark="old"), line(0), line(3)),
        {"id": "gone", "hash": "x", "ok": True},
    ]
    path.write_text("".join(f"{json.dumps(one)}\n" for one in found) + "\n[1]\n{}\n")
    with ResultFile(path, hashes=HASHES, resume=True) as file:
        assert list(file.standing.done) == ["r0", "r3", "gone"]
        assert (file.standing.torn, file.standing.retried) == (2, 3)
        assert file.standing.batch == "b1"
    assert [one["id"] for one in written(path)] == ["r0", "r3", "gone"]
    assert [one.name for one in tmp_path.iterdir()] == ["results.jsonl"]


def test_a_sound_file_is_added_to_and_not_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    with ResultFile(path, hashes=HASHES, resume=False) as file:
        file.add(line(0))
    before = path.stat().st_ino
    with ResultFile(path, hashes=HASHES, resume=True) as file:
        file.add(line(1))
    assert path.stat().st_ino == before
    assert len(written(path)) == 2


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_answers_are_for_their_owner_only_and_a_repair_keeps_the_mode(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    with ResultFile(path, hashes=HASHES, resume=False) as file:
        file.add(line(0))
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    path.write_bytes(path.read_bytes() + b"torn")
    with ResultFile(path, hashes=HASHES, resume=True):
        assert path.stat().st_mode & 0o777 == 0o640
    assert len(written(path)) == 1


@pytest.mark.skipif(os.name != "posix", reason="locks of POSIX")
def test_nobody_else_may_write_the_file_also_after_a_repair(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text("torn")
    with (
        ResultFile(path, hashes=HASHES, resume=True),
        pytest.raises(InvalidRequestError, match="another process is writing it"),
    ):
        ResultFile(path, hashes=HASHES, resume=True)
    with ResultFile(path, hashes=HASHES, resume=True) as file:
        file.add(line(1))
    assert len(written(path)) == 1


def test_a_file_that_holds_something_is_kept_unless_it_is_to_be_resumed(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text("mine")
    with pytest.raises(InvalidRequestError, match="it is there already"):
        ResultFile(path, hashes=HASHES, resume=False)
    assert path.read_text() == "mine"
    with pytest.raises(InvalidRequestError, match=r"cannot be written \(No such file"):
        ResultFile(tmp_path / "no" / "where", hashes={}, resume=True)
    path.write_text("")
    with ResultFile(path, hashes=HASHES, resume=False) as file:
        assert file.standing.done == {}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device")
def test_a_device_or_pipe_is_no_place_for_results(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (Path("/dev/full"), tmp_path / "pipe"):
        with pytest.raises(InvalidRequestError, match="it is no regular file"):
            ResultFile(path, hashes={}, resume=True)


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_a_full_disk_is_told_and_leaves_whole_lines(tmp_path: Path) -> None:
    import resource

    path = tmp_path / "results.jsonl"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with ResultFile(path, hashes=HASHES, resume=False) as file:
        file.add(line(0))
        size = path.stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 30, limits[1]))
        try:
            with pytest.raises(InvalidRequestError, match="cannot be written"):
                file.add(line(1))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert path.stat().st_size == size
        file.add(line(2))
    assert [one["id"] for one in written(path)] == ["r0", "r2"]
