"""A replaced file is the old one or the new one, with its mode, and nothing is left beside it."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_router.config.replace import is_read_only, replace_file

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="modes are a POSIX matter")


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200), kept=st.sampled_from([0o600, 0o640, 0o644, 0o660]))
@POSIX
def test_content_is_exact_and_the_mode_stays(tmp_path: Path, content: bytes, kept: int) -> None:
    file = tmp_path / "settings.json"
    file.write_bytes(b"old")
    file.chmod(kept)
    replace_file(file, content=content, mode_of=file)
    assert file.read_bytes() == content
    assert mode(file) == kept
    assert list(tmp_path.iterdir()) == [file]


@POSIX
@pytest.mark.parametrize(("private", "expected"), [(True, 0o600), (False, 0o666)])
def test_a_new_file_is_private_if_asked(tmp_path: Path, private: bool, expected: int) -> None:
    umask = os.umask(0)
    try:
        replace_file(tmp_path / "new", content=b"x", mode_of=tmp_path / "new", private=private)
    finally:
        os.umask(umask)
    assert mode(tmp_path / "new") == expected


def test_what_a_check_refuses_does_not_come(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_bytes(b"old")
    seen: list[tuple[str, bytes]] = []

    def refuse(written: Path) -> None:
        seen.append((written.suffix, written.read_bytes()))
        raise ValueError

    with pytest.raises(ValueError):
        replace_file(file, content=b"new", mode_of=file, check=refuse)
    assert seen == [(".toml", b"new")]
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        replace_file(tmp_path / "no" / "x", content=b"", mode_of=tmp_path / "no" / "x")


def test_a_reader_never_sees_a_part(tmp_path: Path) -> None:
    file = tmp_path / "x"
    contents = [bytes([65 + number]) * 50_000 for number in range(2)]
    replace_file(file, content=contents[0], mode_of=file)
    done = threading.Event()
    seen: set[bytes] = set()

    def read() -> None:
        while not done.is_set():
            seen.add(file.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(40):
        replace_file(file, content=contents[number % 2], mode_of=file)
    done.set()
    reader.join()
    assert seen <= set(contents)


@POSIX
def test_a_file_nobody_may_write_is_read_only(tmp_path: Path) -> None:
    file = tmp_path / "x"
    assert not is_read_only(file)
    file.write_bytes(b"")
    assert not is_read_only(file)
    file.chmod(0o444)
    assert is_read_only(file)
